"""Who works here: agents, their addresses and presence, and the queues, as one loaded value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from crm import records as crm

PresenceWanted = tuple[Wanted, str]
"""What an agent asked to be, and the reason they gave."""


class Roster:
    """A configuration together with what it leaves to the shell: addresses and wanted presence.

    `addresses` maps an agent to their address at the switch (a SIP account), `presences` to what
    they last asked to be.
    """

    def __init__(
        self,
        configuration: Configuration,
        addresses: Mapping[str, str],
        presences: Mapping[str, PresenceWanted],
    ) -> None:
        self.configuration = configuration
        self._addresses = dict(addresses)
        self._at = {address: agent for agent, address in self._addresses.items()}
        self._presences = {
            config.agent: presences.get(config.agent, (Wanted.OFFLINE, ""))
            for config in configuration.agents
        }
        self._queues = {queue.name: queue for queue in configuration.queues}

    @classmethod
    def of(cls, floor: crm.Floor) -> Roster:
        """The roster of a stored floor."""
        configuration = Configuration(
            version=floor.version,
            queues=tuple(
                QueueConfig(q.name, q.ring_ms, q.wrap_up_ms, q.strategy) for q in floor.queues
            ),
            agents=tuple(AgentConfig(agent.id, agent.queues) for agent in floor.agents),
        )
        return cls(
            configuration,
            {agent.id: agent.address for agent in floor.agents},
            {agent.id: (Wanted(agent.wanted), agent.reason) for agent in floor.agents},
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

    def address(self, agent: str) -> str:
        """The agent's address; empty if unknown."""
        return self._addresses.get(agent, "")

    def agent_at(self, address: str) -> str | None:
        """The agent whose address this is."""
        return self._at.get(address)

    def presence(self, agent: str) -> PresenceWanted:
        """What the agent last asked to be. Raises KeyError for an unknown agent."""
        return self._presences[agent]

    def presences(self) -> Iterator[tuple[str, PresenceWanted]]:
        """What each agent last asked to be."""
        return iter(self._presences.items())

    def want(self, agent: str, wanted: Wanted, reason: str) -> None:
        """Note what an agent asks to be. Raises KeyError for an unknown agent."""
        if agent not in self._presences:
            raise KeyError(agent)
        self._presences[agent] = (wanted, reason)
