"""The ledger: turns what happens on the floor into interactions, segments and journal entries.

It keeps the open rows of live interactions in memory and hands each new state of them to the
write-behind recorder, so nothing here waits. A queue segment lasts from entering the queue until
the agent and the caller hear each other, or until it is given up; the offers' ringing segments lie
within it. Times are milliseconds since the epoch.

A caller hears silence while we write, so what happened is only noted at first, and written down
once the event loop's turn is over, when a phone rings already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from acd.accounts import TALKS, Account, Recorder, over
from acd.afterwards import Soon, afterwards, at_once
from acd.contacts import Contact
from acd.intake import Intake
from acd.rows import Rows
from crm.records import (
    InteractionDetail,
    Outcome,
    SegmentKind,
)

CLAIM_ROWS = 1_000
"""More segments than one attempt to call back makes."""


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A wrap-up that lasts: of which interaction, and until when in ms."""

    interaction: str
    until: int


class Ledger(Rows):
    """The open rows of all live interactions.

    `soon` is asked to call once the event loop's turn is over; by default all is written at once.
    """

    def __init__(
        self,
        recorder: Recorder,
        intake: Intake,
        soon: Soon = at_once,
    ) -> None:
        super().__init__(recorder, soon)
        self._intake = intake

    # --- interactions -----------------------------------------------------------------------

    @afterwards
    def opened(self, contact: Contact, at: int) -> None:
        """A call has come in."""
        self._enter(contact, at)

    def _enter(self, contact: Contact, at: int) -> Account:
        row = self._intake.row(contact, at)
        account = self._accounts[row.id] = Account(row)
        self._recorder.interaction(row)
        return account

    def resumed(
        self,
        details: Iterable[InteractionDetail],
        at: int,
        wrap_up_ms: Callable[[str], int] = lambda _queue: 0,
    ) -> dict[str, WrapUp]:
        """Take over what a past process left open; return the wrap-ups that last, by agent.

        `wrap_up_ms` tells a queue's. One that is over by now ended when it should have.
        """
        lasting: dict[str, WrapUp] = {}
        for detail in details:
            account = Account.of(detail)
            account.answered = any(s.kind == SegmentKind.TALK for s in detail.segments)
            row = detail.interaction
            calls = row.ended_ms is not None or row.direction == "outbound"
            if calls and any(s.kind != SegmentKind.WRAP_UP for s in account.open):
                self._go_on(account)
            self._accounts[detail.interaction.id] = account
            for segment in list(account.open):
                if segment.kind == SegmentKind.WRAP_UP:
                    until = segment.started_ms + wrap_up_ms(segment.queue or "")
                    if until > at and segment.agent:
                        lasting[segment.agent] = WrapUp(segment.interaction, until)
                    else:
                        self._close(account, segment, min(at, until), "done")
            self._forget_when_done(account)
        return lasting

    def way(self, interaction: str) -> tuple[str, str] | None:
        """The flow and the version of it that an interaction went through; None: not known."""
        self.catch_up()
        account = self._accounts.get(interaction)
        row = account.row if account is not None else None
        if row is None or row.flow is None or row.flow_version is None:
            return None
        return row.flow, row.flow_version

    @afterwards
    def recovered(self, contact: Contact, at: int, fence: int = 0) -> None:
        """A live call as the switch lists it: write down what of it a killed process did not.

        `fence` is that of a customer's call who is called back. If their rows are not in mind, the
        interaction had ended, and the process died before it had written that it goes on.
        """
        known = self._accounts.get(contact.interaction)
        account = known or self._enter(contact, contact.entered or at)
        if fence and known is None:
            # Beyond all rows that there may be.
            account.segments = fence * CLAIM_ROWS
            account.stays = Outcome.CALLED_BACK
        if fence and not account.answered:
            return
        waits = contact.in_line and contact.settled
        stays = self._find(account, SegmentKind.QUEUE) or (account.answered and not waits)
        queue = contact.queue
        if queue and not stays and (contact.in_line or account.row.queue != queue):
            # Sent on by an agent: the talk was over by then, or since a time that is not known.
            talks = [one for one in account.open if one.kind in TALKS]
            begun = max((one.started_ms for one in talks), default=at)
            entered = at if account.answered and contact.entered <= begun else contact.entered
            for one in talks:
                self._close(account, one, entered, "ended")
            self._queue(account, queue, entered)

    def unknown(self, live: Iterable[str]) -> list[str]:
        """Those that are open here but not among `live`."""
        self.catch_up()
        there = set(live)
        return [
            interaction
            for interaction, account in self._accounts.items()
            if account.row.ended_ms is None and interaction not in there
        ]

    @afterwards
    def legs(self, talks: Mapping[str, str], live: Collection[str], at: int) -> None:
        """The legs there are, as the switch lists them; what others were at is over by `at`.

        `talks` are the offers of those that have the caller, each with what a consult became by
        that; `live` all offers.
        """
        for account in list(self._accounts.values()):
            account.talks.intersection_update({*talks, *live})
            for segment in list(account.open):
                outcome = over(segment, talks, live)
                if outcome is not None:
                    self._close(account, segment, at, outcome)
            self._forget_when_done(account)

    @afterwards
    def flow(self, interaction: str, flow: str, version: str) -> None:
        """The flow that the interaction is in."""
        account = self._accounts.get(interaction)
        if account is not None and account.row.flow_version != version:
            account.row = replace(account.row, flow=flow, flow_version=version)
            self._recorder.interaction(account.row)

    @afterwards
    def ended(self, interaction: str, at: int, by: str, *, failed: bool = False) -> None:
        """The caller's side is over; `by` is `customer`, `agent` or `system`."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        for segment in list(account.open):
            if segment.kind == SegmentKind.QUEUE:
                lost = Outcome.FAILED if failed else Outcome.ABANDONED
                account.left = lost
                self._close(account, segment, at, lost)
            elif segment.kind == SegmentKind.RINGING:
                self._close(account, segment, at, "cancelled")
            elif segment.kind == SegmentKind.IVR:
                self._close(account, segment, at, "failed" if failed else "ended")
            elif segment.kind == SegmentKind.TRANSFER:
                self._close(account, segment, at, "abandoned")
            elif segment.kind != SegmentKind.WRAP_UP:
                self._close(account, segment, at, "ended")
        if account.stays:
            outcome = Outcome(account.stays)
        elif account.answered:
            outcome = Outcome.ANSWERED
        elif account.left is not None:
            outcome = account.left
        else:
            outcome = Outcome.FAILED if failed else Outcome.ENDED_IN_FLOW
        account.row = replace(account.row, ended_ms=at, outcome=outcome, ended_by=by)
        self._recorder.interaction(account.row)
        self._forget_when_done(account)

    @afterwards
    def called_back(self, interaction: str, at: int) -> None:
        """The caller has asked to be called back instead of waiting on."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        account.left = Outcome.CALLED_BACK
        if found := self._find(account, SegmentKind.QUEUE):
            self._close(account, found, at, Outcome.CALLED_BACK)
        elif account.stepped_out is not None:
            # By a key they went to where it was promised: that is how their wait ended.
            self._recorder.segment(replace(account.stepped_out, outcome=Outcome.CALLED_BACK))

    # --- segments ---------------------------------------------------------------------------

    @afterwards
    def in_flow(self, interaction: str, at: int) -> None:
        """The caller is in the flow."""
        account = self._accounts.get(interaction)
        if account is not None and not self._find(account, SegmentKind.IVR):
            self._open(account, SegmentKind.IVR, at)

    @afterwards
    def queued(self, interaction: str, queue: str, at: int) -> None:
        """The caller enters a queue, and leaves the flow for now."""
        account = self._accounts.get(interaction)
        if account is not None:
            self._queue(account, queue, at)

    def _queue(self, account: Account, queue: str, at: int) -> None:
        flow = self._find(account, SegmentKind.IVR)
        if flow is not None:
            self._close(account, flow, at, "queued")
        account.row = replace(account.row, queue=queue)
        account.left = account.stepped_out = None
        self._recorder.interaction(account.row)
        self._open(account, SegmentKind.QUEUE, at, queue=queue)

    @afterwards
    def overflowed(self, interaction: str, to: str, at: int) -> None:
        """The caller waits in another queue from now on."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        if found := self._find(account, SegmentKind.QUEUE):
            self._close(account, found, at, Outcome.OVERFLOWED)
        self._queue(account, to, at)

    @afterwards
    def short_abandon(self, interaction: str) -> None:
        """The caller, who hangs up, has waited too short a time to count."""
        account = self._accounts.get(interaction)
        if account is not None:
            account.short = True

    @afterwards
    def left_queue(self, interaction: str, at: int) -> None:
        """The caller has left the queue, and is in the flow again."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        if found := self._find(account, SegmentKind.QUEUE):
            account.stepped_out = self._close(account, found, at, Outcome.OVERFLOWED)
        account.left = Outcome.OVERFLOWED
        self._open(account, SegmentKind.IVR, at)

    @afterwards
    def ringing(self, interaction: str, queue: str, offer: str, agent: str, at: int) -> None:
        """An agent's phone rings for it."""
        account = self._accounts.get(interaction)
        if account is not None and offer not in account.offers:
            account.offers.add(offer)
            self._open(account, SegmentKind.RINGING, at, queue=queue, agent=agent, offer=offer)

    @afterwards
    def offer_over(self, interaction: str, offer: str, outcome: str, at: int) -> None:
        """The ringing came to nothing."""
        account = self._accounts.get(interaction)
        if account is not None and (found := self._find(account, SegmentKind.RINGING, offer)):
            self._close(account, found, at, outcome)

    @afterwards
    def talking(self, interaction: str, offer: str, agent: str | None, at: int) -> None:
        """Agent and caller hear each other, (again) if one had the other on hold.

        `agent` is None for somebody outside that the caller was transferred to.
        """
        account = self._accounts.get(interaction)
        if account is None:
            return
        account.answered = True
        account.talks.add(offer)
        queue = None
        for segment in list(account.open):
            if segment.kind == SegmentKind.QUEUE:
                queue = segment.queue
                self._close(account, segment, at, Outcome.ANSWERED)
            elif segment.kind == SegmentKind.RINGING and segment.offer == offer:
                self._close(account, segment, at, "accepted")
            elif segment.kind == SegmentKind.HOLD and segment.offer == offer:
                queue = segment.queue
                self._close(account, segment, at, "resumed")
        if not self._find(account, SegmentKind.TALK, offer):
            self._open(account, SegmentKind.TALK, at, queue=queue, agent=agent, offer=offer)

    @afterwards
    def talk_over(self, interaction: str, offer: str, at: int, outcome: str = "ended") -> None:
        """The agent's leg is gone, or has no more to do with it."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        account.talks.discard(offer)
        for kind, word in (
            (SegmentKind.TALK, outcome),
            (SegmentKind.HOLD, outcome),
            (SegmentKind.RINGING, "failed"),
        ):
            if found := self._find(account, kind, offer):
                self._close(account, found, at, word)
        self._forget_when_done(account)

    @afterwards
    def held(self, interaction: str, offer: str, agent: str, queue: str, at: int) -> None:
        """The agent has put the caller on hold: talk and hold follow each other."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        if found := self._find(account, SegmentKind.TALK, offer):
            self._close(account, found, at, "held")
        if not self._find(account, SegmentKind.HOLD, offer):
            self._open(account, SegmentKind.HOLD, at, queue=queue or None, agent=agent, offer=offer)

    @afterwards
    def begins(
        self, interaction: str, kind: SegmentKind, at: int, *, agent: str, offer: str
    ) -> None:
        """Somebody is rung for a consult or a transfer; it lasts beside what else there is."""
        account = self._accounts.get(interaction)
        if account is not None and not self._find(account, kind, offer):
            account.offers.add(offer)
            self._open(account, kind, at, agent=agent or None, offer=offer)

    @afterwards
    def ends(self, interaction: str, kind: SegmentKind, offer: str, outcome: str, at: int) -> None:
        """What `begins` told is over."""
        account = self._accounts.get(interaction)
        if account is not None and (found := self._find(account, kind, offer)):
            self._close(account, found, at, outcome)

    @afterwards
    def passed(self, interaction: str, queue: str, at: int) -> None:
        """An agent has sent the caller to a queue."""
        if account := self._accounts.get(interaction):
            self._open(account, SegmentKind.TRANSFER, at, queue=queue)
            self._close(account, account.open[-1], at, "queued")

    @afterwards
    def wrapping_up(self, interaction: str, queue: str, agent: str, at: int) -> None:
        """The agent writes up the contact."""
        account = self._accounts.get(interaction)
        if account is not None:
            self._open(account, SegmentKind.WRAP_UP, at, queue=queue or None, agent=agent)

    @afterwards
    def wrapped_up(self, interaction: str, agent: str, at: int) -> None:
        """The agent is done with it."""
        account = self._accounts.get(interaction)
        if account is None:
            return
        for segment in list(account.open):
            if segment.kind == SegmentKind.WRAP_UP and segment.agent == agent:
                self._close(account, segment, at, "done")
        self._forget_when_done(account)
