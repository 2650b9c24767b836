"""The stage with callbacks, and a store that keeps in memory what it is brought."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stage import NotedSwitch, Stage

from acd.callbacks import Policy, events as ev
from acd.gate import Refusal
from acd.ledger import Ledger
from acd.roster import Roster
from acd.router.events import Wanted
from crm.calendars import DAYS, Calendar
from crm.errors import DatabaseUnavailable
from crm.records import Callback, Interaction, InteractionDetail
from pbx.errors import LocalProtocolError
from pbx.port import Caller

NUMBER = "+14155550123"
ALWAYS = Calendar("calling", "UTC", tuple(((0, 24 * 60),) for _ in DAYS))


@dataclass
class CallingSwitch(NotedSwitch):
    reserved: list[tuple[str, str, str]] = field(default_factory=list)
    dials: list[tuple[str, str]] = field(default_factory=list)
    unfit: bool = False
    """Whether no call can be asked of it."""
    given_up: list[str] = field(default_factory=list)
    connects: list[tuple[str, str]] = field(default_factory=list)

    def reserve(
        self, offer: str, address: str, *, ring_ms: int, caller: Caller, carry: Mapping[str, str]
    ) -> None:
        self.reserved.append((offer, address, caller.number or ""))

    def dial(self, call: str, address: str, **_more: Any) -> None:
        if self.unfit:
            raise LocalProtocolError("there is no such call")
        self.dials.append((call, address))

    def give_up(self, call: str) -> None:
        self.given_up.append(call)

    def connect(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        self.connects.append((offer, call))


class Shelf:
    """A store at hand: claims are granted at once; `away` is a database that is away.

    `capped` is what the gate's caps say before anybody is rung, `refusal` what it says at last.
    """

    def __init__(self) -> None:
        self.away = self.away_for_dials = False
        self.capped: Refusal | None = None
        self.left = 0
        self.refusal: Refusal | None = None
        self.fences: dict[str, int] = {}
        self.results: list[ev.Finish] = []
        self.ends: list[ev.End] = []
        self.holds: list[tuple[str, int]] = []
        self.seals: list[tuple[str, int]] = []
        self.unseals: list[tuple[str, int]] = []

    def left_ms(self, callback: str) -> int:
        return self.left

    def serve(self, tell: Any, lost: Any) -> None:
        self.tell, self.lost = tell, lost

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            work.send(None)
        except StopIteration:
            return
        raise AssertionError("nothing here is waited for")

    def claim(self, callback: str) -> None:
        if self.away:
            self.tell(ev.ClaimFailed(callback))
            return
        fence = self.fences[callback] = self.fences.get(callback, 0) + 1
        before = sum(one.counts for one in self.results if one.callback == callback)
        self.tell(ev.Claimed(callback, fence, before))

    async def seal(self, callback: str, fence: int) -> None:
        self.seals.append((callback, fence))

    def unseal(self, callback: str, fence: int) -> None:
        self.unseals.append((callback, fence))

    def hold(self, callback: str, fence: int) -> None:
        self.holds.append((callback, fence))

    def finish(self, result: ev.Finish) -> None:
        self.results.append(result)

    async def take_back(self, end: ev.End) -> None:
        self.end(end)

    def end(self, end: ev.End) -> None:
        self.ends.append(end)

    async def allow(self, number: str, interaction: str) -> Refusal | None:
        if self.away_for_dials:
            raise DatabaseUnavailable
        return self.refusal

    async def caps(self, number: str, interaction: str) -> Refusal | None:
        if self.away:
            raise DatabaseUnavailable
        return self.capped

    async def accounts(self, records: Sequence[Callback]) -> list[InteractionDetail]:
        if self.away:
            raise DatabaseUnavailable
        return [_ended(record, record.interaction or record.id) for record in records]

    async def allowed(self, records: Sequence[Callback]) -> list[str]:
        return [record.id for record in records if self.capped is None]

    async def reopen(self, ledger: Ledger, record: Callback, interaction: str) -> None:
        if self.away:
            raise DatabaseUnavailable
        if not ledger.knows(interaction):
            ledger.reopened(_ended(record, interaction))


def _ended(record: Callback, interaction: str) -> InteractionDetail:
    row = Interaction(interaction, record.requested_ms, ended_ms=1, outcome="called_back")
    return InteractionDetail(row)


class CallingStage(Stage):
    """A stage whose queue `q` calls customers back, at any time of day."""

    def __init__(self, agents: str = "a", policy: Policy | None = None, **more: Any) -> None:
        self.how = replace(policy or Policy(), calling=ALWAYS)
        super().__init__(agents, **more)

    def roster(self, wanted: Wanted = Wanted.AVAILABLE) -> Roster:
        roster = super().roster(wanted)
        roster.callbacks = {"q": self.how}
        return roster

    def starts(self, *rows: Callback) -> None:
        """A new process of the service, with the callbacks that are open."""
        self.switch: CallingSwitch = CallingSwitch()
        self.floor = self.service()
        self.shelf = Shelf()
        self.shelf.fences = {row.id: row.fence for row in rows}
        self.floor.callbacks.serve(self.shelf, list(rows), "US")  # type: ignore[arg-type]

    def row(self, name: str, ago_ms: int = 0, **more: Any) -> Callback:
        at = self.clock.now() - ago_ms
        return Callback(name, NUMBER, at, "flow", "q", f"i-{name}", due_ms=at, **more)

    def promised(self, row: Callback) -> None:
        self.floor.callbacks._rows.know(row)
