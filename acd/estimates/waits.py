"""The waits of the live floor: estimates kept fresh, each one given written down to be scored.

Fed after each turn of the router, when the event loop's turn is over. What changed marks its lines;
asked for, only the lines that share agents with a marked one are estimated anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from acd.router import Router, events as ev
from acd.router.line import Line
from crm.records import JournalEntry

from .announcer import Announcer, Said
from .estimate import Estimate
from .estimator import Estimator
from .experience import Experience

KIND = "estimate"
"""Of the journal entries that keep what was given."""


class Waits:
    """Estimates for one floor.

    `epoch` numbers the entries given to `keep`; it must begin with `ewt.`, by which they are told
    from the router's own.
    """

    def __init__(
        self, experience: Experience, epoch: str, keep: Callable[[JournalEntry], None]
    ) -> None:
        self.experience = experience
        self._epoch = epoch
        self._keep = keep
        self._seq = 0
        self._announcer = Announcer()
        self._estimator: Estimator | None = None
        self._known: dict[Line, dict[str, Estimate | None]] = {}
        self._stale: dict[Line, None] = {}

    def turn(
        self, router: Router, event: ev.Event, decisions: Sequence[ev.Decision], now: int
    ) -> None:
        """Take in one turn of the router, and give who came to wait their first estimate."""
        if self._estimator is None or self._estimator.router is not router:
            self._estimator = Estimator(router, self.experience)
            self._known.clear()
            self._stale.clear()
        self.experience.turn(event, decisions, now)
        self._mark(router, event, decisions)
        for one in event.events if isinstance(event, ev.Batch) else (event,):
            if isinstance(one, ev.Arrived):
                self._give(one.interaction, router, now)
            elif isinstance(one, ev.Left | ev.Ended):
                self._announcer.forget(one.interaction)

    def _mark(self, router: Router, event: ev.Event, decisions: Sequence[ev.Decision]) -> None:
        floor = router.floor
        for decision in decisions:
            if isinstance(decision, ev.AgentMoved) and decision.agent in floor.agents:
                self._stale.update(floor.agents[decision.agent].lines)
        for one in event.events if isinstance(event, ev.Batch) else (event,):
            name = one.interaction if isinstance(one, ev.Arrived | ev.Left) else ""
            known = floor.interactions.get(name)
            if known is not None and known.line is not None:
                self._stale[known.line] = None
            elif name or isinstance(one, ev.TimePassed | ev.ConfigChanged | ev.WrapUpDone):
                # Whose line it was is not known any more: those who were told of it will tell.
                self._stale.update(
                    (line, None) for line, told in self._known.items() if not name or name in told
                )

    def _give(self, interaction: str, router: Router, now: int) -> None:
        assert self._estimator is not None
        estimate = self._estimator.estimate(interaction, now)
        one = router.floor.interactions.get(interaction)
        if estimate is None or one is None:
            return
        self._seq += 1
        body = {
            "interaction": interaction,
            "queue": one.queue.config.name,
            "p10": estimate.p10,
            "p50": estimate.p50,
            "p90": estimate.p90,
            "mean": estimate.mean,
            "ahead": estimate.ahead,
            "agents": estimate.agents,
        }
        version = router.config.version
        self._keep(JournalEntry(self._epoch, self._seq, now, version, KIND, body))

    # --- what is asked ---------------------------------------------------------------------------

    def estimates(self, now: int) -> dict[str, Estimate | None]:
        """Return everybody's estimate, by interaction; None where too little is known."""
        if self._estimator is None:
            return {}
        reach = 0
        for line in self._stale:
            reach |= line.eligible
        known, self._known = self._known, {}
        found: dict[str, Estimate | None] = {}
        for queue in self._estimator.router.floor.queues.values():
            for line in queue.lines.values():
                if line.live:
                    told = known.get(line)
                    if told is None or line in self._stale or line.eligible & reach:
                        told = self._estimator.line(line, now)
                    self._known[line] = told
                    found.update(told)
        self._stale.clear()
        return found

    def estimate(self, interaction: str, now: int) -> Estimate | None:
        """Return one estimate; None where too little is known."""
        return None if self._estimator is None else self._estimator.estimate(interaction, now)

    def say(self, interaction: str, now: int) -> Said | None:
        """Return what to tell a caller now, and note that it was said; None: nothing honest."""
        if self._estimator is None:
            return None
        estimate = self._estimator.estimate(interaction, now)
        said = self._announcer.say(interaction, estimate, now)
        if said is not None:
            self._give(interaction, self._estimator.router, now)
        return said
