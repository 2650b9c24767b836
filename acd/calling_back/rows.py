"""The rows of open callbacks, as they are made known to the book."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from acd.callbacks import Book, events as ev
from acd.calling_back.attempt import Attempt, call_of
from acd.router.events import Arrived
from crm.records import Callback
from pbx.port import CallSnapshot


class Rows:
    """Which callbacks the book knows, and which it is to know once their callers have hung up.

    `tell` tells the book. `live` tells whether an interaction's caller is on the line.
    """

    def __init__(self, tell: Callable[[ev.Event], None], live: Callable[[str], bool]) -> None:
        self.book = Book()
        self._tell = tell
        self._live = live
        self._fresh: dict[str, Callback] | None = None
        """Rows read at the start, until the PBX has told which calls there are."""
        self._begun: list[Callback] = []
        self._sealed: list[Callback] = []
        self._of: dict[str, str] = {}
        """By interaction: the open callback that goes on with it."""
        self._postponed: dict[str, Callback] = {}
        """By interaction: those whose caller is on the line still."""
        self.attempts: Mapping[str, Attempt] = {}
        """By callback: those that are being made."""

    def start(self, rows: Iterable[Callback]) -> None:
        """Take the rows that are open, or sealed, before the PBX is there."""
        self._fresh, self._sealed = {}, []
        for row in rows:
            if row.state == "waiting":
                self._fresh[row.id] = row
            else:
                self._sealed.append(row)

    @property
    def begins(self) -> bool:
        """Whether the PBX has not told yet which calls there are."""
        return self._fresh is not None

    def first(self, now: int, count: int) -> list[Callback]:
        """Return those read at the start that agents are rung for first, at most `count`."""
        fresh = (self._fresh or {}).values()
        return self.book.first((row for row in fresh if row.holder is None), now, count)

    def unsealed(self, waits: Collection[str]) -> list[Callback]:
        """Take those about to talk when the last process died; `waits` are calls that wait.

        Who waits still does not talk, and is open again: their rows are returned.
        """
        sealed, self._sealed = self._sealed, []
        found = [
            replace(row, state="waiting", ended_ms=None)
            for row in sealed
            if call_of(row.id, row.fence) in waits
        ]
        for row in found:
            self.know(row)
        return found

    def begin(self, calls: Iterable[CallSnapshot]) -> None:
        """The PBX is there; `calls` are of callers who are not called back."""
        if self._fresh is None:
            return
        rows, self._fresh = self._fresh.values(), None
        self._begun = [row for row in rows if row.holder is not None]
        theirs = {call.carried.get("interaction", "") for call in calls}
        for row in rows:
            interaction = row.interaction or row.id
            if interaction in theirs:
                self._postponed[interaction] = row
            else:
                self.know(row)

    def begun(self) -> list[Callback]:
        """Take the callbacks that the last process was calling when it died."""
        begun, self._begun = self._begun, []
        return begun

    def know(self, row: Callback) -> None:
        """Take in a row: a new callback, or one that was changed."""
        if self._fresh is not None:
            self._fresh[row.id] = row
            return
        interaction = row.interaction or row.id
        attempt = self.attempts.get(row.id)
        if row.state == "connected" and attempt is not None and attempt.fence == row.fence:
            return  # that was us: they are about to talk (`Calls.join`), or were
        if row.state != "waiting":
            self._postponed.pop(interaction, None)
            self._tell(ev.Known(row))
            self.forget(row.id, interaction)
        elif self.book.record(row.id) == row:
            return
        elif attempt is None and self._live(interaction):
            self._postponed[interaction] = row
        else:
            self._of[interaction] = row.id
            self._tell(ev.Known(row))

    def known(self) -> set[str]:
        """Return the ids of those that are open, as far as is known."""
        return {*self.book.known(), *(row.id for row in self._postponed.values())}

    def gone(self, interaction: str) -> Callback | None:
        """A caller is gone: return what they were promised while they were on the line, if so."""
        return self._postponed.pop(interaction, None)

    def of(self, interaction: str) -> str:
        """Return the open callback that goes on with an interaction; empty if none does."""
        callback = self._of.get(interaction, "")
        return callback if self.book.stage(callback) is not None else ""

    def found(self, interaction: str) -> tuple[Callback, Arrived] | None:
        """Return an interaction's open callback, and its place; None if there is none."""
        callback = self._of.get(interaction, "")
        record, place = self.book.record(callback), self.book.place(callback)
        return None if record is None or place is None else (record, place)

    def forget(self, callback: str, interaction: str) -> None:
        """A callback has ended."""
        if self._of.get(interaction) == callback:
            del self._of[interaction]
