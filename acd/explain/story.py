"""The story of one interaction, as a replay of the journal shows it turn by turn."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from acd.replay import Replayer, Turn
from acd.router import events as ev
from acd.router.configuration import Configuration
from acd.router.events import Presence
from acd.router.interaction import Interaction, InteractionState
from acd.router.supply import orders
from crm.records import JournalEntry

from . import reasons
from .witness import Choice, Witness

APART_MS = 2_000
"""A phone that sends its caller on is gone at most this long before or after it is known."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be explained."""

    interaction: str
    agents: tuple[str, ...] = ()
    """Why it was not they."""
    others: tuple[str, ...] = ()
    """Why they went before."""


@dataclass(slots=True)
class Story:
    """What happened to an interaction, in order: dicts with `at_ms`, `what` and its facts."""

    asked: Asked
    happened: list[dict[str, Any]] = field(default_factory=list)

    def weave(self, lines: Iterable[dict[str, Any]]) -> None:
        """Put what segments tell among the rest by time, before what is of the same instant."""
        told = [*lines, *self.happened]
        joined = {one["offer"] for one in told if one["what"] == "conference"}
        for one in told:
            if one["what"] == "handed_over" and one["offer"] in joined:
                one["what"] = "left_to"
        sent = [one for one in told if one["what"] == "sent_on"]
        told = [one for one in told if not any(_says(one, other) for other in sent)]
        self.happened = sorted(told, key=lambda one: int(one["at_ms"]))

    def add(self, at_ms: int, what: str, **facts: Any) -> None:
        """Note something."""
        self.happened.append({"at_ms": at_ms, "what": what, **facts})


