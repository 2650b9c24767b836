"""Does what the book of callbacks decides, and tells it what happens.

How an agent-first callback goes: the book lets it enter the line (`Enter`); the router's offer
rings the agent, who is held once they have heard what it is about (`ready`); the book claims an
attempt, the customer is called, and when they have picked up (`picked_up`) they wait like any
caller, until the agent's leg is connected with them. From then on it is a talk like any other.

The router holds the offer as ringing until the two talk. Rows of the interaction that asked go on:
an attempt is a segment of kind `callback`, beside the agents' ringing and talks.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from acd.callbacks import Book
from acd.callbacks import events as ev
from acd.callbacks.words import Choice, Outcome, Stage
from acd.calling_back.attempt import FENCE, RESERVED, Attempt, call_of, facts, fence_of
from acd.calling_back.found import Found, sort_out
from acd.calling_back.store import Store
from acd.clock import Clock, Timer
from acd.contacts import Contact, Contacts, Leg
from acd.driver import Driver
from acd.gate import Refusal
from acd.ledger import Ledger
from acd.legs import Legs
from acd.orders import Orders
from acd.router.events import (
    Adopted,
    Arrived,
    Event,
    Failure,
    LeaveReason,
    Left,
    Offer,
    OfferAccepted,
    OfferFailed,
)
from crm.errors import CrmError
from crm.identities import phone
from crm.records import Callback, SegmentKind
from pbx.errors import LocalProtocolError
from pbx.port import (
    Call,
    CallEnded,
    Caller,
    CallState,
    FloorSnapshot,
    LegAnswered,
    LegConnected,
    LegEnded,
    Switch,
    SwitchEvent,
)

log = logging.getLogger(__name__)

NAME = "Callback"
"""What an agent's phone shows as the name of a customer who is called back."""

_CAPS = frozenset({Refusal.DAY_CAP, Refusal.AT_ONCE_CAP})
_TALKS = frozenset({CallState.TALKING, CallState.HELD, CallState.CONFERENCE})


