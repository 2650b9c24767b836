"""A floor of any configuration, with words for what happens on it."""

from __future__ import annotations

from acd.router import Router, events as ev
from acd.router.events import Configuration, Wanted


class Floor:
    """A floor of any configuration; everybody logs in at 0, in configured order."""

    def __init__(self, config: Configuration, *, log_in: bool = True) -> None:
        self.router = Router(config, "run")
        self.now = 0
        if log_in:
            self.log_in()

    def log_in(self) -> dict[str, list[str]]:
        agents = [a.agent for a in self.router.config.agents]
        return self.offers(ev.Batch(tuple(ev.AgentWants(a, Wanted.AVAILABLE) for a in agents)))

    def tell(self, event: ev.Event, now: int | None = None) -> list[ev.Decision]:
        self.now = self.now if now is None else now
        return self.router.handle(event, self.now)

    def offers(self, event: ev.Event, now: int | None = None) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self.tell(event, now):
            if isinstance(one, ev.Offer):
                found.setdefault(one.interaction, []).append(one.agent)
        return found

    def arrive(self, name: str, queue: str = "q", **more: object) -> list[str]:
        arrived = ev.Arrived(name, queue, self.now, **more)  # type: ignore[arg-type]
        return self.offers(arrived).get(name, [])

    def answer(self, name: str) -> list[ev.Decision]:
        view = self.router.interaction(name)
        assert view is not None
        assert view.offer is not None
        return self.tell(ev.OfferAccepted(view.offer))

    def end(self, name: str, now: int | None = None) -> dict[str, list[str]]:
        view = self.router.interaction(name)
        assert view is not None
        assert view.agent is not None
        return self.offers(ev.Ended(name, view.agent), now)
