"""Calls to customers: through the gate, rung, asked, connected, and what came of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from acd.callbacks import events as ev
from acd.callbacks.words import Choice, Outcome, Stage
from acd.calling_back.attempt import (
    AWAY_MS,
    CALLBACK,
    CAPPED_MS,
    FENCE,
    NUMBER,
    RESERVED,
    TRUNK_MS,
    Attempt,
    call_of,
    facts,
    fence_of,
)
from acd.calling_back.engaged import ENGAGED_MS, Engaged
from acd.calling_back.rows import Rows
from acd.calling_back.store import Store
from acd.contacts import Contact
from acd.parts import Parts
from acd.router.events import Arrived
from crm.errors import CrmError
from crm.records import Callback, SegmentKind
from pbx.errors import LocalProtocolError
from pbx.port import Call, Caller, CallState, Cause

log = logging.getLogger(__name__)

TALKS = frozenset({CallState.TALKING, CallState.HELD, CallState.CONFERENCE})


class Calls:
    """Makes attempts. `tell` tells the book."""

    def __init__(
        self, tell: Callable[[ev.Event], None], rows: Rows, parts: Parts, engaged: Engaged
    ) -> None:
        self._tell = tell
        self._rows = rows
        self._engaged = engaged
        self._switch = parts.switch
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._contacts = parts.contacts
        self._legs = parts.legs
        self._driver = parts.driver
        self.store: Store | None = None
        self._of: dict[str, Attempt] = {}
        """By callback."""
        self._by_call: dict[str, Attempt] = {}
        rows.attempts = self._of

    def of(self, callback: str) -> Attempt | None:
        """Return a callback's live attempt."""
        return self._of.get(callback)

    def by_call(self, call: str) -> Attempt | None:
        """Return the live attempt that a call is; None for any other call."""
        return self._by_call.get(call)

    def record(self, call: str) -> Callback | None:
        """Return the callback that a customer's call is made for."""
        attempt = self._by_call.get(call)
        return None if attempt is None else attempt.record

    # --- to the customer --------------------------------------------------------------------

    def dial(self, dial: ev.Dial, record: Callback, place: Arrived) -> None:
        """Call a customer; how that ends is told."""
        assert self.store is not None
        attempt = Attempt(record, dial.fence, place.interaction, dial.agent)
        self._add(attempt)
        self.store.run(self._dial(attempt, dial, place))

    def _add(self, attempt: Attempt) -> None:
        self._of[attempt.callback] = self._by_call[attempt.call] = attempt

    async def _dial(self, attempt: Attempt, dial: ev.Dial, place: Arrived) -> None:
        """Call, if the gate lets it; one that is given up meanwhile is not made."""
        assert self.store is not None
        outcome, again_ms = Outcome.WITHDRAWN, 0
        try:
            await self.store.reopen(self._ledger, attempt.record, attempt.interaction)
            self._begins(attempt)
            engaged = self._engaged.on_the_line(attempt.record)
            refusal = None
            if not engaged:
                refusal = await self.store.allow(dial.number, attempt.interaction)
            may = refusal is None and not engaged
            if may and self._driver.up and not attempt.given_up:
                self._switch.dial(
                    attempt.call,
                    dial.number,
                    ring_ms=dial.ring_ms,
                    shown=dial.caller_id,
                    carry={
                        **facts(attempt.callback, place),
                        FENCE: str(attempt.fence),
                        NUMBER: dial.number,
                    },
                    detect=dial.detect,
                )
                attempt.dialled = True
                return
            if refusal is not None:
                again_ms = CAPPED_MS.get(refusal, 0)
                outcome = Outcome.CAPPED if again_ms else Outcome.BARRED
                self._log("dial_refused", attempt, refusal.value)
            elif not attempt.given_up:
                outcome, again_ms = Outcome.UNDIALLED, ENGAGED_MS if engaged else AWAY_MS
        except CrmError as error:
            outcome, again_ms = Outcome.UNDIALLED, AWAY_MS
            self._log("callback_undialled", attempt, type(error).__name__)
        except LocalProtocolError as error:
            outcome = Outcome.BARRED
            self._log("callback_undialled", attempt, type(error).__name__)
        self.over(attempt, outcome, again_ms)

    def _begins(self, attempt: Attempt) -> None:
        self._ledger.begins(
            attempt.interaction,
            SegmentKind.CALLBACK,
            self._clock.now(),
            agent=attempt.agent,
            offer=attempt.call,
        )

    def hang_up(self, callback: str, fence: int) -> None:
        """End an attempt's call; its end is told."""
        attempt = self._of.get(callback)
        if attempt is None or attempt.fence != fence:
            self._switch.give_up(call_of(callback, fence))
            return
        if self.may_talk(attempt):
            return
        attempt.given_up = True
        if attempt.dialled:
            self._switch.give_up(attempt.call)

    def lost(self, callback: str, fence: int, *, sure: bool = True) -> None:
        """Somebody else has claimed a callback, or ended it; or, not `sure`, may have.

        Who may be another's to call is let be while their phone rings. A customer who is on the
        line with us is not: no other call of ours reaches them.
        """
        attempt, outcome = self._of.get(callback), Outcome.WITHDRAWN
        if not sure and (attempt is None or attempt.contact is not None):
            return
        if attempt is not None and attempt.fence == fence:
            outcome = Outcome.GIVEN_UP if attempt.dialled else outcome
            self.hang_up(callback, fence)
        self._tell(ev.AttemptEnded(callback, fence, outcome, AWAY_MS))

    def ended(self, attempt: Attempt, cause: Cause) -> None:
        """The call of an attempt has ended."""
        outcome = attempt.outcome(cause)
        self.over(attempt, outcome, TRUNK_MS if outcome is Outcome.UNDIALLED else 0)

    def over(self, attempt: Attempt, outcome: Outcome, again_ms: int = 0) -> None:
        """A call has ended, or never came about."""
        self._by_call.pop(attempt.call, None)
        if attempt.contact is not None:
            self._contacts.pop(attempt.call)
        self._tell(ev.AttemptEnded(attempt.callback, attempt.fence, outcome, again_ms))
        if self._of.get(attempt.callback) is attempt:
            # The callback itself had ended: nobody asks for the result.
            self.close(attempt, Outcome.GIVEN_UP if attempt.dialled else Outcome.WITHDRAWN)

    def close(self, attempt: Attempt, outcome: Outcome) -> None:
        """Forget an attempt, and close its rows; those of a talk stay open."""
        now = self._clock.now()
        self._of.pop(attempt.callback, None)
        gone = self._by_call.pop(attempt.call, None) is None
        self._ledger.ends(
            attempt.interaction, SegmentKind.CALLBACK, attempt.call, str(outcome), now
        )
        if self._rows.book.stage(attempt.callback) is None:
            self._rows.forget(attempt.callback, attempt.interaction)
        if gone or outcome is not Outcome.CONNECTED:
            if attempt.contact is not None:
                # Its call may be up still; it is nobody's who waits here.
                self._contacts.pop(attempt.call)
            by = "customer" if outcome is Outcome.HUNG_UP else "system"
            self._ledger.ended(attempt.interaction, now, by)

    # --- the customer is there --------------------------------------------------------------

    def picked_up(self, call: Call, *, machine: bool) -> Stage | None:
        """The customer's phone was picked up; return where the callback is, None if it is over.

        ASKING: they are to be asked, then `chose`. HOLDING, CONNECTING: they are to wait, then
        `waits`. HANGING_UP: they are to be hung up, after a message if one is to be left.
        """
        attempt = self._by_call.get(call.id)
        if attempt is None or attempt.given_up:
            return None
        if attempt.contact is None:
            attempt.contact = Contact(
                attempt.interaction,
                call.id,
                Caller(attempt.record.number),
                carry=dict(call.carried),
                arrival=self._rows.book.place(attempt.callback),
            )
            self._contacts.add(attempt.contact)
        told = ev.MachineHeard if machine else ev.Answered
        self._tell(told(attempt.callback, attempt.fence))
        return self._rows.book.stage(attempt.callback)

    def leaves_message(self, call: str) -> bool:
        """Whether a message is to be left on the machine that answered a call."""
        attempt = self._by_call.get(call)
        return attempt is not None and attempt.message

    def chose(self, call: str, choice: Choice) -> Stage | None:
        """The customer has chosen; return as `picked_up`."""
        attempt = self._by_call.get(call)
        if attempt is None:
            return None
        self._tell(ev.Chose(attempt.callback, attempt.fence, choice))
        return self._rows.book.stage(attempt.callback)

    def waits(self, call: str, carry: Mapping[str, str] | None = None) -> None:
        """The customer waits at the PBX: they can be connected. Their call carries `carry`, too."""
        attempt = self._by_call.get(call)
        if attempt is not None and attempt.contact is not None:
            attempt.contact.carry.update(carry or {})
            attempt.contact.settled = True
            self.join(attempt)

    def join(self, attempt: Attempt) -> None:
        """Connect customer and agent, once both are there.

        That they talk is written before: should the service die from here on, nobody who has talked
        is called again. It is taken back if the agent goes before (`part`), or by the result.
        """
        leg, contact = self._legs.of(attempt.joins), attempt.contact
        if contact is None or not contact.settled or leg is None or not leg.answered:
            return
        if leg.connected or leg.cancelled or attempt.joined == leg.offer:
            return
        if not attempt.seals:
            assert self.store is not None
            attempt.seals = leg.offer
            self.store.run(self._seal(attempt, leg.offer))
            return
        if not attempt.sealed:
            return
        attempt.joined = leg.offer
        if leg.reserved:
            carry = {key: value for key, value in contact.carry.items() if key != RESERVED}
            self._switch.connect(leg.offer, contact.call, carry)
        else:
            self._legs.join(leg.offer)

    async def _seal(self, attempt: Attempt, offer: str) -> None:
        assert self.store is not None
        await self.store.seal(attempt.callback, attempt.fence)
        if attempt.seals != offer:
            return
        attempt.sealed = True
        if self._of.get(attempt.callback) is attempt and not attempt.given_up:
            self.join(attempt)

    def part(self, attempt: Attempt) -> None:
        """The agent is gone before they were connected; the customer waits for another."""
        assert self.store is not None
        if attempt.seals:
            self.store.unseal(attempt.callback, attempt.fence)
        attempt.joins = attempt.joined = attempt.seals = ""
        attempt.sealed = False

    def may_talk(self, attempt: Attempt) -> bool:
        """Whether they talk, or may while the PBX tells us nothing: it was told to connect them."""
        ordered = attempt.sealed and bool(attempt.joined)
        return attempt.talks or (ordered and not self._driver.up)

    # --- after this process was away --------------------------------------------------------

    def missing(self, there: set[str]) -> None:
        """The PBX lists these calls; others have ended, nobody knows how."""
        for attempt in list(self._of.values()):
            ordered, attempt.joined = attempt.joined, ""  # it may have been lost with the link
            if attempt.dialled and attempt.call not in there:
                attempt.talks = attempt.sealed and bool(ordered)
                self.over(attempt, Outcome.LOST)

    def take_up(self, call: str, carried: Mapping[str, str], state: CallState) -> None:
        """Go on with a customer's call that the last process made, if it holds the claim."""
        interaction, fence = carried.get("interaction", ""), fence_of(carried)
        found = self._rows.found(interaction)
        record = found[0] if found is not None else None
        ours = record is not None and record.fence == fence and record.holder is not None
        if record is None or not ours or call != call_of(record.id, fence):
            if state in TALKS:
                self._talked(carried.get(CALLBACK, ""), fence)
            elif state is not CallState.WAITING:
                self._switch.give_up(call)
            return
        assert self.store is not None
        attempt = Attempt(record, fence, interaction, dialled=True)
        self._add(attempt)
        self.store.hold(record.id, fence)
        legs = [leg for leg in self._legs if leg.interaction == interaction and leg.answered]
        offer, agent = (legs[0].offer, legs[0].agent) if legs else ("", "")
        attempt.agent = agent
        contact = self._contacts.get(interaction)
        if contact is not None and contact.call == call:
            attempt.contact = contact
        if self._ledger.knows(interaction):
            self._begins(attempt)
        else:
            self.store.run(self._go_on(attempt))
        self._tell(ev.Found(record.id, fence, attempt.contact is not None, offer, agent))
        if state in TALKS:
            self._tell(ev.Talking(record.id, fence))

    def _talked(self, callback: str, fence: int) -> None:
        """Write down a talk of which only the beginning may be written."""
        assert self.store is not None
        self.store.finish(ev.Finish(callback, fence, Outcome.CONNECTED, False, Stage.CONNECTED, ""))

    async def _go_on(self, attempt: Attempt) -> None:
        """Go on with the rows of an attempt; what was not written yet is written now."""
        assert self.store is not None
        try:
            await self.store.reopen(self._ledger, attempt.record, attempt.interaction)
        except CrmError as error:
            self._log("callback_unwritten", attempt, type(error).__name__)
        if self._of.get(attempt.callback) is attempt:
            self._begins(attempt)
        elif self._contacts.get(attempt.interaction) is None:
            self._ledger.ended(attempt.interaction, self._clock.now(), "system")

    def _log(self, action: str, attempt: Attempt, why: str) -> None:
        log.warning(
            "an attempt is not as it should be: %s",
            why,
            extra={"action": action, "callback": attempt.callback, "why": why},
        )
