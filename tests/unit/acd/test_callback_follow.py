"""How changes of callbacks come to who makes them: none is lost for a database that was slow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from calling_stage import CallingStage

from crm.errors import DatabaseUnavailable
from crm.records import Callback


class Told:
    """A store that tells these ids in turn; `fails` counts the reads that fail before others."""

    def __init__(self, rows: list[Callback], *ids: set[str], fails: int = 0) -> None:
        self.rows = {row.id: row for row in rows}
        self.told = ids
        self.fails = fails

    async def changes(self) -> AsyncIterator[frozenset[str]]:
        for ids in self.told:
            yield frozenset(ids)

    def _read(self) -> None:
        self.fails -= 1
        if self.fails >= 0:
            raise DatabaseUnavailable

    async def confirm(self) -> None:
        pass

    async def waiting(self) -> list[Callback]:
        self._read()
        return list(self.rows.values())

    async def get(self, callback: str) -> Callback | None:
        self._read()
        return self.rows.get(callback)


async def known(stage: CallingStage, store: Told) -> set[str]:
    desk = stage.floor.callbacks
    desk.incoming.store = store  # type: ignore[assignment]
    await desk.incoming.follow()
    return desk._rows.known()


def stage_of() -> tuple[CallingStage, list[Callback]]:
    stage = CallingStage(agents="")
    stage.starts()
    stage.up()
    rows = [replace(stage.row(n), number=f"+1415555010{at}") for at, n in enumerate("xyz")]
    return stage, rows


async def test_rows_that_could_not_be_read_are_read_when_more_is_told() -> None:
    stage, rows = stage_of()
    assert await known(stage, Told(rows, {"x", "y"}, {"z"}, fails=1)) == {"x", "y", "z"}


async def test_all_rows_are_read_again_if_they_could_not_be() -> None:
    stage, rows = stage_of()
    assert await known(stage, Told(rows, set(), {"z"}, fails=1)) == {"x", "y", "z"}
