"""What came to a floor from outside, gathered from its journal: callers, agents, hours.

What the router then decided is left aside, but for how long agents let it ring and how long each
contact lasted: what another configuration would have met too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from acd.router import events as ev
from acd.router.configuration import Configuration
from acd.simulation import WAITING, Call

from .replay import Turn

_OUTSIDE = (ev.AgentWants, ev.AgentReachable, ev.AgentBusy, ev.AgentFreeAgain, ev.QueueOpened,
            ev.QueueClosed, ev.DayStarted, ev.AgentRestored)  # fmt: skip


@dataclass(slots=True)
class _Fate:
    arrived: ev.Arrived
    at: int
    answered: int | None = None
    ended: int | None = None
    left: int | None = None
    abandoned: bool = False


@dataclass(slots=True)
class Past:
    """The past of one run. Feed it turns in order."""

    config: Configuration | None = None
    """The configuration it began with."""
    events: list[tuple[int, ev.Event]] = field(default_factory=list)
    """What agents did and when queues opened, in order of time."""
    configured: list[tuple[int, ev.Event]] = field(default_factory=list)
    """Changes of the configuration after the beginning."""
    last: int = 0
    _fates: dict[str, _Fate] = field(default_factory=dict)
    _offered: dict[str, tuple[str, int]] = field(default_factory=dict)
    _rings: list[int] = field(default_factory=list)

    def add(self, turn: Turn) -> None:
        """Take in one turn."""
        at = self.last = turn.entry.at_ms
        events = turn.event.events if isinstance(turn.event, ev.Batch) else (turn.event,)
        for event in events:
            self._event(event, at)
        for decision in turn.decisions:
            if isinstance(decision, ev.Offer):
                self._offered[decision.offer] = (decision.interaction, at)
            elif isinstance(decision, ev.TurnedAway | ev.ToVoicemail):
                fate = self._fates.get(decision.interaction)
                if fate is not None:
                    fate.left = at

    def _event(self, event: ev.Event, at: int) -> None:
        match event:
            case ev.ConfigChanged(config):
                if self.config is None:
                    self.config = config
                else:
                    self.configured.append((at, event))
            case ev.Arrived(interaction):
                if interaction not in self._fates:
                    self._fates[interaction] = _Fate(event, at)
            case ev.OfferAccepted(offer):
                interaction, offered = self._offered.get(offer, ("", at))
                fate = self._fates.get(interaction)
                if fate is not None and fate.answered is None:
                    fate.answered = at
                    self._rings.append(at - offered)
            case ev.Ended(interaction) | ev.Transferred(interaction):
                fate = self._fates.get(interaction)
                if fate is not None and fate.answered is not None and fate.ended is None:
                    fate.ended = at
            case ev.Left(interaction, reason):
                fate = self._fates.get(interaction)
                if fate is not None and fate.answered is None:
                    fate.left, fate.abandoned = at, reason is ev.LeaveReason.ABANDONED
            case _ if isinstance(event, _OUTSIDE):
                self.events.append((at, event))

    @property
    def answer_ms(self) -> int:
        """How long agents let it ring, on average."""
        return sum(self._rings) // len(self._rings) if self._rings else 0

    def calls(self, seed: int = 1) -> list[Call]:
        """Return the callers, in order, as they would come to any floor.

        What the past does not show is drawn, the same for the same seed: how long a talk would have
        been that never was, or lasted on at the end, from those of its queue; how long an answered
        caller would have gone on waiting, after the rate at which others hung up, an exponential
        time beyond the wait they did have.
        """
        talks: dict[str, list[int]] = {}
        waited: dict[str, int] = {}
        lost: dict[str, int] = {}
        for fate in self._fates.values():
            queue = fate.arrived.queue
            if fate.answered is not None and fate.ended is not None:
                talks.setdefault(queue, []).append(fate.ended - fate.answered)
            until = fate.answered or fate.left or self.last
            waited[queue] = waited.get(queue, 0) + until - fate.at
            lost[queue] = lost.get(queue, 0) + fate.abandoned
        every = [talk for some in talks.values() for talk in some] or [180_000]
        return [self._call(fate, talks, waited, lost, every, seed)
                for fate in sorted(self._fates.values(), key=lambda fate: fate.at)]  # fmt: skip

    def _call(
        self,
        fate: _Fate,
        talks: dict[str, list[int]],
        waited: dict[str, int],
        lost: dict[str, int],
        every: list[int],
        seed: int,
    ) -> Call:
        arrived = fate.arrived
        draw = Random(f"{seed} {arrived.interaction}")
        queue = arrived.queue
        talk = self._talk(fate, talks.get(queue, every), draw)
        until = fate.answered or fate.left or self.last
        patience: int | None = until - fate.at
        if not fate.abandoned:
            rate = lost[queue] / waited[queue] if waited[queue] else 0.0
            patience = until - fate.at + int(draw.expovariate(rate)) if rate else None
        return Call(arrived.interaction, queue, fate.at, talk, patience, arrived.priority,
                    arrived.tier, arrived.criteria, arrived.steps, arrived.entered)  # fmt: skip

    def _talk(self, fate: _Fate, talks: list[int], draw: Random) -> int:
        """How long it talked; one that talked on at the end, longer than until then."""
        if fate.answered is None:
            return draw.choice(talks)
        if fate.ended is not None:
            return fate.ended - fate.answered
        least = self.last - fate.answered
        longer = [talk for talk in talks if talk > least]
        return draw.choice(longer) if longer else least + draw.choice(talks)

    def waits(self) -> dict[str, tuple[str, str, int]]:
        """Return how it really was: queue, outcome and wait in ms, by interaction.

        The outcome is `waiting` for who was still in line at the end.
        """
        found = {}
        for name, fate in self._fates.items():
            if fate.answered is not None:
                found[name] = (fate.arrived.queue, "answered", fate.answered - fate.at)
            elif fate.left is not None:
                how = "abandoned" if fate.abandoned else "left"
                found[name] = (fate.arrived.queue, how, fate.left - fate.at)
            else:
                found[name] = (fate.arrived.queue, WAITING, self.last - fate.at)
        return found
