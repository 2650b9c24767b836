"""A router with a clock that the test moves, and words for what happens on its floor."""

from __future__ import annotations

from acd.router import Router, events as ev
from acd.router.events import Presence, Wanted

SALES = ("sales",)
BOTH = ("sales", "support")


def queues_named(*names: str) -> tuple[ev.QueueConfig, ...]:
    return tuple(ev.QueueConfig(name) for name in names)


class Floor:
    """Queues `sales` and `support`; agents log in one after the other, 1 ms apart."""

    def __init__(
        self, agents: dict[str, tuple[str, ...]], *, wrap_up_ms: int = 1000, log_in: bool = True
    ) -> None:
        self.queues = tuple(
            ev.QueueConfig(q, ring_ms=15_000, wrap_up_ms=wrap_up_ms) for q in ("sales", "support")
        )
        self.agents = agents
        self.now = 0
        self.router = Router(self.config(), "run")
        for agent in agents if log_in else ():
            self.tell(ev.AgentWants(agent, Wanted.AVAILABLE))
            self.now += 1

    def config(self, **changes: object) -> ev.Configuration:
        agents = tuple(ev.AgentConfig(name, queues) for name, queues in self.agents.items())
        given = {"queues": self.queues, "agents": agents, "busy_backoff_ms": 5000} | changes
        return ev.Configuration(**given)  # type: ignore[arg-type]

    def tell(self, event: ev.Event) -> list[ev.Decision]:
        return self.router.handle(event, self.now)

    def at(self, now: int, event: ev.Event | None = None) -> list[ev.Decision]:
        self.now = now
        return self.tell(event or ev.TimePassed())

    def offers(self, event: ev.Event) -> dict[str, str]:
        """Tell an event; return who is offered whom."""
        return {d.interaction: d.agent for d in self.tell(event) if isinstance(d, ev.Offer)}

    def presence(self, agent: str) -> tuple[Presence, str]:
        view = self.router.agent(agent)
        assert view is not None
        return view.presence, view.reason

    def line(self, queue: str = "sales") -> list[str]:
        return [x.interaction for x in self.router.waiting(queue)]

    def offer_of(self, interaction: str) -> str:
        view = self.router.interaction(interaction)
        assert view is not None
        assert view.offer is not None
        return view.offer

    def talk(self, interaction: str, queue: str = "sales") -> None:
        self.tell(ev.Arrived(interaction, queue, self.now))
        self.tell(ev.OfferAccepted(self.offer_of(interaction)))