class Teller:
    """Replays a run and notes what concerns the interaction asked about."""

    def __init__(self, epoch: str, asked: Asked, story: Story, clock: reasons.Clock) -> None:
        self._asked = asked
        self._about = asked.interaction
        self._story = story
        self._clock = clock
        self._choices: list[Choice] = []
        self.replayer = Replayer(epoch, self.make)
        """At the run's beginning; may be set to one that `make` made, at a checkpoint before the
        interaction came."""
        self._ahead: list[str] = []
        self._step: tuple[int, str] | None = None
        self._offers: dict[str, ev.Offer] = {}

    def make(self, config: Configuration, epoch: str) -> Witness:
        """Make the router that tells what concerns the interaction."""
        asked = self._asked
        return Witness(config, epoch, asked.interaction, asked.agents, asked.others,
                       self._choices.append, self._clock)  # fmt: skip

    def feed(self, entry: JournalEntry) -> Turn:
        """Replay one entry. Raises `JournalUnfit`."""
        self._choices.clear()
        known = self.replayer.router.floor.interactions.get(self._about)
        queue = None if known is None else known.queue.config.name
        turn = self.replayer.feed(entry)
        events = _all(turn.event)
        rung = {event.what for event in events if isinstance(event, ev.AgentFreeAgain)}
        for event in events:
            if isinstance(event, ev.Adopted) and event.interaction == self._about:
                self._adopted(event, entry.at_ms, handed=event.offer in rung)
            else:
                self._event(event, entry.at_ms, queue)
        self._decided(turn)
        self._stands(entry.at_ms, turn)
        return turn

    @property
    def _one(self) -> Interaction | None:
        return self.replayer.router.floor.interactions.get(self._about)

    def _event(self, event: ev.Event, at: int, queue: str | None) -> None:
        note, about = self._story.add, self._about
        match event:
            case ev.Arrived(interaction) if interaction == about:
                self._arrived(event, at)
            case ev.Transferred(interaction, agent, arrived) if about in (
                interaction,
                arrived.interaction,
            ):
                note(at, "transferred", agent=agent, queue=arrived.queue)
                self._arrived(arrived, at)
            case ev.OfferAccepted(offer) if offer in self._offers:
                note(at, "answered", agent=self._offers[offer].agent, offer=offer)
            case ev.OfferFailed(offer, failure) if offer in self._offers:
                self._failed(at, self._offers[offer], failure)
            case ev.Left(interaction, reason) if interaction == about and queue is not None:
                note(at, "left", reason=reason.value, queue=queue)
            case ev.Ended(interaction, agent) if interaction == about:
                note(at, "ended", agent=agent)
            case ev.HandedOver(interaction, agent, to) if interaction == about:
                note(at, "handed_over", agent=agent, to=to, offer=event.replaces)
            case _:
                pass

    def _adopted(self, event: ev.Adopted, at: int, *, handed: bool) -> None:
        """Found after a restart, or taken by a colleague who was rung for it (`handed`)."""
        what = "took_over" if handed else "adopted"
        self._story.add(at, what, agent=event.agent, answered=event.answered)
        self._offers[event.offer] = ev.Offer(
            event.offer, event.interaction, event.queue, event.agent, 0
        )

    def _failed(self, at: int, offer: ev.Offer, failure: ev.Failure) -> None:
        agent = self.replayer.router.agent(offer.agent)
        paused = agent is not None and agent.presence is Presence.PAUSED
        self._story.add(
            at,
            "offer_failed",
            agent=offer.agent,
            offer=offer.offer,
            failure=failure.value,
            paused=paused,
            until=agent.until if agent is not None and paused else None,
            place=self.replayer.router.place(self._about),
        )

    def _arrived(self, event: ev.Arrived, at: int) -> None:
        one, router = self._one, self.replayer.router
        facts: dict[str, Any] = {"queue": event.queue, "entered_ms": event.entered,
                                 "priority_ms": event.priority, "tier": event.tier,
                                 "rejoins": event.rejoins}  # fmt: skip
        if one is not None and one.state is not InteractionState.ON_CONTACT:
            self._ahead = self._line_ahead(one)
            self._step = (one.step, one.line.label)
            facts |= {
                "priority_ms": one.priority,
                "place": router.place(self._about),
                "ahead": list(self._ahead),
                **self._step_facts(one),
                "agents": self._agents(one),
                "why_not": self._why_not(one),
            }
        self._story.add(at, "came", **facts)

    def _why_not(self, one: Interaction) -> dict[str, str]:
        """Why the agents asked about cannot take it as things stand."""
        floor = self.replayer.router.floor
        known = {name: floor.agents.get(name) for name in self._asked.agents}
        return {
            name: "is not an agent of this floor"
            if agent is None
            else reasons.hindrance(floor, one.line, agent, self._clock) or "can take it"
            for name, agent in known.items()
        }

    def _agents(self, one: Interaction) -> list[dict[str, str]]:
        floor = self.replayer.router.floor
        return [
            {"agent": agent.id, "doing": reasons.doing(agent, self._clock)}
            for agent in (floor.ordered[order] for order in orders(one.line.eligible))
        ]

    def _step_facts(self, one: Interaction) -> dict[str, Any]:
        steps = one.steps
        lasts = steps[one.step].lasts_ms if one.step < len(steps) else None
        return {"needs": one.line.label, "step": one.step + 1, "steps": len(steps),
                "lasts_ms": lasts}  # fmt: skip

    def _line_ahead(self, one: Interaction) -> list[str]:
        place = one.queue.unanswered.place(one.entry)
        return [entry[3] for entry in one.queue.unanswered.slice(1, place - 1)] if place > 1 else []

    def _decided(self, turn: Turn) -> None:
        at, note, about = turn.entry.at_ms, self._story.add, self._about
        choices = {(c.interaction, c.agent): c for c in self._choices}
        one = self._one
        for decision in turn.decisions:
            match decision:
                case ev.Offer(offer, interaction, _, agent, ring_ms):
                    choice = choices.get((interaction, agent))
                    if choice is None:
                        continue
                    if interaction == about:
                        self._offers[offer] = decision
                        if one is not None:
                            self._steps(one, at, offered=True)
                            self._places(one, at)
                        note(at, "offered", offer=offer, agent=agent, ring_ms=ring_ms,
                             **_choice_facts(choice),
                             **(self._step_facts(one) if one is not None and one.line else {}),
                             place=self.replayer.router.place(about))  # fmt: skip
                    elif choice.why_before:
                        note(at, "went_before", interaction=interaction, agent=agent,
                             why=choice.why_before)  # fmt: skip
                case ev.CancelOffer(offer, interaction, agent) if interaction == about:
                    note(at, "offer_cancelled", offer=offer, agent=agent)
                case ev.Overflow(interaction, queue, to) if interaction == about:
                    note(at, "overflowed", queue=queue, to=to)
                case ev.ToVoicemail(interaction, queue) if interaction == about:
                    note(at, "voicemail", queue=queue)
                case ev.TurnedAway(interaction, queue, reason) if interaction == about:
                    note(at, "turned_away", queue=queue, reason=reason)
                case ev.OfferCallback(interaction, queue) if interaction == about:
                    note(at, "callback_offered", queue=queue)
                case ev.Announce(interaction, _, prompt) if interaction == about:
                    note(at, "announced", prompt=prompt)
                case _:
                    pass

    def _stands(self, at: int, turn: Turn) -> None:
        one = self._one
        if one is None or one.state is InteractionState.ON_CONTACT or one.line is None:
            return
        self._steps(one, at)
        self._places(one, at)

    def _steps(self, one: Interaction, at: int, *, offered: bool = False) -> None:
        if one.line is not None and self._step != (one.step, one.line.label):
            relaxed = self._step is not None and one.step != self._step[0]
            self._step = (one.step, one.line.label)
            # Who may take it stands with the offer, if one follows at once.
            agents = [] if offered else self._agents(one)
            why_not = {} if offered else self._why_not(one)
            self._story.add(at, "step" if relaxed else "needs", **self._step_facts(one),
                            offered=offered, agents=agents, why_not=why_not)  # fmt: skip

    def _places(self, one: Interaction, at: int) -> None:
        if one.state is InteractionState.ON_CONTACT:
            return
        ahead = self._line_ahead(one)
        if ahead == self._ahead:
            return
        before, now = set(self._ahead), set(ahead)
        known = self.replayer.router.floor.interactions
        changes: list[dict[str, str | None]] = [
            {"interaction": name, "how": "overtook", "why": reasons.key(known[name], one)}
            for name in ahead
            if name not in before
        ]
        for name in self._ahead:
            if name not in now:
                other = known.get(name)
                talks = other is not None and other.agent is not None
                how = "answered" if talks else "fell_behind" if other is not None else "left"
                agent = other.agent.id if other is not None and other.agent is not None else None
                changes.append({"interaction": name, "how": how, "agent": agent})
        self._ahead = ahead
        self._story.add(at, "place", place=len(ahead) + 1, changes=changes)


def _says(ended: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Whether that somebody's contact ended is said by that they sent the caller on."""
    return (
        ended["what"] == "ended"
        and ended["agent"] == sent["by"]
        and abs(int(ended["at_ms"]) - int(sent["at_ms"])) <= APART_MS
    )


def _all(event: ev.Event) -> Collection[ev.Event]:
    return event.events if isinstance(event, ev.Batch) else (event,)


def _choice_facts(choice: Choice) -> dict[str, Any]:
    return {
        "strategy": choice.strategy,
        "why": choice.why,
        "eligible": [
            {"agent": one.agent, "doing": one.doing, "free": one.rank is not None,
             "rank": None if one.rank is None else list(one.rank)}
            for one in choice.eligible
        ],
        "passed": [{"interaction": name, "why": why} for name, why in choice.passed],
        "why_not": dict(choice.why_not),
    }  # fmt: skip


def tell(epoch: str, entries: list[JournalEntry], asked: Asked, clock: reasons.Clock) -> Story:
    """Tell of an interaction from the entries of one run. Raises `JournalUnfit`."""
    story = Story(asked)
    teller = Teller(epoch, asked, story, clock)
    for entry in entries:
        teller.feed(entry)
    return story
