"""The router: one pure state machine, from events and the time to decisions.

Who is offered what: the waiting interaction with the smallest key (entered - priority, entered,
arrival) among the lines somebody free can serve, to the agent whom its queue's strategy names;
and again, until nobody free can serve anybody who waits.

What an agent's wish does, by presence:

* OFFLINE, AVAILABLE, PAUSED: takes effect at once. AVAILABLE also ends a back-off, and tries again
  an agent whose device an offer found unreachable.
* RINGING: PAUSED lets it ring on and takes effect afterwards; OFFLINE cancels the offer.
* ON_CONTACT, WRAP_UP: takes effect when the wrap-up is over (`WrapUpDone` ends it early).

How a failed offer leaves its agent:

* NO_ANSWER: PAUSED with reason `no_answer` until they resume (RONA).
* BUSY, DECLINED, FAILED: PAUSED with that reason for `busy_backoff_ms`, then available again.
* UNREACHABLE: as they were, but offered nothing until the device is reported reachable or the
  agent asks to be available.

An agent paused by their own wish while it rang stays paused with their own reason.

What cannot be (an unknown id, an offer that is over, a second acceptance, an event told twice) is
ignored: a PBX's events race each other. Two rules follow for the shell. `Left` ends what is not
answered yet and `Ended` what is, so a caller's hang-up during a contact is told by `Ended`. An
interaction enters another queue only after `Left` or `Ended`: an `Arrived` for a known one is
ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import Any

from . import events as ev
from .agent import Agent
from .configuration import check
from .events import Decision, Event, Failure, Presence, Wanted
from .floor import Floor
from .interaction import Interaction, InteractionState
from .views import (
    AgentView,
    InteractionView,
    OfferView,
    Stranded,
    place_of,
    view_agent,
    view_interaction,
)


class Router:
    """Routes a floor. Reads no clock and draws no random numbers.

    The same configuration, epoch and events give the same decisions. `epoch` names this run of
    the service, so that offer ids (`<epoch>.<n>`) are unique across restarts. Times are integer
    milliseconds; a time before an earlier one counts as that one.

    Raises `ConfigError` for a configuration it cannot use (here and on `ConfigChanged`, which then
    changes nothing); no other event raises.
    """

    def __init__(self, config: ev.Configuration, epoch: str) -> None:
        check(config)
        self._floor = Floor(config)
        self._epoch = epoch
        self._offers = 0
        self._now = 0
        self._out: list[Decision] = []
        self._apply: dict[type[Any], Callable[[Any], None]] = {
            ev.ConfigChanged: self._config_changed,
            ev.Arrived: self._arrived,
            ev.Left: self._left,
            ev.AgentWants: self._agent_wants,
            ev.AgentReachable: self._agent_reachable,
            ev.OfferAccepted: self._offer_accepted,
            ev.OfferFailed: self._offer_failed,
            ev.Ended: self._ended,
            ev.WrapUpDone: self._wrap_up_done,
            ev.Adopted: self._adopted,
            ev.AgentRestored: self._agent_restored,
            ev.TimePassed: self._time_passed,
            ev.Batch: self._batch,
        }

    def handle(self, event: Event, now: int) -> list[Decision]:
        """Apply one event at `now`, after any timers due by then, and return what is to be done.

        Decisions are in order: presences that changed, then offers, each followed by its agent's
        move to RINGING.
        """
        _check(event)
        self._now = max(self._now, now)
        self._out = []
        self._expire()
        self._apply[type(event)](event)
        self._match()
        return self._out

    def restore(self, events: Iterable[Event], now: int) -> list[Decision]:
        """Apply many events and decide once, at the end: the same as handling a `Batch`."""
        return self.handle(ev.Batch(tuple(events)), now)

    @property
    def deadline(self) -> int | None:
        """When `TimePassed` is to be sent next (a wrap-up or back-off ends), in ms; None: never."""
        first = self._floor.timers.first()
        return None if first is None else first[0][0]

    # --- what the floor looks like -----------------------------------------------------------

    @property
    def config(self) -> ev.Configuration:
        """The configuration in force."""
        return self._floor.config

    def waiting(self, queue: str) -> list[InteractionView]:
        """Return the unanswered interactions of a queue in order, those that ring included."""
        line = self._floor.lines.get(queue)
        if line is None:
            return []
        known = self._floor.interactions
        return [view_interaction(known[x[3]], place) for place, x in enumerate(line.unanswered, 1)]

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
        if held is None or held.agent is None:
            return None
        accepted = held.state is InteractionState.ON_CONTACT
        queue = held.line.config.name
        return OfferView(offer, held.id, queue, held.agent.id, held.offered, accepted)

    def stranded(self) -> list[Stranded]:
        """Return the waiting interactions that nobody could serve as things stand, with why."""
        staff: dict[str, bool] = {}
        for one in self._floor.config.agents:
            logged_in = self._floor.agents[one.agent].presence is not Presence.OFFLINE
            for queue in one.queues:
                staff[queue] = staff.get(queue, False) or logged_in
        found = []
        for name, line in self._floor.lines.items():
            if not line.configured:
                reason = "no_queue"
            elif name not in staff:
                reason = "no_agents"
            elif not staff[name]:
                reason = "logged_out"
            else:
                continue
            known = self._floor.interactions
            found += [
                Stranded(x[3], name, reason)
                for x in line.unanswered
                if known[x[3]].state is InteractionState.WAITING
            ]
        return found

    # --- events --------------------------------------------------------------------------------

    def _config_changed(self, event: ev.ConfigChanged) -> None:
        if event.config == self._floor.config:
            return
        for agent in self._floor.configure(event.config, self._now):
            if agent.presence is Presence.RINGING:
                self._cancel(agent)
            if agent.interaction is None:
                self._settle(agent, self._now)

    def _arrived(self, event: ev.Arrived) -> None:
        if event.interaction not in self._floor.interactions:
            self._floor.arrive(
                event.interaction, event.queue, event.entered, event.priority, event.channel
            )

    def _left(self, event: ev.Left) -> None:
        known = self._floor.interactions.get(event.interaction)
        if known is None or known.state is InteractionState.ON_CONTACT:
            return
        agent = known.agent
        if agent is not None:
            self._out.append(ev.CancelOffer(known.offer, known.id, agent.id))
        self._floor.forget(known)
        if agent is not None:
            self._settle(agent, self._now, keep_idle=True)

    def _agent_wants(self, event: ev.AgentWants) -> None:
        agent = self._floor.agents.get(event.agent)
        if agent is None:
            return
        changed = event.wanted is not agent.wanted
        agent.wanted = event.wanted
        agent.wanted_reason = event.reason if event.wanted is Wanted.PAUSED else ""
        if event.wanted is Wanted.AVAILABLE and agent.lost:
            agent.lost = False
            self._floor.refresh(agent)
        if agent.presence is Presence.RINGING:
            if changed and event.wanted is Wanted.OFFLINE:
                self._cancel(agent)
                self._settle(agent, self._now)
        elif agent.presence not in (Presence.ON_CONTACT, Presence.WRAP_UP) and (
            changed or agent.reason != agent.wanted_reason
        ):
            self._settle(agent, self._now)

    def _agent_reachable(self, event: ev.AgentReachable) -> None:
        agent = self._floor.agents.get(event.agent)
        if agent is not None:
            agent.registered = event.reachable
            if event.reachable:
                agent.lost = False
            self._floor.refresh(agent)

    def _offer_accepted(self, event: ev.OfferAccepted) -> None:
        held = self._floor.offers.get(event.offer)
        if held is None or held.agent is None or held.state is not InteractionState.RINGING:
            return
        self._floor.answer(held)
        self._move(held.agent, Presence.ON_CONTACT, self._now)

    def _offer_failed(self, event: ev.OfferFailed) -> None:
        held = self._floor.offers.get(event.offer)
        if held is None or held.agent is None or held.state is not InteractionState.RINGING:
            return
        agent = held.agent
        self._floor.put_back(held)
        if event.failure is Failure.UNREACHABLE:
            agent.lost = True
            self._settle(agent, self._now, keep_idle=True)
        elif agent.wanted is not Wanted.AVAILABLE:
            self._settle(agent, self._now)
        elif event.failure is Failure.NO_ANSWER:
            agent.wanted, agent.wanted_reason = Wanted.PAUSED, Failure.NO_ANSWER.value
            self._settle(agent, self._now)
        else:
            until = self._now + self._floor.config.busy_backoff_ms
            self._move(agent, Presence.PAUSED, self._now, event.failure.value, until)

    def _ended(self, event: ev.Ended) -> None:
        known = self._floor.interactions.get(event.interaction)
        agent = self._floor.agents.get(event.agent)
        if (
            known is None
            or agent is None
            or known.agent is not agent
            or known.state is not InteractionState.ON_CONTACT
        ):
            return
        wrap_up_ms = known.line.config.wrap_up_ms
        self._floor.forget(known)
        if wrap_up_ms and agent.profile is not None:
            self._move(agent, Presence.WRAP_UP, self._now, until=self._now + wrap_up_ms)
        else:
            self._settle(agent, self._now)

    def _wrap_up_done(self, event: ev.WrapUpDone) -> None:
        agent = self._floor.agents.get(event.agent)
        if agent is not None and agent.presence is Presence.WRAP_UP:
            self._settle(agent, self._now)

    def _adopted(self, event: ev.Adopted) -> None:
        floor = self._floor
        known = floor.interactions.get(event.interaction)
        if known is not None and known.state is not InteractionState.WAITING:
            if event.answered and known.offer == event.offer:
                self._offer_accepted(ev.OfferAccepted(event.offer))
            return
        if event.offer in floor.offers:
            return
        agent = floor.agents.get(event.agent)
        busy = agent is not None and agent.interaction is not None
        if event.answered:
            if agent is not None and agent.presence is Presence.ON_CONTACT:
                # Two talks at one agent: the first stands, but nobody is to ring for the second.
                if known is not None:
                    floor.forget(known)
                return
            if agent is not None and busy:
                self._cancel(agent)
        if known is None:
            known = floor.arrive(
                event.interaction, event.queue, event.entered, event.priority, event.channel
            )
        if not event.answered and (busy or agent is None or agent.profile is None):
            self._out.append(ev.CancelOffer(event.offer, event.interaction, event.agent))
            return
        agent = agent or floor.guest(event.agent, self._now)
        if agent.presence not in (Presence.AVAILABLE, Presence.RINGING):
            agent.idle_since = self._now
        floor.hold(known, agent, event.offer, self._now)
        if event.answered:
            floor.answer(known)
        self._move(agent, Presence.ON_CONTACT if event.answered else Presence.RINGING, self._now)

    def _agent_restored(self, event: ev.AgentRestored) -> None:
        agent = self._floor.agents.get(event.agent)
        if agent is None or agent.presence is not Presence.OFFLINE:
            return
        agent.wanted = event.wanted
        agent.wanted_reason = event.reason if event.wanted is Wanted.PAUSED else ""
        agent.registered, agent.lost = event.reachable, False
        agent.idle_since = self._now if event.idle_since is None else event.idle_since
        if event.wrap_up_until is not None and event.wrap_up_until > self._now:
            self._move(agent, Presence.WRAP_UP, self._now, until=event.wrap_up_until)
        else:
            self._settle(agent, self._now, keep_idle=True)
        self._floor.refresh(agent)

    def _time_passed(self, event: ev.TimePassed) -> None:
        """Timers were dealt with before; nothing else hangs on the time."""

    def _batch(self, event: ev.Batch) -> None:
        for one in event.events:
            self._apply[type(one)](one)

    # --- what follows ----------------------------------------------------------------------------

    def _expire(self) -> None:
        floor = self._floor
        while (first := floor.timers.first()) is not None and first[0][0] <= self._now:
            # At its own instant, so that a late shell does not change who is idle longest.
            self._settle(floor.agents[first[1]], first[0][0])

    def _match(self) -> None:
        """Offer until nobody free can serve anybody who waits."""
        dirty = self._floor.dirty
        if not dirty:
            return
        heads = []
        for line in dirty:
            head = line.offerable.first() if line.staffed else None
            if head is not None:
                heads.append((head[0], head[1], line))
        dirty.clear()
        heapify(heads)
        while heads:
            _, interaction, line = heappop(heads)
            agent = line.best_agent()
            if agent is None:
                continue
            self._offer(self._floor.interactions[interaction], self._floor.agents[agent])
            head = line.offerable.first()
            if head is not None:
                heappush(heads, (head[0], head[1], line))

    def _offer(self, interaction: Interaction, agent: Agent) -> None:
        self._offers += 1
        offer = f"{self._epoch}.{self._offers}"
        self._floor.hold(interaction, agent, offer, self._now)
        queue = interaction.line.config
        self._out.append(ev.Offer(offer, interaction.id, queue.name, agent.id, queue.ring_ms))
        self._move(agent, Presence.RINGING, self._now)

    def _cancel(self, agent: Agent) -> None:
        held = agent.interaction
        if held is not None:
            self._out.append(ev.CancelOffer(held.offer, held.id, agent.id))
            self._floor.put_back(held)

    def _settle(self, agent: Agent, at: int, *, keep_idle: bool = False) -> None:
        """Let an agent without an interaction be what they want to be."""
        if agent.profile is None:
            self._move(agent, Presence.OFFLINE, at)
            self._floor.forget_agent(agent)
        elif agent.wanted is Wanted.AVAILABLE:
            if not keep_idle:
                agent.idle_since = at
            self._move(agent, Presence.AVAILABLE, at)
        elif agent.wanted is Wanted.PAUSED:
            self._move(agent, Presence.PAUSED, at, agent.wanted_reason)
        else:
            self._move(agent, Presence.OFFLINE, at)

    def _move(
        self, agent: Agent, presence: Presence, at: int, reason: str = "", until: int | None = None
    ) -> None:
        if agent.presence is presence and agent.reason == reason and agent.until == until:
            return
        self._floor.move(agent, presence, at, reason, until)
        self._out.append(ev.AgentMoved(agent.id, presence, reason, until))


def _check(event: Event) -> None:
    """Refuse a configuration before the event that brings it has changed anything."""
    if isinstance(event, ev.ConfigChanged):
        check(event.config)
    elif isinstance(event, ev.Batch):
        for one in event.events:
            _check(one)
