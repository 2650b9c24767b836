"""`sala callback …` on a real database: what it prints, refuses, and leaves as it was."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uuid6
from typer.testing import CliRunner, Result

from crm import attempts, callbacks, customers, deliveries, journal
from crm.database import Database
from crm.records import Identity
from sala.cli import app
from sala.settings import Settings
from sala.view import floor_tables

NUMBER = "+14155550123"
NOW = 1_800_000_000_000


def sala(*words: str, status: int = 0) -> str:
    result: Result = CliRunner().invoke(app, ("callback", *words))
    assert "Traceback" not in result.output
    assert result.exit_code == status, result.output
    return result.output


def done(url: str, work: Callable[[Database], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        database = Database(url, size=2)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def promised(url: str, queue: str = "sales", number: str = NUMBER) -> str:
    call = str(uuid6.uuid7())
    wish = callbacks.Wish(number, queue, NOW, call)
    return str(done(url, lambda d: callbacks.ask(d, wish))[1])


def kept(url: str, one: str) -> Any:
    return done(url, lambda d: callbacks.get(d, one))


def test_list_and_show(url: str) -> None:
    assert "no open callbacks" in sala("list")
    one = promised(url)
    done(url, lambda d: attempts.claim(d, one, "w", 60_000))
    table = sala("list")
    assert one[-12:] in table
    assert "dialling" in table
    assert NUMBER not in table  # whole numbers stand in `show` and --json alone
    shown = sala("show", one[-6:])
    assert NUMBER in shown
    assert "1. " in shown
    assert "live" in shown
    assert json.loads(sala("show", one, "--json"))["tries"][0]["holder"] == "w"
    assert json.loads(sala("list", "--json"))[0]["id"] == one
    assert "no open callbacks" in sala("list", "--queue", "support")
    assert "There is no callback" in sala("show", "nothing", status=2)


def test_cancel(url: str) -> None:
    one = promised(url)
    assert "cancelled" in sala("cancel", one)
    assert "has ended: cancelled" in sala("cancel", one, status=2)
    assert "no open callbacks" in sala("list")
    assert "(admin)" in sala("list", "--all")
    (row,) = json.loads(sala("report", "--to", "2100-01-01", "--json"))
    assert (row["accepted"], row["cancelled"]) == (1, 1)


def test_reschedule(url: str) -> None:
    one = promised(url)
    sala("policy", "sales", "calling={mon-sun: 09:00-20:00}")
    assert "due 2030-05-06" in sala("reschedule", one, "2030-05-06T11:00-07:00")
    before = kept(url, one)
    told = sala("reschedule", one, "2030-05-06T03:00-07:00", status=2)
    assert "customers are not called then; the next hour is 2030-05-06" in told
    assert kept(url, one) == before
    sala("reschedule", one, "2030-05-06T03:00-07:00", "--force")
    assert kept(url, one).due_ms != before.due_ms
    assert "is no moment" in sala("reschedule", one, "soon", status=2)


def test_reassign(url: str) -> None:
    one = promised(url)
    assert "say where to" in sala("reassign", one, status=2)
    assert "did you mean 'support'" in sala("reassign", one, "--queue", "suport", status=2)
    assert "there is no agent 9" in sala("reassign", one, "--agent", "9", status=2)
    sala("reassign", one, "--queue", "support", "--agent", "1001")
    assert (kept(url, one).queue, kept(url, one).owner) == ("support", "1001")
    other = promised(url)
    assert "another open callback" in sala("reassign", other, "--queue", "support", status=2)
    sala("reassign", one, "--agent", "")
    assert kept(url, one).owner is None


def test_policy(url: str) -> None:
    assert "all as by default" in sala("policy", "sales")
    assert "+ attempts 5" in sala("policy", "sales", "attempts=5", "retry={busy: [1m, 5m]}")
    told = sala("policy", "sales", "attempts=0", "ring=1s", status=2)
    assert "queue sales, callback, ring: a time from 5s to 2m is needed" in told
    assert "attempts: a number from 1 to 20" in told
    assert "did you mean 'attempts'" in sala("policy", "sales", "atempts=3", status=2)
    assert "busy" in sala("policy", "sales")
    sala("policy", "sales", "attempts=", "retry=")
    assert "all as by default" in sala("policy", "sales")
    assert "there is no queue salse" in sala("policy", "salse", status=2)


def test_forbid_and_allow(url: str) -> None:
    one = promised(url)
    assert "cancelled: 1" in sala("forbid", "+1 415 555 0123")
    assert kept(url, one).reason == "do_not_call"
    sala("allow", NUMBER)
    assert "is not on the do-not-call list" in sala("allow", NUMBER, status=2)
    assert "no telephone number" in sala("forbid", "12", status=2)


def test_status_counts_callbacks(url: str) -> None:
    from rich.console import Console

    from sala.callbacks import counting

    promised(url)

    async def counts(settings: Settings) -> list[dict[str, Any]]:
        async with counting(settings) as count:
            return await count(NOW + 1)

    found = asyncio.run(counts(Settings(database_url=url)))
    assert found == [{"queue": "sales", "waiting": 1, "scheduled": 0, "dialling": 0}]
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(floor_tables({"switch": "up", "callbacks": found}))
    assert "scheduled" in console.export_text()
    away = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    assert asyncio.run(counts(away)) == []


def test_add_passes_the_gate_and_finds_what_is_open(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = sala("add", NUMBER, "--queue", "sales", status=2)
    assert "no rule of the setting dial_allowed allows it" in told
    monkeypatch.setenv("SALA_DIAL_ALLOWED", "US")
    for number, why in (("+19005550123", "premium"), ("12", "no such number")):
        assert why in sala("add", number, "--queue", "sales", status=2)
    assert "there is no queue nowhere" in sala("add", NUMBER, "--queue", "nowhere", status=2)
    assert "there is no agent 9" in sala(
        "add", NUMBER, "--queue", "sales", "--agent", "9", status=2
    )
    assert "no open callbacks" in sala("list")
    sala("policy", "sales", "calling={mon-sun: 09:00-20:00}", "book_ahead=2160h", "slot_takes=1")
    one = sala("add", "(415) 555-0123", "--queue", "sales", "--agent", "1001").split()[-1]
    assert (kept(url, one).owner, kept(url, one).source) == ("1001", "api")
    assert one in sala("add", NUMBER, "--queue", "sales")
    sala("number", one, "+14155550199")
    assert kept(url, one).number == "+14155550199"
    assert "not dialled" in sala("number", one, "911", status=2)
    sala("cancel", one)
    assert "has ended" in sala("number", one, NUMBER, status=2)


def test_add_at_a_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALA_DIAL_ALLOWED", "US")
    sala("policy", "sales", "calling={mon-sun: 09:00-20:00}", "book_ahead=48h", "slot_takes=1")
    day = (datetime.now(UTC) + timedelta(hours=24)).astimezone(ZoneInfo("America/Los_Angeles"))
    noon = day.replace(hour=12, minute=0, second=0, microsecond=0)
    wish = ("--queue", "sales", "--at")
    one = sala("add", NUMBER, *wish, noon.isoformat()).split()[-1]
    found = kept(url, one)
    assert (found.source, found.due_ms) == ("slot", round(noon.timestamp() * 1000))
    assert found.told_ms == found.due_ms + 30 * 60_000
    told = sala("add", "+14155550124", *wish, noon.isoformat(), status=2)
    assert "no more callbacks fit into that time" in told
    night = noon.replace(hour=3).isoformat()
    assert "not called at that hour" in sala("add", "+14155550124", *wish, night, status=2)
    late = (noon + timedelta(days=9)).isoformat()
    assert "further ahead" in sala("add", "+14155550124", *wish, late, status=2)


def test_report_adds_up(url: str) -> None:
    assert "no callback was offered" in sala("report")
    ends = ("connected", "failed", "expired", "cancelled", "merged")
    for index, end in enumerate(ends):
        one = promised(url, number=f"+141555501{index:02}")
        live = done(url, lambda d, one=one: attempts.claim(d, one, "w", 60_000))
        if end in ("connected", "failed"):
            result = attempts.Result("busy", True, end, None, NOW + 90_000)
            done(url, lambda d, live=live, result=result: attempts.finish(d, live, result))
        else:
            done(url, lambda d, one=one, end=end: callbacks.end(d, one, end, "x", NOW + 1))
    promised(url)
    done(url, lambda d: callbacks.declined(d, str(uuid6.uuid7()), "sales", NOW))
    (row,) = json.loads(sala("report", "--to", "2100-01-01", "--json"))
    assert row["offered"] == row["accepted"] + row["declined"] == 7
    assert row["accepted"] == row["waiting"] + sum(row[end] for end in ends) == 6
    assert (row["attempted"], row["mean_ms"], row["median_ms"]) == (5, 90_000, 90_000)
    table = sala("report", "--to", "2100-01-01")
    assert "offered" in table
    assert "1:30" in table
    assert "no callback was offered" in sala("report", "--to", "2001-01-01")


def test_a_customer_is_shown_with_what_they_wait_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(url, lambda d: customers.find_or_make(d, Identity("phone", NUMBER)))
    one = promised(url)
    result = CliRunner().invoke(app, ("customer", "show", NUMBER))
    assert result.exit_code == 0, result.output
    assert one in result.output
    result = CliRunner().invoke(app, ("customer", "show", NUMBER, "--json"))
    assert [row["id"] for row in json.loads(result.output)["callbacks"]] == [one]
    result = CliRunner().invoke(app, ("customer", "show", "+14155550177"))
    assert result.exit_code == 2


def test_promises_and_ends_are_told_to_others_with_the_number_and_kept_without(url: str) -> None:
    one = promised(url)
    done(url, lambda d: callbacks.end(d, one, "expired", "expired", NOW))

    async def kept_rows(database: Database) -> Any:
        async with database.connection() as connection:
            return await connection.fetch("SELECT body FROM journal ORDER BY id")

    first, last = done(url, lambda d: deliveries.due(d, 0, 2**50, 10))
    assert [one.body["event"] for one in (first, last)] == [
        "callback.promised", "callback.expired",
    ]  # fmt: skip
    assert last.body["data"]["number"] == NUMBER
    assert (last.body["data"]["callback"], last.body["data"]["reason"]) == (one, "expired")
    assert not any(NUMBER in row["body"] for row in done(url, kept_rows))
    # A replay of the router takes them for none of its runs.
    assert done(url, lambda d: journal.runs(d, 0, 2**50)) == []