class CallingBack:
    """All callbacks that are being made. Until `serve`, none are.

    Synchronous, as the floor is: what waits for the database is done by `Store`, which then tells.
    """

    def __init__(
        self,
        switch: Switch,
        ledger: Ledger,
        clock: Clock,
        contacts: Contacts,
        legs: Legs,
        orders: Orders,
        driver: Driver,
    ) -> None:
        self._switch = switch
        self._ledger = ledger
        self._clock = clock
        self._contacts = contacts
        self._legs = legs
        self._orders = orders
        self._driver = driver
        self.book = Book()
        self._store: Store | None = None
        self._region = ""
        self._fresh: list[Callback] | None = None
        """Rows read at the start, until the PBX has told which calls there are."""
        self._of: dict[str, str] = {}
        """By interaction: the open callback that goes on with it."""
        self._postponed: dict[str, Callback] = {}
        """By interaction: those whose caller is on the line still."""
        self._attempts: dict[str, Attempt] = {}
        """By callback."""
        self._calls: dict[str, Attempt] = {}
        """By the customer's call."""
        self._ringing: dict[str, Offer] = {}
        """By offer: those whose agents are about to be rung."""
        self._inbox: deque[ev.Event] = deque()
        self._deciding = False
        self._timer: Timer | None = None
        self._taken: Arrived | None = None

    # --- rows and configuration -------------------------------------------------------------

    def serve(self, store: Store, rows: list[Callback], region: str) -> None:
        """Make callbacks from now on; `rows` are those that are open. Before the PBX is there.

        `region` (ISO 3166) reads callers' numbers in national form.
        """
        self._store, self._region = store, region
        self._fresh = rows
        store.serve(self.tell, self._lost)
        self.configure()

    def configure(self) -> None:
        """Queues, or how their callbacks are made, have changed."""
        roster = self._orders.roster
        queues = {queue.name: queue for queue in roster.configuration.queues}
        self.tell(ev.Configured(roster.callbacks, queues))

    async def follow(self) -> None:
        """Take in new rows and changed rows as they come. Never returns."""
        store = self._store
        assert store is not None
        async for ids in store.changes():
            try:
                if ids:
                    for callback in ids:
                        if (row := await store.get(callback)) is not None:
                            self.know(row)
                    continue
                rows = await store.waiting()
                for row in rows:
                    self.know(row)
                for gone in set(self.book.known()) - {row.id for row in rows}:
                    if (ended := await store.get(gone)) is not None:
                        self.know(ended)
            except CrmError as error:
                log.warning("callbacks not read: %s", error, extra={"action": "callbacks_unread"})

    def know(self, row: Callback) -> None:
        """Take in a row: a new callback, or one that was changed."""
        if self._fresh is not None:
            self._fresh = [one for one in self._fresh if one.id != row.id] + [row]
            return
        interaction = row.interaction or row.id
        if row.state != "waiting":
            self._postponed.pop(interaction, None)
            self._of.pop(interaction, None)
        elif row.queue is None:
            return  # somebody is to say first who calls them: `sala callback reassign`
        elif row.id not in self._attempts and self._contacts.get(interaction) is not None:
            self._postponed[interaction] = row
            return
        else:
            self._of[interaction] = row.id
        self.tell(ev.Known(row))

    def gone(self, contact: Contact) -> None:
        """A call is over: what its caller was promised can be begun with."""
        row = self._postponed.pop(contact.interaction, None)
        if row is None:
            return
        if contact.answered and self._store is not None:
            # They were not told, and an agent took them before they were gone.
            self._store.end(ev.End(row.id, Stage.MERGED, "answered", contact.interaction))
            return
        self.know(row)

    def called_again(self, contact: Contact, queue: str) -> Arrived | None:
        """Return the place that is kept for a caller who comes back to a queue; it is taken."""
        number = contact.caller.number
        e164 = phone(number, self._region) if number and self._region else None
        callback = self.book.of(queue, None, e164) if e164 and not contact.internal else None
        if callback is None:
            return None
        self._taken = None
        self.tell(ev.CalledAgain(callback, contact.interaction))
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
                for decision in self.book.handle(self._inbox.popleft(), now):
                    try:
                        self._do(decision, now)
                    except Exception:
                        # What one asks for must not keep the others from being done.
                        log.exception(
                            "decision not done",
                            extra={
                                "action": "callback_fault",
                                "callback": decision.callback,
                                "decision": type(decision).__name__,
                            },
                        )
        finally:
            self._deciding = False
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._store is not None and self.book.deadline is not None:
            self._timer = self._clock.at(self.book.deadline, lambda: self.tell(ev.TimePassed()))

    def _do(self, decision: ev.Decision, now: int) -> None:
        store = self._store
        assert store is not None
        attempt = self._attempts.get(decision.callback)
        log.info(
            "callback",
            extra={
                "action": f"callback_{type(decision).__name__.lower()}",
                "callback": decision.callback,
            },
        )
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
                self._dial(decision)
            case ev.HangUp():
                self._hang_up(decision, attempt)
            case ev.Connect() if attempt is not None:
                attempt.joins = decision.offer
                self._join(attempt)
            case ev.LeaveMessage() if attempt is not None:
                attempt.message = True
            case ev.Finish():
                store.finish(decision)
                self._finished(decision, attempt, now)
            case ev.End():
                store.end(decision)
            case ev.TakePlace():
                self._taken = decision.arrived
            case _:
                pass  # Ask: by `picked_up`

    def _feed(self, event: Event) -> None:
        self._driver.feed(event, self._clock.now())

    # --- an agent is held -------------------------------------------------------------------

    def ring(self, offer: Offer) -> bool:
        """Ring the agent of a callback whose customer is to be called; False if it is none."""
        callback = self._of.get(offer.interaction)
        attempt = self._attempts.get(callback) if callback else None
        held = attempt is not None and self.book.stage(attempt.callback) is Stage.HOLDING
        if callback is None or self._store is None or held or self.book.stage(callback) is None:
            return False
        self._ringing[offer.offer] = offer
        self._store.run(self._ring(offer, callback))
        return True

    async def _ring(self, offer: Offer, callback: str) -> None:
        """Ring, once the interaction's rows are known: more of them come now."""
        record = self.book.record(callback)
        try:
            if record is not None:
                await self._reopen(record, offer.interaction)
        except CrmError as error:
            log.warning(
                "no callback while the database is away: %s",
                type(error).__name__,
                extra={"action": "callback_deferred", "callback": callback},
            )
            self.tell(ev.Deferred(callback))
        place = self.book.place(callback)
        if self._ringing.pop(offer.offer, None) is None or record is None or place is None:
            return
        now = self._clock.now()
        carry = {**facts(callback, place), RESERVED: "yes"}
        address = self._orders.roster.address(offer.agent)
        try:
            self._legs.reserve(offer, address, Caller(record.number, NAME), carry)
        except LocalProtocolError as refusal:
            log.error("no ring: %s", refusal, extra={"action": "ring", "offer": offer.offer})  # noqa: TRY400
            self._feed(OfferFailed(offer.offer, Failure.FAILED))
        else:
            self._ledger.ringing(offer.interaction, offer.queue, offer.offer, offer.agent, now)

    async def _reopen(self, record: Callback, interaction: str) -> None:
        assert self._store is not None
        if not self._ledger.knows(interaction):
            self._ledger.reopened(await self._store.account(record, interaction))

    def cancelled(self, interaction: str, offer: str) -> None:
        """The router has taken an offer back."""
        self._ringing.pop(offer, None)
        self._unreserved(interaction, offer)

    def put_out(self, interaction: str) -> None:
        """The router has put an interaction out of its queue."""
        if callback := self._of.get(interaction):
            self.tell(ev.PutOut(callback))

    def _unreserved(self, interaction: str, offer: str) -> None:
        if callback := self._of.get(interaction):
            self.tell(ev.Unreserved(callback, offer))

    def held_for(self, offer: str) -> Callback | None:
        """Return the callback that an agent's leg is held for; None if it is for none (more)."""
        leg = self._legs.of(offer)
        if leg is None or not leg.reserved or leg.cancelled:
            return None
        return self.book.record(self._of.get(leg.interaction, ""))

    def ready(self, offer: str) -> None:
        """The agent of a held leg has heard what it is about."""
        leg = self._legs.of(offer)
        if leg is not None and leg.reserved and not leg.cancelled:
            leg.answered = True
            if callback := self._of.get(leg.interaction):
                self.tell(ev.Offered(callback, offer, leg.agent))

    # --- the customer is called -------------------------------------------------------------

    def _dial(self, dial: ev.Dial) -> None:
        record, place = self.book.record(dial.callback), self.book.place(dial.callback)
        assert self._store is not None
        assert record is not None
        assert place is not None
        attempt = Attempt(record, dial.fence, place.interaction, dial.agent)
        self._add(attempt)
        self._store.run(self._call(attempt, dial, place))

    def _add(self, attempt: Attempt) -> None:
        self._attempts[attempt.callback] = self._calls[attempt.call] = attempt

    async def _call(self, attempt: Attempt, dial: ev.Dial, place: Arrived) -> None:
        """Call, if the gate lets it; an attempt given up meanwhile is not made."""
        assert self._store is not None
        outcome = Outcome.FAILED
        try:
            await self._reopen(attempt.record, attempt.interaction)
            self._begins(attempt)
            refusal = await self._store.allow(dial.number, attempt.interaction)
            if refusal is None and not attempt.given_up:
                self._switch.dial(
                    attempt.call,
                    dial.number,
                    ring_ms=dial.ring_ms,
                    shown=dial.caller_id,
                    carry={**facts(attempt.callback, place), FENCE: str(attempt.fence)},
                    detect=dial.detect,
                )
                attempt.dialled = True
                return
            if refusal is not None:
                outcome = Outcome.CONGESTION if refusal in _CAPS else Outcome.REFUSED
                log.warning(
                    "not dialled: %s",
                    refusal.value,
                    extra={
                        "action": "dial_refused",
                        "callback": attempt.callback,
                        "why": refusal.name,
                    },
                )
        except (CrmError, LocalProtocolError) as error:
            log.warning(
                "callback not dialled: %s",
                type(error).__name__,
                extra={"action": "callback_undialled", "callback": attempt.callback},
            )
        self._over(attempt, outcome)

    def _begins(self, attempt: Attempt) -> None:
        self._ledger.begins(
            attempt.interaction,
            SegmentKind.CALLBACK,
            self._clock.now(),
            agent=attempt.agent,
            offer=attempt.call,
        )

    def _hang_up(self, decision: ev.HangUp, attempt: Attempt | None) -> None:
        if attempt is None or attempt.fence != decision.fence:
            self._switch.give_up(call_of(decision.callback, decision.fence))
            return
        attempt.given_up = True
        if attempt.dialled:
            self._switch.give_up(attempt.call)

    def _lost(self, callback: str, fence: int) -> None:
        """Somebody else has claimed it, or ended it."""
        attempt = self._attempts.get(callback)
        if attempt is not None and attempt.fence == fence:
            self._switch.give_up(attempt.call)
        self.tell(ev.AttemptEnded(callback, fence, Outcome.WITHDRAWN))

    def _over(self, attempt: Attempt, outcome: Outcome) -> None:
        """A customer's call is over, or never came about."""
        self._calls.pop(attempt.call, None)
        if attempt.contact is not None:
            self._contacts.pop(attempt.call)
        self.tell(ev.AttemptEnded(attempt.callback, attempt.fence, outcome))
        if self._attempts.get(attempt.callback) is attempt:
            # The callback itself had ended: nobody asks for the result.
            self._close(attempt, Outcome.WITHDRAWN)

    def _finished(self, decision: ev.Finish, attempt: Attempt | None, now: int) -> None:
        if attempt is None or attempt.fence != decision.fence:
            return
        self._close(attempt, decision.outcome)

    def _close(self, attempt: Attempt, outcome: Outcome) -> None:
        """Forget an attempt, and close its rows; those of a talk stay open."""
        now = self._clock.now()
        self._attempts.pop(attempt.callback, None)
        self._calls.pop(attempt.call, None)
        self._ledger.ends(
            attempt.interaction, SegmentKind.CALLBACK, attempt.call, str(outcome), now
        )
        if outcome is not Outcome.CONNECTED:
            by = "customer" if outcome is Outcome.HUNG_UP else "system"
            self._ledger.ended(attempt.interaction, now, by)

    # --- the customer is there --------------------------------------------------------------

    def picked_up(self, call: Call, *, machine: bool) -> Stage | None:
        """The customer's phone was picked up; return where the callback is, None if it is over.

        ASKING: they are to be asked, then `chose`. HOLDING, CONNECTING: they are to wait, then
        `waits`. HANGING_UP: they are to be hung up, a `message` before if there is one to leave.
        """
        attempt = self._calls.get(call.id)
        if attempt is None or attempt.given_up:
            return None
        if attempt.contact is None:
            contact = Contact(
                attempt.interaction,
                call.id,
                Caller(attempt.record.number),
                carry=dict(call.carried),
                arrival=self.book.place(attempt.callback),
            )
            attempt.contact = contact
            self._contacts.add(contact)
        told = ev.MachineHeard if machine else ev.Answered
        self.tell(told(attempt.callback, attempt.fence))
        return self.book.stage(attempt.callback)

    def record(self, call: str) -> Callback | None:
        """Return the callback that a customer's call is made for."""
        attempt = self._calls.get(call)
        return None if attempt is None else attempt.record

    def leaves_message(self, call: str) -> bool:
        """Whether a message is to be left on the machine that answered a call."""
        attempt = self._calls.get(call)
        return attempt is not None and attempt.message

    def chose(self, call: str, choice: Choice) -> Stage | None:
        """The customer has chosen; return as `picked_up`."""
        attempt = self._calls.get(call)
        if attempt is None:
            return None
        self.tell(ev.Chose(attempt.callback, attempt.fence, choice))
        return self.book.stage(attempt.callback)

    def waits(self, call: str) -> None:
        """The customer waits at the PBX: they can be connected."""
        attempt = self._calls.get(call)
        if attempt is not None and attempt.contact is not None:
            attempt.contact.settled = True
            self._join(attempt)

    def _join(self, attempt: Attempt) -> None:
        """Connect customer and agent, once both are there; an agent rung by the floor connects."""
        leg, contact = self._legs.of(attempt.joins), attempt.contact
        if contact is None or not contact.settled or leg is None or not leg.reserved:
            return
        carry = {key: value for key, value in contact.carry.items() if key != RESERVED}
        self._switch.connect(leg.offer, contact.call, carry)

    # --- what the PBX tells -----------------------------------------------------------------

    def event(self, event: SwitchEvent) -> bool:
        """Take an event; return whether it was about a callback alone."""
        match event:
            case CallEnded(call, cause):
                attempt = self._calls.get(call)
                if attempt is None:
                    return False
                self._over(attempt, attempt.outcome(cause))
                return True
            case LegAnswered(offer):
                leg = self._legs.of(offer)
                if leg is not None and leg.reserved:
                    leg.answered = True
                    return True
                self._answered(leg)
            case LegConnected(offer):
                self._connected(self._legs.of(offer))
            case LegEnded(offer):
                return self._leg_ended(self._legs.of(offer))
        return False

    def _attempt_of(self, leg: Leg | None) -> Attempt | None:
        callback = self._of.get(leg.interaction) if leg is not None else None
        return self._attempts.get(callback) if callback else None

    def _answered(self, leg: Leg | None) -> None:
        """An agent has picked up for a customer who waits on the line."""
        attempt = self._attempt_of(leg)
        if attempt is not None and leg is not None and not leg.cancelled:
            self.tell(ev.Offered(attempt.callback, leg.offer, leg.agent))

    def _connected(self, leg: Leg | None) -> None:
        attempt = self._attempt_of(leg)
        if attempt is None or leg is None or leg.connected:
            return
        if leg.reserved:
            leg.reserved = False
            self._feed(OfferAccepted(leg.offer))
        elif not leg.answered:
            self._answered(leg)
        self.tell(ev.Talking(attempt.callback, attempt.fence))

    def _leg_ended(self, leg: Leg | None) -> bool:
        if leg is None or leg.cancelled or leg.connected:
            return False
        if not leg.reserved or not leg.answered:
            self._unreserved(leg.interaction, leg.offer)
            return False
        # The agent has heard what it is about, and hung up.
        _, held = self._legs.ended(leg.offer) or (leg, None)
        now = self._clock.now()
        self._ledger.offer_over(leg.interaction, leg.offer, Failure.DECLINED.value, now)
        self._feed(OfferFailed(leg.offer, Failure.DECLINED))
        self._unreserved(leg.interaction, leg.offer)
        if held is not None:
            self._orders.ring(held, now)
        return True

    # --- after the link, or this process, was away ------------------------------------------

    def sort_out(self, floor: FloorSnapshot) -> Found:
        """Tell what of the PBX's list is a callback's; rows read at the start are known now."""
        if self._fresh is not None:
            rows, self._fresh = self._fresh, None
            theirs = {
                call.carried.get("interaction", ""): call
                for call in floor.calls
                if not fence_of(call.carried)
            }
            for row in rows:
                interaction = row.interaction or row.id
                if interaction in theirs:
                    self._postponed[interaction] = row
                else:
                    self.know(row)
        return sort_out(
            floor,
            self._orders.roster,
            lambda call: self._contacts.of_call(call) is not None,
            lambda interaction: self.book.stage(self._of.get(interaction, "")) is not None,
        )

    def arrivals(self, found: Found) -> list[Event]:
        """Return what tells a fresh router of callbacks, and of the agents held for them."""
        places = self.book.in_line()
        told: list[Event] = [replace(place, rejoins=True) for _, place in places]
        by_interaction = {place.interaction: place for _, place in places}
        for leg in found.legs.values():
            place = by_interaction.get(leg.interaction)
            if place is not None:
                who = leg.interaction, place.queue, place.entered, leg.agent, leg.offer
                told.append(Adopted(*who, answered=False, priority=place.priority))
        return told

    def resume(self, found: Found, before: list[Leg]) -> None:
        """Go on with what was found; `before` are the legs that were held before."""
        for offer in found.lost:
            self._switch.cancel(offer)
        there = {call.call for call in found.calls}
        for attempt in list(self._attempts.values()):
            if attempt.dialled and attempt.call not in there:
                self._over(attempt, Outcome.LOST)
        for leg in before:
            if leg.reserved and leg.offer not in found.legs:
                self._unreserved(leg.interaction, leg.offer)
        for call in found.calls:
            if call.call not in self._calls:
                self._take_up(call.call, call.carried, call.state, found)
        for leg in found.legs.values():
            if leg.answered:
                self.ready(leg.offer)

    def _take_up(
        self, call: str, carried: Mapping[str, str], state: CallState, found: Found
    ) -> None:
        """Go on with a customer's call that the last process made."""
        interaction, fence = carried.get("interaction", ""), fence_of(carried)
        callback = self._of.get(interaction, "")
        record = self.book.record(callback)
        ours = record is not None and record.fence == fence and record.holder is not None
        if record is None or not ours or call != call_of(callback, fence):
            if state not in _TALKS and state is not CallState.WAITING:
                self._switch.give_up(call)
            return
        assert self._store is not None
        attempt = Attempt(record, fence, interaction, dialled=True)
        self._add(attempt)
        self._store.hold(callback, fence)
        legs = [leg for leg in self._legs if leg.interaction == interaction and leg.answered]
        offer, agent = (legs[0].offer, legs[0].agent) if legs else ("", "")
        contact = self._contacts.get(interaction)
        if contact is not None and contact.call == call:
            attempt.contact = contact
        attempt.agent = agent
        self.tell(ev.Found(callback, fence, attempt.contact is not None, offer, agent))
        if state in _TALKS:
            self.tell(ev.Talking(callback, fence))
