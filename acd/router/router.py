"""The router: one pure state machine, from events and the time to decisions.

Who is offered what: see `matching`; by default the waiting interaction with the smallest key
(entered - priority, entered, arrival) of those that somebody free may take, to the agent who has
been idle longest; and again, until nobody free can serve anybody who waits. Then the recipes of
those who still wait are looked at (`kitchen`), and if they changed something, it is matched again.

What an agent's wish does, by presence:

* OFFLINE, AVAILABLE, PAUSED: takes effect at once. AVAILABLE also ends a back-off, and tries again
  an agent whose device an offer found unreachable.
* RINGING: PAUSED lets it ring on and takes effect afterwards; OFFLINE cancels the offers.
* ON_CONTACT, WRAP_UP: takes effect when the wrap-up is over (`WrapUpDone` ends it early); nothing
  more is offered meanwhile, though there be places left.

How a failed offer leaves its agent:

* NO_ANSWER: PAUSED with reason `no_answer` until they resume (RONA).
* BUSY, DECLINED, FAILED: PAUSED with that reason for `busy_backoff_ms`, then available again.
* UNREACHABLE: as they were, but offered nothing until the device is reported reachable or the
  agent asks to be available.

An agent paused by their own wish while it rang stays paused with their own reason.

Where several ring, the first to accept wins; the others are cancelled in the same decisions and
keep their idle time.

Transfers, by what the shell tells. Blind, to a queue or agent: `Transferred`. To a number: `Ended`
once the agent is out. Consult: `AgentBusy` of the one consulted, or an `Arrived` of its own where
a queue is asked; then `AgentFreeAgain` (or `Ended`), or `HandedOver` with `replaces` when the
transfer is completed. Conference: `AgentBusy` of each who joins, `HandedOver` when the first
leaves. Hold changes nothing here.

What cannot be (an unknown id, an offer that is over, a second acceptance, an event told twice) is
ignored: a PBX's events race each other. Two rules follow for the shell. `Left` ends what is not
answered yet and `Ended` what is, so a caller's hang-up during a contact is told by `Ended`. An
interaction enters another queue only after `Left` or `Ended`: an `Arrived` for a known one is
ignored.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import events as ev, kitchen
from .agent import Agent
from .check import check
from .configuration import Channel
from .events import Decision, Event
from .floor import Floor
from .handling import Handling
from .interaction import Interaction, InteractionState
from .matching import match
from .views import (
    AgentView,
    InteractionView,
    OfferView,
    StepView,
    Stranded,
    kept,
    place_of,
    view_agent,
    view_interaction,
    view_steps,
    why_stranded,
)


class Router:
    """Routes a floor. Reads no clock and draws no unseeded random numbers.

    The same configuration, epoch and events give the same decisions. `epoch` names this run of
    the service, so that offer ids (`<epoch>.<n>`) are unique across restarts. Times are integer
    milliseconds; a time before an earlier one counts as that one.

    Raises `ConfigError` for a configuration it cannot use (here and on `ConfigChanged`, which then
    changes nothing); no other event raises.
    """

    def __init__(self, config: ev.Configuration, epoch: str) -> None:
        check(config)
        self._floor = Floor(config)
        self._handling = Handling(self._floor)
        self._epoch = epoch
        self._offers = 0

    def handle(self, event: Event, now: int) -> list[Decision]:
        """Apply one event at `now`, after any timers due by then, and return what is to be done.

        Decisions are in order: what the event itself brought about (presences, cancelled offers,
        who is turned away), then offers, each followed by its agent's move to RINGING, then what
        recipes do.
        """
        _check(event)
        handling, floor = self._handling, self._floor
        now = handling.now = max(handling.now, now)
        out = handling.out = []
        floor.altered.clear()
        handling.expire()
        handling.apply(event)
        while True:
            if floor.dirty or floor.fresh:
                match(floor, self._ring, now)
            if floor.touched or floor.unstaffed:
                kitchen.gather(floor)
            if not floor.review:
                return out
            kitchen.serve(floor, out, now)

    def restore(self, events: Iterable[Event], now: int) -> list[Decision]:
        """Apply many events and decide once, at the end: the same as handling a `Batch`."""
        return self.handle(ev.Batch(tuple(events)), now)

    @property
    def deadline(self) -> int | None:
        """When `TimePassed` is to be sent next, in ms; None: never.

        A wrap-up, a back-off or a routing step ends then, or a recipe comes due.
        """
        heads = (self._floor.timers.first(), self._floor.due.first())
        return min((head[0][0] for head in heads if head is not None), default=None)

    def _ring(self, interaction: Interaction, agent: Agent) -> None:
        handling = self._handling
        self._offers += 1
        offer = f"{self._epoch}.{self._offers}"
        self._floor.ring(interaction, agent, offer, handling.now)
        agent.offered_at = self._offers
        queue = interaction.queue.config
        handling.out.append(ev.Offer(offer, interaction.id, queue.name, agent.id, queue.ring_ms))
        handling.show(agent, handling.now)

    # --- what the floor looks like -----------------------------------------------------------

    @property
    def floor(self) -> Floor:
        """The state itself, only to be read: explanations and estimates ask its own pieces."""
        return self._floor

    @property
    def config(self) -> ev.Configuration:
        """The configuration in force."""
        return self._floor.config

    def waiting(self, queue: str) -> list[InteractionView]:
        """Return the unanswered interactions of a queue in order, those that ring included."""
        line = self._floor.queues.get(queue)
        if line is None:
            return []
        known = self._floor.interactions
        return [view_interaction(known[x[3]], place) for place, x in enumerate(line.unanswered, 1)]

    def closed(self, queue: str) -> str | None:
        """Return why a queue is closed; None while it is open, or unknown."""
        known = self._floor.queues.get(queue)
        return None if known is None else known.closed

    def shut(self, queue: str) -> bool:
        """Whether a call that comes now would be sent away, for the hour or for nobody is there."""
        known = self._floor.queues.get(queue)
        return known is not None and kitchen.shut(self._floor, known, Channel.VOICE)

    def steps(self, interaction: str) -> list[StepView]:
        """Return a live interaction's routing steps and what became of each."""
        known = self._floor.interactions.get(interaction)
        return [] if known is None else view_steps(known)

    def place(self, interaction: str) -> int | None:
        """Return the 1-based place among the unanswered of its queue; None if not unanswered."""
        known = self._floor.interactions.get(interaction)
        return None if known is None else place_of(known)

    def interaction(self, interaction: str) -> InteractionView | None:
        """Return a live interaction; None if it never came, has left, or has ended."""
        known = self._floor.interactions.get(interaction)
        return None if known is None else view_interaction(known, place_of(known))

    def interactions(self) -> list[InteractionView]:
        """Return every live interaction, in the order they arrived here."""
        return [view_interaction(x, place_of(x)) for x in self._floor.interactions.values()]

    @property
    def altered(self) -> list[str]:
        """Those who wait of whom recipes, skipped steps or an overflow changed something `kept`
        tells, in the last `handle`."""
        known = self._floor.interactions
        return [one.id for one in self._floor.altered if known.get(one.id) is one]

    def kept(self, interaction: str) -> ev.Arrived | None:
        """Return what brings a live interaction to the place and step it has; None if unknown."""
        known = self._floor.interactions.get(interaction)
        return None if known is None else kept(known)

    def agent(self, agent: str) -> AgentView | None:
        """Return an agent; None if unknown."""
        known = self._floor.agents.get(agent)
        return None if known is None else view_agent(known)

    def agents(self) -> list[AgentView]:
        """Return every agent in configured order; those removed who still talk come last."""
        return [view_agent(a) for a in sorted(self._floor.agents.values(), key=lambda a: a.order)]

    def offer(self, offer: str) -> OfferView | None:
        """Return an offer that rings, or was accepted and whose contact lasts; else None."""
        held = self._floor.offers.get(offer)
        if held is None:
            return None
        accepted = held.offer == offer
        agent = held.agent if accepted else (held.offers or {})[offer]
        if agent is None:
            return None
        queue = held.queue.config.name
        return OfferView(offer, held.id, queue, agent.id, held.offered, accepted)

    def stranded(self) -> list[Stranded]:
        """Return the waiting interactions that nobody could serve as things stand, with why."""
        found = []
        for name, queue in self._floor.queues.items():
            reasons = {
                line: reason
                for line in queue.lines.values()
                if line.live and (reason := why_stranded(line, self._floor.supply))
            }
            if reasons:
                known = self._floor.interactions
                for entry in queue.unanswered:
                    one = known[entry[3]]
                    if one.line in reasons and one.state is InteractionState.WAITING:
                        found.append(Stranded(one.id, name, reasons[one.line]))
        return found


def _check(event: Event) -> None:
    """Refuse a configuration before the event that brings it has changed anything."""
    if isinstance(event, ev.ConfigChanged):
        check(event.config)
    elif isinstance(event, ev.Batch):
        for one in event.events:
            _check(one)
