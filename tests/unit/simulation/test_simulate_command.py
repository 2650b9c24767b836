"""`sala simulate` on a real database: files, and what calls of the past tell."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import uuid6
from typer.testing import CliRunner, Result

from acd.estimates.experience import Experience
from acd.estimates.past import recall
from acd.router.configuration import AgentConfig, QueueConfig
from acd.simulation.history import learn
from acd.simulation.plan import Learnt
from crm.database import Database
from crm.recorder import Recorder
from sala.cli import app

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "acd"))

from stage import Book, Stage

MORNING = int(datetime(2026, 5, 4, 9, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000
EVERY_MS = 150_000
"""One call after another: 24 an hour."""
TALK_MS, HOLD_MS = 40_000, 20_000
SINCE = ("--history", "2026-05-01")
PLAIN = 'simulation: 1\nday: {from: "09:00", to: "11:00"}\ndays: 8\n'


@pytest.fixture
def folder(url: str, tmp_path: Path) -> Path:
    """A folder whose commands find a database as a first start leaves it."""
    return tmp_path


def simulate(folder: Path, text: str, *words: str) -> Result:
    (folder / "plan.yaml").write_text(text)
    result = CliRunner().invoke(app, ("simulate", "plan.yaml", *words))
    assert "Traceback" not in result.output
    return result


def day(calls: int, start: int, *, lost: bool, to: str = "sales") -> Book:
    """A day's calls to a queue, one at a time, each with a hold; at times a second one gives up."""
    queues, staff = [QueueConfig(to, 20_000, 5_000)], [AgentConfig("a", (to,))]
    stage = Stage("a", queues=queues, staff=staff, start=start)
    stage.up()
    for number in range(calls):
        stage.clock.pass_ms(start + number * EVERY_MS - stage.clock.now())
        name = str(uuid6.uuid7())
        stage.call(name, to)
        offer, _, call = stage.last_ring()
        stage.answers(offer, call)
        if lost and number % 4 == 3:
            other = str(uuid6.uuid7())
            stage.call(other, to)
            stage.clock.pass_ms(20_000)
            stage.hangs_up(other)
            stage.clock.pass_ms(TALK_MS - 20_000)
        else:
            stage.clock.pass_ms(TALK_MS)
        stage.ledger.held(name, offer, "a", to, stage.clock.now())
        stage.clock.pass_ms(HOLD_MS)
        stage.ledger.talking(name, offer, "a", stage.clock.now())
        stage.clock.pass_ms(TALK_MS)
        stage.hangs_up(name)
        stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(60_000)
    return stage.book


def recorded(url: str, books: list[Book]) -> None:
    """Write what the service's ledger wrote of these days to the database."""

    async def write() -> None:
        database = Database(url, size=2)
        await database.open()
        recorder = Recorder(database)
        recorder.start()
        for book in books:
            for interaction in book.interactions.values():
                recorder.interaction(interaction)
            for segment in book.segments.values():
                recorder.segment(segment)
            for entry in book.entries:
                recorder.journal(entry)
        await recorder.drain()
        await database.close()

    asyncio.run(write())


def settled(url: str) -> None:
    """The agent of those days is one of the floor."""

    async def add() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("INSERT INTO agents (id, name, address) VALUES ('a', 'A', 'a')")
        await connection.execute("INSERT INTO agent_queues VALUES ('a', 'sales', 1)")
        await connection.close()

    asyncio.run(add())


def learnt(url: str, zone: str = "UTC") -> tuple[Learnt, Experience]:
    async def read() -> tuple[Learnt, Experience]:
        database = Database(url, size=2)
        await database.open()
        experience = Experience()
        await recall(database, experience, MORNING + 2 * HOUR)
        found = await learn(database, 0, 2**53, zone)
        await database.close()
        return found, experience

    return asyncio.run(read())


def test_what_a_day_told_is_simulated(folder: Path, server: str) -> None:
    recorded(server, [day(48, MORNING + at * 24 * HOUR, lost=True) for at in (0, 1)])
    result = simulate(folder, PLAIN, *SINCE, "--json")
    assert result.exit_code == 0, result.output
    sales = json.loads(result.stdout)["queues"]["sales"]
    # 24 calls an hour and 6 more who gave up, for two hours.
    assert sales["offered"]["mean"] == pytest.approx(60, rel=0.2)
    # Whoever was there is not on the floor any more: all who are serve all day.
    assert sales["abandoned"]["mean"] < 0.2
    assert sales["asa_s"]["half"] > 0
    settled(server)
    alone = simulate(folder, PLAIN, *SINCE, "--json")
    busy = json.loads(alone.stdout)["queues"]["sales"]
    assert busy["abandoned"]["mean"] > sales["abandoned"]["mean"] + 0.2, "one agent, as it was"
    shown = simulate(folder, PLAIN, *SINCE)
    assert "8 days of plan.yaml" in shown.output


