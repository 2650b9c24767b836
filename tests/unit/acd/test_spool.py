"""The survival spool is taken in once, whatever lies in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acd.gate import Gate, Rules
from acd.spool import Spool
from crm import callbacks
from crm.database import Database
from crm.errors import CrmError

INTERACTION = "01890a5d-ac96-774b-bcce-b302099a8057"


def put(folder: Path, name: str, **changed: object) -> Path:
    request = {
        "version": 1,
        "number": "+12025550143",
        "typed": False,
        "dialled": "600",
        "carry": f"interaction={INTERACTION}&queue=sales",
        "requested_ms": 1_700_000_000_000,
        **changed,
    }
    path = folder / name
    path.write_text(json.dumps(request))
    return path


def spool(folder: Path, database: Database, taken: list[str]) -> Spool:
    return Spool(folder, database, Gate(Rules("US", allowed=("US",))), taken.append)


async def test_a_request_becomes_a_callback_and_its_file_goes(
    tmp_path: Path, database: Database
) -> None:
    put(tmp_path, "1-a.json")
    put(tmp_path, "2-b.json", number="(202) 555-0177", carry="", requested_ms=1_700_000_000_001)
    taken: list[str] = []
    assert await spool(tmp_path, database, taken).take_in() == 2
    first, second = await callbacks.waiting(database)
    assert (first.number, first.queue, first.interaction) == ("+12025550143", "sales", INTERACTION)
    assert (second.number, second.queue, second.interaction) == ("+12025550177", None, None)
    assert taken == [INTERACTION]
    assert list(tmp_path.glob("*.json")) == []


async def test_a_file_that_came_back_is_not_taken_in_twice(
    tmp_path: Path, database: Database
) -> None:
    # As after a crash between the commit and the removal of the file.
    taken: list[str] = []
    for _ in range(2):
        put(tmp_path, "1-a.json")
        await spool(tmp_path, database, taken).take_in()
    assert len(await callbacks.waiting(database)) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"version": 2}',
        '{"version": 1, "number": 5, "requested_ms": 1, "carry": ""}',
        '{"version": 1, "number": "+1", "requested_ms": 1, "carry": ""}',
        '{"version": 1, "number": "500&PJSIP/x", "requested_ms": 1, "carry": ""}',
        '{"version": 1, "number": "+12025550143", "requested_ms": 1, "carry": "interaction=x"}',
        '{"version": 1, "number": "+12025550143", "requested_ms": 9e30, "carry": ""}',
        '{"version": 1, "number": "+12025550143", "requested_ms": 9999999999999999, "carry": ""}',
        "x" * 20_000,
    ],
)
async def test_what_is_no_request_is_put_aside(
    tmp_path: Path, database: Database, content: str
) -> None:
    (tmp_path / "1-bad.json").write_text(content)
    put(tmp_path, "2-good.json", carry="")
    taken: list[str] = []
    assert await spool(tmp_path, database, taken).take_in() == 1
    assert [path.name for path in (tmp_path / "rejected").iterdir()] == ["1-bad.json"]
    assert len(await callbacks.waiting(database)) == 1


async def test_a_half_written_request_is_left_alone(tmp_path: Path, database: Database) -> None:
    put(tmp_path, ".1-a.json.tmp")
    assert await spool(tmp_path, database, []).take_in() == 0
    assert list(tmp_path.iterdir()) == [tmp_path / ".1-a.json.tmp"]


async def test_nothing_is_lost_while_the_database_is_away(
    tmp_path: Path, database: Database
) -> None:
    path = put(tmp_path, "1-a.json")
    await database.close()
    with pytest.raises(CrmError):
        await spool(tmp_path, database, []).take_in()
    assert path.exists()
    await database.open()
    assert await spool(tmp_path, database, []).take_in() == 1


async def test_who_was_in_line_keeps_their_place_and_who_was_in_none_gets_a_queue(
    tmp_path: Path, database: Database
) -> None:
    put(tmp_path, "1-a.json", carry=f"interaction={INTERACTION}&queue=sales&entered=1699999940000")
    later = 1_700_000_000_001
    put(tmp_path, "2-b.json", number="+12025550177", carry="entered=5")
    far = "queue=sales&entered=9999999999999999"
    put(tmp_path, "3-c.json", number="+12025550178", carry=far, requested_ms=later)
    put(tmp_path, "4-d.json", number="+19005550143")
    gate = Gate(Rules("US", allowed=("US",)))
    taken = Spool(tmp_path, database, gate, lambda _: None, queue="front")
    assert await taken.take_in() == 3
    found = [(one.queue, one.requested_ms) for one in await callbacks.waiting(database)]
    assert found == [
        ("sales", 1_699_999_940_000), ("front", 1_700_000_000_000), ("sales", later),
    ]  # fmt: skip
    assert [one.name for one in (tmp_path / "rejected").iterdir()] == ["4-d.json"]


async def test_a_file_that_cannot_be_put_aside_keeps_no_other_waiting(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "1-bad.json").write_text("{}")
    put(tmp_path, "2-good.json")
    (tmp_path / "rejected").write_text("no folder")
    assert await spool(tmp_path, database, []).take_in() == 1
    assert "spool_file_failed" in [getattr(one, "action", "") for one in caplog.records]
    assert (tmp_path / "1-bad.json").exists()
