"""`sala dialplan check` against the real PBX."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house import House

from lab.errors import StackError
from pbx.dialplan.applications import available

ROOT = Path(__file__).resolve().parent.parent.parent


async def test_the_applications_there_are_told_rightly(house: House) -> None:
    shown = await house.stack.console("core show applications")
    there = set(re.findall(r"^\s*([A-Za-z_]+): ", shown, re.MULTILINE))
    modules = await house.stack.console("module show")
    running = set(re.findall(r"^(\w+)\.so", modules, re.MULTILINE))
    told = available(running)
    assert (sorted(told - there), sorted(there - told)) == ([], [])


async def test_the_shipped_dialplan_is_right_also_for_the_pbx(house: House) -> None:
    assert "no faults" in await house.stack.run("dialplan", "check")


async def test_a_broken_file_is_told_by_line(house: House, tmp_path: Path) -> None:
    path = tmp_path / "mine.conf"
    path.write_text("[mine]\nexten => _X.,1,Dial(PJSIP/${EXTEN})\n", encoding="utf-8")
    with pytest.raises(StackError, match=r"status 2\n.*mine\.conf:2: .*EXTEN"):
        await house.stack.run("dialplan", "check", str(path))