def test_a_contact_is_its_talks_and_the_holds_between(folder: Path, server: str) -> None:
    recorded(server, [day(24, MORNING, lost=True)])
    found, experience = learnt(server)
    sales = found.queues["sales"]
    assert [(one.begins, one.ends, one.per_hour) for one in sales.arrivals] == [
        (9 * HOUR, 10 * HOUR, 30)
    ]
    assert (sales.talk.mean_ms, sales.talk.spread) == (2 * TALK_MS + HOLD_MS, 0)
    # Six waited 20 s each and gave up, nobody else waited.
    assert sales.patience_ms == 20_000
    assert found.thin == {}
    # Logged in from the first call to the last entry of that day.
    assert found.there == {"a": ((9 * HOUR, 10 * HOUR),)}
    assert experience.handling["sales"].all.count == 24
    assert experience.mean("sales", 9) == pytest.approx(2 * TALK_MS + HOLD_MS + 5_000)
    elsewhere, _ = learnt(server, "Asia/Bangkok")
    assert [one.begins for one in elsewhere.queues["sales"].arrivals] == [16 * HOUR]


def test_the_hours_are_those_of_the_floor(
    folder: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(server, [day(24, MORNING, lost=False)])
    monkeypatch.setenv("SALA_TIMEZONE", "Asia/Bangkok")
    result = simulate(folder, PLAIN, *SINCE, "--json")
    assert json.loads(result.stdout)["queues"]["sales"]["offered"]["mean"] == 0
    afternoon = PLAIN.replace("09:00", "16:00").replace("11:00", "18:00")
    result = simulate(folder, afternoon, *SINCE, "--json")
    assert json.loads(result.stdout)["queues"]["sales"]["offered"]["mean"] > 10


def test_too_little_history_is_one_clear_message(folder: Path, server: str) -> None:
    result = simulate(folder, PLAIN, *SINCE)
    assert result.exit_code == 2
    assert result.output.split("plan.yaml:")[1].strip() == (
        "1:1: queues: history tells too little (no calls): go further back, or write the queues "
        "with their arrivals and talk"
    )
    recorded(server, [day(7, MORNING, lost=False)])
    result = simulate(folder, PLAIN, *SINCE)
    assert result.exit_code == 2
    assert "history tells too little (sales: 7 talks; 20 are needed)" in result.output
    result = simulate(folder, PLAIN + "queues:\n  sales: {patience: 1m}\n", *SINCE)
    assert result.exit_code == 2
    assert (
        "plan.yaml:5:3: queue sales: arrivals is missing, and history tells too little of sales: "
        "7 talks, 20 are needed"
    ) in result.output
    given = "queues: {sales: {arrivals: [{per_hour: 20}], talk: 1m}}\n"
    assert simulate(folder, PLAIN + given, *SINCE).exit_code == 0


def test_a_queue_that_is_no_more_is_left_out(folder: Path, server: str) -> None:
    books = [day(24, MORNING, lost=False), day(24, MORNING, lost=False, to="gone")]
    recorded(server, [*books, day(3, MORNING, lost=False, to="billing")])
    result = simulate(folder, PLAIN, *SINCE, "--json")
    assert list(json.loads(result.stdout)["queues"]) == ["sales"]
    assert "history tells too little of billing: 3 talks; 20 are needed" in result.stderr


def test_a_file_that_cannot_be_used_names_its_lines(folder: Path) -> None:
    text = PLAIN + "queues:\n  sales:\n    arrivals: [{per_hour: -5}]\n    talk: 0s\nlines: 0\n"
    result = simulate(folder, text)
    assert result.exit_code == 2
    told = [line for line in result.output.splitlines() if "plan.yaml:" in line]
    assert [line.split("plan.yaml:")[1].split(":")[0] for line in told] == ["6", "7", "8"]
    result = CliRunner().invoke(app, ("simulate", "nowhere.yaml"))
    assert result.exit_code == 2
    assert "nowhere.yaml: cannot be read: No such file or directory" in result.output
    unknown = PLAIN + "queues: {slaes: {arrivals: [{per_hour: 20}], talk: 1m}}\n"
    result = simulate(folder, unknown)
    assert result.exit_code == 2
    assert "the floor has no queue slaes" in result.output
