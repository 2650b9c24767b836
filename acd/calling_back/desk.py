"""Does what the book of callbacks decides, and tells it what happens.

How an agent-first callback goes: the book lets it enter the line (`Enter`); the router's offer
rings the agent, who is held once they have heard what it is about (`Agents.ready`); the book claims
an attempt, the customer is called, and when they have picked up (`Calls.picked_up`) they wait like
any caller, until the agent's leg is connected with them. From then on it is a talk like any other.
Customer-first the customer is called when an agent is expected (`Expecting`), is asked, waits at
the place that was kept, and an agent is rung as for any caller. Either way it is written that they
talk before they are connected (`Calls.join`).

The router holds an agent-first offer as ringing until the two talk. Rows of the interaction that
asked go on: an attempt is a segment of kind `callback`, beside the agents' ringing and talks.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace

from acd.callbacks import events as ev
from acd.callbacks.words import Outcome, Stage
from acd.calling_back import ahead
from acd.calling_back.agents import Agents
from acd.calling_back.attempt import CALLBACK, Attempt, call_of
from acd.calling_back.calls import TALKS, Calls
from acd.calling_back.engaged import Engaged
from acd.calling_back.expecting import Expecting
from acd.calling_back.found import Found, sort_out
from acd.calling_back.incoming import Incoming
from acd.calling_back.rows import Rows
from acd.calling_back.store import Store
from acd.clock import Timer
from acd.contacts import Contact, Leg
from acd.parts import Parts
from acd.router.events import Arrived, Event, LeaveReason, Left, Offer, OfferAccepted
from crm.records import Callback
from pbx.port import (
    CallEnded,
    CallState,
    FloorSnapshot,
    LegAnswered,
    LegConnected,
    LegEnded,
    SwitchEvent,
)

log = logging.getLogger(__name__)

_PLAIN = (ev.Enter, ev.Leave, ev.Ask, ev.Connect)
"""Decisions that are only logged in detail."""


class CallingBack:
    """All callbacks that are being made. Until `serve`, none are.

    Synchronous, as the floor is: what waits for the database is done by `Store`, which then tells.
    """

    def __init__(self, parts: Parts) -> None:
        self._switch = parts.switch
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._contacts = parts.contacts
        self._legs = parts.legs
        self._orders = parts.orders
        self._driver = parts.driver
        rows = self._rows = Rows(self.tell, self._on_the_line)
        engaged = self._engaged = Engaged(parts.contacts, rows.book)
        self.incoming = Incoming(self.tell, rows, parts.contacts, engaged)
        self.calls = Calls(self.tell, rows, parts, engaged)
        self.agents = Agents(self.tell, rows, parts, engaged)
        self._expecting = Expecting(self.tell, rows.book, parts.clock, parts.driver)
        self._store: Store | None = None
        self._inbox: deque[ev.Event] = deque()
        self._deciding = False
        self._timer: Timer | None = None
        self._taken: Arrived | None = None

    @property
    def up(self) -> bool:
        """Whether it is known which calls and agents there are."""
        return self._driver.up

    # --- rows and configuration -------------------------------------------------------------

    def serve(self, store: Store, rows: list[Callback], region: str) -> None:
        """Make callbacks from now on; `rows` are open or sealed. Before the PBX is there.

        `region` (ISO 3166) reads callers' numbers in national form.
        """
        self._store = self.calls.store = self.agents.store = self.incoming.store = store
        self._engaged.region = region
        self._rows.start(rows)
        store.serve(self.tell, self.calls.lost)
        self.configure()

    async def ahead(self) -> None:
        """Read what the first in line are rung with, so that none behind them rings before."""
        assert self._store is not None
        first = self._rows.first(self._clock.now(), ahead.READ_AHEAD)
        await self.agents.ahead.read(self._store, first)

    def _on_the_line(self, interaction: str) -> bool:
        """Whether a caller is on the line who called; who was called back is there for that."""
        contact = self._contacts.get(interaction)
        return contact is not None and CALLBACK not in contact.carry

    def configure(self) -> None:
        """Queues, or how their callbacks are made, have changed."""
        roster = self._orders.roster
        queues = {queue.name: queue for queue in roster.configuration.queues}
        self.tell(ev.Configured(roster.callbacks, queues))

    def called_again(self, contact: Contact, queue: str) -> Arrived | None:
        """Return the place that is kept for a caller who comes back to a queue; it is taken."""
        waits = self._engaged.waits(contact, queue)
        if waits is None:
            return None
        place, router = self._rows.book.place(waits.id), self._driver.router
        kept = router.kept(place.interaction) if place is not None and router is not None else None
        self._taken = None
        self.tell(ev.CalledAgain(waits.id, contact.interaction, kept))
        return self._taken

    # --- the book ---------------------------------------------------------------------------

    def tell(self, event: ev.Event) -> None:
        """Tell the book, and do what it decides."""
        self._inbox.append(event)
        if self._deciding:
            return
        self._deciding = True
        try:
            while self._inbox:
                now = self._clock.now()
                for decision in self._rows.book.handle(self._inbox.popleft(), now):
                    try:
                        self._do(decision, now)
                    except Exception:
                        # What one asks for must not keep the others from being done.
                        log.exception(
                            "decision not done",
                            extra={"action": "callback_fault", "callback": decision.callback},
                        )
        finally:
            self._deciding = False
        self._arm()
        self._expecting.soon()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._rows.book.deadline
        if self._store is not None and deadline is not None:
            self._timer = self._clock.at(deadline, lambda: self.tell(ev.TimePassed()))

    def _do(self, decision: ev.Decision, now: int) -> None:
        store, attempt = self._store, self.calls.of(decision.callback)
        assert store is not None
        level = logging.DEBUG if isinstance(decision, _PLAIN) else logging.INFO
        action = f"callback_{type(decision).__name__.lower()}"
        log.log(level, "callback", extra={"action": action, "callback": decision.callback})
        match decision:
            case ev.Enter():
                if attempt is not None and attempt.contact is not None:
                    attempt.contact.arrival = decision.arrived
                self._feed(decision.arrived)
            case ev.Leave():
                self._feed(Left(decision.interaction, LeaveReason.CALLED_BACK))
                if attempt is None:
                    self._ledger.ended(decision.interaction, now, "system")
            case ev.Claim():
                store.claim(decision.callback)
            case ev.Dial():
                book = self._rows.book
                record, place = book.record(decision.callback), book.place(decision.callback)
                if record is not None and place is not None:
                    self.calls.dial(decision, record, place)
            case ev.HangUp():
                self.calls.hang_up(decision.callback, decision.fence)
            case ev.Connect() if attempt is not None:
                attempt.joins = decision.offer
                self.calls.join(attempt)
            case ev.LeaveMessage() if attempt is not None:
                attempt.message = True
            case ev.Part() if attempt is not None:
                self.calls.part(attempt)
            case ev.Finish():
                self._finish(store, decision, attempt)
            case ev.End():
                store.end(decision)
            case ev.TakePlace():
                self._taken = decision.arrived
            case _:
                pass  # Ask: whoever speaks with the customer does, by the stage

    def _finish(self, store: Store, result: ev.Finish, attempt: Attempt | None) -> None:
        if attempt is None or attempt.fence != result.fence:
            store.finish(result)
            return
        if self.calls.may_talk(attempt) and result.outcome is not Outcome.CONNECTED:
            # Nobody who may have talked is called again.
            talked = Stage.CONNECTED
            result = ev.Finish(result.callback, result.fence, Outcome.CONNECTED, False, talked, "")
            self.tell(ev.Known(replace(attempt.record, state=str(talked))))
        store.finish(result)
        self.calls.close(attempt, result.outcome)

    def _feed(self, event: Event) -> None:
        self._driver.feed(event, self._clock.now())

    # --- acd.orders.Callbacks ---------------------------------------------------------------

    def ring(self, offer: Offer) -> bool:
        """Ring the agent of a callback whose customer is to be called; False if it is none."""
        if (row := self._rows.gone(offer.interaction)) is not None and self._store is not None:
            self.agents.instead(offer, row)
            return True
        callback = self._rows.of(offer.interaction)
        holds = self._rows.book.stage(callback) is Stage.HOLDING
        if not callback or holds or self._called(offer.interaction):
            return False
        self.agents.ring(offer, callback)
        return True

    def cancelled(self, interaction: str, offer: str) -> None:
        """The router has taken an offer back."""
        self.agents.cancelled(interaction, offer)

    def moved(self) -> None:
        """An agent's presence has changed."""
        self._expecting.soon()

    def put_out(self, interaction: str) -> None:
        """The router has put an interaction out of its queue."""
        if callback := self._rows.of(interaction):
            self.tell(ev.PutOut(callback))

    def seals(self, interaction: str) -> bool:
        """Whether it is to be written that they talk before agent and caller are connected."""
        callback = self._rows.of(interaction)
        return self.calls.of(callback) is not None or bool(callback and self._called(interaction))

    def _called(self, interaction: str) -> bool:
        """Whether a customer who was called is on the line; their attempt may not be known yet.

        After a restart the router is told of all who wait before the attempts are taken up.
        """
        contact = self._contacts.get(interaction)
        return contact is not None and CALLBACK in contact.carry

    def join(self, offer: str) -> bool:
        """Connect an agent who is held once that is written; False if nothing is to be."""
        leg = self._legs.of(offer)
        attempt = None if leg is None else self.calls.of(self._rows.of(leg.interaction))
        if leg is None or attempt is None:
            return False
        if attempt.joins != offer:
            # They answered while the link was away.
            self.agents.picked_up(leg)
        if attempt.joins != offer:
            return False
        self.calls.join(attempt)
        return True

    # --- what the PBX tells -----------------------------------------------------------------

    def event(self, event: SwitchEvent) -> bool:
        """Take an event; return whether it was about a callback alone."""
        match event:
            case CallEnded(call, cause):
                attempt = self.calls.by_call(call)
                if attempt is not None:
                    self.calls.ended(attempt, cause)
                return attempt is not None
            case LegAnswered(offer) if (leg := self._legs.of(offer)) is not None:
                if leg.reserved:
                    leg.answered = True
                    return True
                if not leg.cancelled:
                    self.agents.picked_up(leg)
            case LegConnected(offer) if (leg := self._legs.of(offer)) is not None:
                if not leg.connected:
                    self._connected(leg)
            case LegEnded(offer) if (leg := self._legs.of(offer)) is not None:
                return not leg.cancelled and not leg.connected and self.agents.ended(leg)
        return False

    def _connected(self, leg: Leg) -> None:
        attempt = self.calls.of(self._rows.of(leg.interaction))
        if attempt is None:
            return
        if leg.reserved:
            leg.reserved = False
            self._feed(OfferAccepted(leg.offer))
        elif not leg.answered:
            self.agents.picked_up(leg)
        self.tell(ev.Talking(attempt.callback, attempt.fence))

    # --- after the link, or this process, was away ------------------------------------------

    def sort_out(self, floor: FloorSnapshot) -> Found:
        """Tell what of the PBX's list is a callback's; rows read at the start are known now."""
        self.agents.anew()
        found = sort_out(
            floor,
            self._orders.roster,
            lambda call: self._contacts.of_call(call) is not None,
        )
        waits = {call.call for call in found.calls if call.state is CallState.WAITING}
        for row in self._rows.unsealed(waits):
            if self._store is not None:
                self._store.unseal(row.id, row.fence)
        ours = {call.call for call in found.calls}
        self._rows.begin(call for call in floor.calls if call.call not in ours)
        for row in self._rows.begun():
            # Its worker died; until its claim has run out, nobody is to be rung in vain.
            left = self._store.left_ms(row.id) if self._store is not None else 0
            if left and call_of(row.id, row.fence) not in ours:
                self.tell(ev.Deferred(row.id, left))
        in_line = {place.interaction for _, place in self._rows.book.in_line()}
        for leg in list(found.legs.values()):
            if leg.interaction not in in_line:
                found.lost.append(found.legs.pop(leg.offer).offer)
        return found

    def arrivals(self, found: Found) -> list[Event]:
        """Return what tells a fresh router of callbacks, and of the agents held for them."""
        places = self._rows.book.in_line()
        return [
            *(replace(place, rejoins=True) for _, place in places),
            *self.agents.adopted(found.legs),
        ]

    def resume(self, found: Found, before: list[Leg]) -> None:
        """Go on with what was found; `before` are the legs that were held before."""
        for offer in found.lost:
            self._switch.cancel(offer)
        self.calls.missing({call.call for call in found.calls})
        for leg in before:
            if leg.offer not in found.legs and self._legs.of(leg.offer) is None:
                self.agents.cancelled(leg.interaction, leg.offer)
        for call in found.calls:
            attempt = self.calls.by_call(call.call)
            if attempt is None:
                self.calls.take_up(call.call, call.carried, call.state)
            elif call.state in TALKS:
                attempt.talks = True
                self.tell(ev.Talking(attempt.callback, attempt.fence))
        for leg in found.legs.values():
            if leg.answered:
                self.agents.ready(leg.offer)
        self.agents.ahead.over()
