"""What people see of who waits."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from sala import checks, view


def status(**more: Any) -> dict[str, Any]:
    waiting = {
        "interaction": "01a201c2-4ec3-748c-beac-1a5861d8c413",
        "waited_ms": 65_000,
        "state": "waiting",
        "needs": "queue sales and skill tax >= 3",
        "step": 1,
        "steps": [{"criteria": "any", "status": "active"}, {"criteria": "any", "status": "x"}],
    }
    return {
        "switch": "up",
        "pid": 7,
        "queues": [
            {"queue": "sales", "closed": None, "waiting": [waiting, {**waiting, "step": 3}]},
            {"queue": "support", "closed": "holiday", "waiting": []},
        ],
        "agents": [],
        "calls": [],
        "stranded": [
            {"interaction": "1", "queue": "sales", "reason": "no_skill"},
            {"interaction": "2", "queue": "sales", "reason": "no_skill"},
            {"interaction": "3", "queue": "support", "reason": "logged_out"},
        ],
        **more,
    }


def shown(content: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(view.floor_tables(content))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_floor_shows_steps_needs_closed_queues_and_who_is_stranded() -> None:
    text = shown(status())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "sales 1a5861d8c413 1:05 1 of 2 queue sales and skill tax >= 3" in lines
    assert "sales 1a5861d8c413 1:05 all over queue sales and skill tax >= 3" in lines
    assert any(line.startswith("support 0 holiday") for line in lines)
    assert "queue sales: 2 calls wait, and no agent of it has what they need" in lines
    assert "queue support: 1 call waits, and the agents who could help are logged out" in lines


def test_an_empty_floor_says_so() -> None:
    assert "nobody waits" in shown(status(queues=[], stranded=[]))


def test_doctor_warns_of_who_is_stranded_and_says_what_to_do() -> None:
    found = [one for one in checks.service(checks.Live(status())) if one.part == "floor"]
    assert [one.verdict for one in found] == ["warn", "warn"]
    assert found[1].advice == "run: sala agent login AGENT"
