"""Who works here: agents, their addresses and presence, and the queues, as one loaded value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from acd import policy
from acd.callbacks.policy import Policy, of_queues
from acd.policy.faults import Faults
from acd.router.events import Configuration, QueueConfig, Wanted
from acd.router.recipes import TierIn
from crm import records as crm
from crm.calendars import Calendar

PresenceWanted = tuple[Wanted, str]
"""What an agent asked to be, and the reason they gave."""


class Roster:
    """A configuration together with what it leaves to the shell: addresses and wanted presence.

    `addresses` maps an agent to their address at the switch (a SIP account), `presences` to what
    they last asked to be, `since` to when that was, as stored; `hours` maps queues to when they are
    open, if not always; `callbacks` to how their callbacks are made.
    """

    def __init__(
        self,
        configuration: Configuration,
        addresses: Mapping[str, str],
        presences: Mapping[str, PresenceWanted],
        hours: Mapping[str, Calendar] | None = None,
        faults: Sequence[policy.Fault] = (),
        since: Mapping[str, int] | None = None,
        callbacks: Mapping[str, Policy] | None = None,
    ) -> None:
        self.configuration = configuration
        self.callbacks = callbacks or {}
        self.hours = hours or {}
        self.faults = tuple(faults)
        self._since = since or {}
        self._asks_tier = any(
            queue.tiers or any(isinstance(c, TierIn) for r in queue.recipes for c in r.when)
            for queue in configuration.queues
        )
        self._addresses = dict(addresses)
        self._at = {address: agent for agent, address in self._addresses.items()}
        self._presences = {
            config.agent: presences.get(config.agent, (Wanted.OFFLINE, ""))
            for config in configuration.agents
        }
        self._queues = {queue.name: queue for queue in configuration.queues}

    @classmethod
    def of(cls, floor: crm.Floor) -> Roster:
        """The roster of a stored floor.

        Its `faults` tell what of the rows cannot be used; each such part has its default, or is
        left out, so that the floor works with the rest.
        """
        found, faults = policy.read(floor), Faults()
        callbacks = of_queues(floor.queues, faults)
        return cls(
            found.configuration,
            {agent.id: agent.address for agent in floor.agents},
            {agent.id: (Wanted(agent.wanted), agent.reason) for agent in floor.agents},
            found.hours,
            (*found.faults, *faults.found),
            {agent.id: agent.since_ms for agent in floor.agents},
            callbacks,
        )

    def agents(self) -> Iterator[str]:
        """All agents, in the configuration's order."""
        return iter(self._presences)

    def queues(self) -> Iterator[str]:
        """All queues' names."""
        return iter(self._queues)

    def queue(self, name: str) -> QueueConfig | None:
        """One queue's policy, or None if there is no such queue."""
        return self._queues.get(name)

    @property
    def asks_tier(self) -> bool:
        """Whether some queue goes by the caller's tier."""
        return self._asks_tier

    def address(self, agent: str) -> str:
        """The agent's address; empty if unknown."""
        return self._addresses.get(agent, "")

    def agent_at(self, address: str) -> str | None:
        """The agent whose address this is."""
        return self._at.get(address)

    def presence(self, agent: str) -> PresenceWanted:
        """What the agent last asked to be. Raises KeyError for an unknown agent."""
        return self._presences[agent]

    def since(self, agent: str) -> int:
        """When the agent last asked to be something else, as stored, in ms; 0 if unknown."""
        return self._since.get(agent, 0)

    def presences(self) -> Iterator[tuple[str, PresenceWanted]]:
        """What each agent last asked to be."""
        return iter(self._presences.items())

    def want(self, agent: str, wanted: Wanted, reason: str) -> None:
        """Note what an agent asks to be. Raises KeyError for an unknown agent."""
        if agent not in self._presences:
            raise KeyError(agent)
        self._presences[agent] = (wanted, reason)
