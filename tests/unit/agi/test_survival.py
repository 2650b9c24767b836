"""The survival script as Asterisk runs it: a process of its own, AGI on its pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "agi_scripts" / "survival.py"
WITHIN_S = 20


class Session:
    """Asterisk's side of one run."""

    def __init__(
        self,
        spool: Path,
        *,
        callerid: bytes = b"+12025550143",
        name: bytes = b"",
        presentation: str = "allowed",
    ) -> None:
        arguments = [str(spool), "/m/en", "600", presentation, "interaction=i1&queue=sales"]
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        environment = b"agi_callerid: " + callerid + b"\nagi_calleridname: " + name + b"\n\n"
        self.send(environment)

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def command(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def plays(self, prompt: str) -> None:
        assert self.command().startswith(f"STREAM FILE /m/en/{prompt} ")
        self.send(b"200 result=0 endpos=1\n")

    def asks(self, prompt: str, keyed: str) -> None:
        assert self.command().startswith(f"GET DATA /m/en/{prompt} ")
        answer = keyed or " (timeout)"
        self.send(f"200 result={answer}\n".encode())

    def ends(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WITHIN_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WITHIN_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def sessions() -> Iterator[list[Session]]:
    opened: list[Session] = []
    yield opened
    for session in opened:
        session.close()


def requests(spool: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(spool.glob("*"))]


def test_own_number_by_just_pressing_hash(spool: Path, sessions: list[Session]) -> None:
    session = Session(spool)
    sessions.append(session)
    session.plays("survival-sorry")
    session.asks("survival-enter-number", "")
    assert session.command().startswith("STREAM FILE /m/en/survival-thank-you")
    # The request is on disk before the caller hears thank you.
    (request,) = requests(spool)
    assert (request["number"], request["typed"], request["dialled"]) == (
        "+12025550143",
        False,
        "600",
    )
    assert request["carry"] == "interaction=i1&queue=sales"
    session.send(b"200 result=0\n")
    session.plays("survival-goodbye")
    assert session.ends() == 0
    (file,) = spool.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_another_number(spool: Path, sessions: list[Session]) -> None:
    session = Session(spool)
    sessions.append(session)
    session.plays("survival-sorry")
    session.asks("survival-enter-number", "2025550177")
    session.plays("survival-thank-you")
    session.plays("survival-goodbye")
    assert session.ends() == 0
    assert [(r["number"], r["typed"]) for r in requests(spool)] == [("2025550177", True)]


@pytest.mark.parametrize(
    ("callerid", "presentation"),
    [(b"+12025550143", "prohib_not_screened"), (b"anonymous", "allowed"), (b"", "unavailable")],
)
def test_a_withheld_number_must_be_typed(
    spool: Path, sessions: list[Session], callerid: bytes, presentation: str
) -> None:
    session = Session(spool, callerid=callerid, presentation=presentation)
    sessions.append(session)
    session.plays("survival-sorry")
    for keyed in ("", "12", "**4"):
        session.asks("survival-enter-number-only", keyed)
        session.plays("survival-not-a-number")
    session.plays("survival-try-later")
    session.plays("survival-goodbye")
    assert session.ends() == 0
    assert requests(spool) == []


def test_a_hostile_name_changes_nothing(spool: Path, sessions: list[Session]) -> None:
    session = Session(spool, name=b"\xff\xfe$(id) `id` ${SHELL(id)}")
    sessions.append(session)
    session.plays("survival-sorry")
    session.asks("survival-enter-number", "")
    session.plays("survival-thank-you")
    session.plays("survival-goodbye")
    assert session.ends() == 0
    assert len(requests(spool)) == 1


def test_no_thanks_for_what_could_not_be_kept(tmp_path: Path, sessions: list[Session]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    session = Session(blocked / "spool")
    sessions.append(session)
    session.plays("survival-sorry")
    session.asks("survival-enter-number", "")
    session.plays("survival-try-later")
    assert session.ends() == 1


@pytest.mark.parametrize("how", ["pipe", "sighup", "result"])
def test_a_caller_who_hangs_up_leaves_nothing(
    spool: Path, sessions: list[Session], how: str
) -> None:
    session = Session(spool)
    sessions.append(session)
    session.plays("survival-sorry")
    assert session.command().startswith("GET DATA")
    if how == "sighup":
        session.process.send_signal(signal.SIGHUP)
        session.send(b"200 result=-1\n")
    elif how == "result":
        session.send(b"200 result=-1\n")
    assert session.ends() == 0
    assert requests(spool) == []
    assert session.process.stderr is not None
    assert session.process.stderr.read() == b"", "a number in Asterisk's log, or a traceback"
