"""`sala voicemail`, `recordings`, `customer pin`, `dialplan`; and what checks know of the floor."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crm import embedded, floor
from crm.database import Database
from crm.records import Agent, CalendarSource, Queue
from ivr.flow.check import check
from ivr.flow.load import parse
from ivr.flow.problems import Severity
from sala import flows
from sala.cli import app
from sala.settings import PROJECT, Settings

Sala = Callable[..., Result]
FLOW = """\
sala: 1
title: Many faults
start: hours
nodes:
  hours: {type: hours, calendar: dya, open: one, closed: one, failed: end}
  one: {type: queue, queue: sales, criteria: [{skills: {thai: 4}}], failed: two}
  two: {type: queue, queue: sales, criteria: [{skills: {thia: 1}}], failed: box}
  box: {type: voicemail, mailbox: ofice, next: send, empty: send, failed: send}
  send: {type: transfer, number: "'+19005550123'", failed: end}
  end: {type: hangup}
"""


@pytest.fixture
def sala(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sala]:
    for name in list(os.environ):
        if name.startswith("SALA_") and name != "SALA_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(app, words, input=typed)
        assert "Traceback" not in result.output
        return result

    yield run
    embedded.stop(tmp_path / ".sala")


async def test_checks_know_what_the_database_holds(database: Database, tmp_path: Path) -> None:
    day = CalendarSource("day", {"timezone": "UTC", "week": {"mon-fri": "09:00-17:00"}})
    agent = Agent("1001", "Anna", "1001", queues=("sales",), skills=(("thai", 2),))
    await floor.change(
        database,
        lambda was: replace(
            was,
            skills=("thai",),
            calendars=(day,),
            queues=(Queue("sales", calendar="day"),),
            agents=(agent,),
        ),
    )
    known = await flows.known(Settings(state=tmp_path), database)
    flow = parse(FLOW.encode(), alias="faulty", file="faulty.yaml")
    found = {(one.severity, one.line): one.message for one in check(flow, known)}
    assert "did you mean `day`" in found[Severity.ERROR, 5]
    assert "no agent on the roster" in found[Severity.ERROR, 6]
    assert "did you mean `thai`" in found[Severity.ERROR, 7]
    assert "did you mean `office`" in found[Severity.ERROR, 8]
    assert "premium" in found[Severity.ERROR, 9]
    assert "hours when it is closed" in found[Severity.WARNING, 6]
    assert len(found) == 7


def test_mailboxes_and_recordings(sala: Sala, tmp_path: Path) -> None:
    assert "office" in sala("voicemail", "boxes").stdout
    assert sala("voicemail", "add", "orders", "--title", "Orders").exit_code == 0
    assert "Orders" in sala("voicemail", "boxes", "--json").stdout
    assert "no messages" in sala("voicemail", "list").stdout
    assert sala("voicemail", "remove", "orders").exit_code == 0
    for words, told in (
        (("voicemail", "add", "no good"), "no name for a mailbox"),
        (("voicemail", "remove", "orders"), "no mailbox orders"),
        (("voicemail", "list", "attic"), "there is office"),
        (("voicemail", "show", "0192"), "no message whose id begins with 0192"),
    ):
        result = sala(*words)
        assert (result.exit_code, told in result.stderr) == (2, True), result.output
    recordings = tmp_path / ".sala" / "recordings"
    recordings.mkdir(parents=True, exist_ok=True)
    old = recordings / "01a201b5-aeb1-7ff1-abf8-9ffd7c024ad8-1795325013681-1.wav"
    for path in (old, recordings / "mine.wav"):
        path.write_bytes(b"RIFF")
        os.utime(path, (time.time() - 40 * 86_400,) * 2)
    assert old.name in sala("recordings", "list").stdout
    assert "1 recordings are removed" in sala("recordings", "prune").stdout
    assert [path.name for path in recordings.iterdir()] == ["mine.wav"]


def test_a_pin_is_read_from_a_pipe(sala: Sala) -> None:
    assert "the PIN is set" in sala("customer", "pin", "account-7", typed="4711\n").stdout
    assert "the PIN is gone" in sala("customer", "pin", "account-7", "--clear").stdout
    assert "there was no PIN" in sala("customer", "pin", "account-7", "--clear").stdout
    assert "forgotten" in sala("customer", "pin", "account-7", "--unlock").stdout
    wrong = sala("customer", "pin", "account-7", typed="12\n")
    assert (wrong.exit_code, "3 to 12 digits" in wrong.stderr) == (2, True)
    unknown = sala("customer", "pin", "+14155550123", typed="4711\n")
    assert (unknown.exit_code, "no customer has this number" in unknown.stderr) == (2, True)


def test_dialplans_are_checked_by_line(sala: Sala, tmp_path: Path) -> None:
    path = tmp_path / "mine.conf"
    path.write_text("[mine]\nexten => _X.,1,Dial(PJSIP/${EXTEN})\n", encoding="utf-8")
    result = sala("dialplan", "check", str(path))
    assert result.exit_code == 2
    assert f"{path}:2: ${{EXTEN}} is a caller's own" in result.stdout
    assert sala("dialplan", "check", "--static").stdout.strip() == "no faults"
    assert sala("dialplan", "check", "gone.conf").exit_code == 2


def test_a_copied_dialplan_is_held_against_the_shipped_one(sala: Sala, tmp_path: Path) -> None:
    (tmp_path / "sala.toml").write_text('dialplans = "mine"\n', encoding="utf-8")
    path = tmp_path / "mine" / "asterisk" / "extensions.conf"
    shutil.copytree(PROJECT / "dialplans", tmp_path / "mine")
    assert sala("dialplan", "check", "--static").stdout.strip() == "no faults"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("MusicOnHold(,5)", "MusicOnHold(mine,5)"), encoding="utf-8")
    differs = sala("dialplan", "check", "--static")
    assert (differs.exit_code, "warning: sala-hold, s is not as in" in differs.stdout) == (0, True)
    path.write_text(text.replace("[sala-consult]", "[consult]"), encoding="utf-8")
    lacks = sala("dialplan", "check", "--static")
    assert (lacks.exit_code, "no context sala-consult" in lacks.stdout) == (2, True)
    assert "no context sala-consult" in sala("setup").stdout
