"""The rows of live interactions, as they are kept in memory and handed to the recorder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from acd.accounts import Account, Recorder
from acd.afterwards import Afterwards, Soon, afterwards
from acd.places import PLACE
from acd.router.codec import to_entry
from acd.router.events import Arrived, Decision, Event, Wanted
from acd.router.journal import to_body
from crm.records import InteractionDetail, JournalEntry, Outcome, Segment, SegmentKind


class Rows(Afterwards):
    """The open rows of each interaction; beside them the journal, and what agents asked to be."""

    def __init__(self, recorder: Recorder, soon: Soon) -> None:
        super().__init__(soon)
        self._recorder = recorder
        self._accounts: dict[str, Account] = {}
        self._resting: dict[str, Account] | None = None
        """Those that are over, while they are to be kept in mind: see `rest`."""

    def __len__(self) -> int:
        self.catch_up()
        return len(self._accounts)

    # --- those in mind ----------------------------------------------------------------------

    def knows(self, interaction: str) -> bool:
        """Whether an interaction's rows are in mind."""
        self.catch_up()
        return interaction in self._accounts

    def reopened(self, detail: InteractionDetail) -> None:
        """Go on with the rows of a caller who has hung up, and is to be called back."""
        self._reopened(Account.of(detail))

    def reopen(self, interaction: str) -> bool:
        """Go on with rows that are in mind, also of who has ended (`rest`); False if none are."""
        if self.knows(interaction):
            return True
        resting = self._resting or {}
        account = resting.pop(interaction, None)
        if account is None:
            return False
        self._reopened(
            Account(account.row, account.segments, list(account.open), set(account.offers))
        )
        return True

    def rest(self, details: Iterable[InteractionDetail]) -> None:
        """Keep in mind rows of ended interactions, and of all that end, until `rested`."""
        self._resting = {
            detail.interaction.id: Account.of(detail)
            for detail in details
            if not self.knows(detail.interaction.id)
        }

    def rested(self) -> None:
        """Those that have ended are in mind no longer."""
        self._resting = None

    def _reopened(self, account: Account) -> None:
        self._accounts[account.row.id] = account
        self._recorder.interaction(account.row)
        self._go_on(account)

    def _go_on(self, account: Account) -> None:
        """What had ended goes on by a callback."""
        account.stays = account.row.outcome or Outcome.CALLED_BACK
        account.row = replace(account.row, ended_ms=None, outcome=None, ended_by=None)

    # --- rows ---------------------------------------------------------------------------------

    @afterwards
    def presence(self, agent: str, wanted: Wanted, reason: str, at: int) -> None:
        """What an agent asked to be."""
        self._recorder.agent_presence(agent, wanted.value, reason, at)

    @afterwards
    def journal(
        self,
        epoch: str,
        seq: int,
        at: int,
        version: int,
        event: Event,
        decisions: Sequence[Decision],
    ) -> None:
        """One input of the router, as it was given, and what it decided."""
        kind, body = to_body(event, decisions)
        self._recorder.journal(JournalEntry(epoch, seq, at, version, kind, body))

    @afterwards
    def place(self, kept: Arrived, at: int) -> None:
        """What brings a waiting interaction back; the last that was told holds."""
        account = self._accounts.get(kept.interaction)
        if account is not None:
            account.placed = max(account.placed + 1, at)
            kind, body = to_entry(kept)
            epoch = f"{PLACE}.{kept.interaction}"
            self._recorder.journal(JournalEntry(epoch, account.placed, at, 0, kind, body))

    def _find(
        self, account: Account, kind: SegmentKind, offer: str | None = None
    ) -> Segment | None:
        for segment in account.open:
            if segment.kind == kind and (offer is None or segment.offer == offer):
                return segment
        return None

    def _open(
        self,
        account: Account,
        kind: SegmentKind,
        at: int,
        *,
        queue: str | None = None,
        agent: str | None = None,
        offer: str | None = None,
    ) -> None:
        account.segments += 1
        segment = Segment(account.row.id, account.segments, kind, at, queue, agent, offer)
        account.open.append(segment)
        self._recorder.segment(segment)

    def _close(self, account: Account, segment: Segment, at: int, outcome: str) -> Segment:
        account.open.remove(segment)
        short = account.short and segment.kind == SegmentKind.QUEUE and outcome == Outcome.ABANDONED
        ended = max(at, segment.started_ms)
        closed = replace(segment, ended_ms=ended, outcome=str(outcome), short=short)
        self._recorder.segment(closed)
        return closed

    def _forget_when_done(self, account: Account) -> None:
        if account.row.ended_ms is not None and not account.open and not account.talks:
            self._accounts.pop(account.row.id, None)
            if self._resting is not None:
                self._resting[account.row.id] = account
