"""Each broken dialplan has one fault, at the line that says so; the shipped one has none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pbx.dialplan.applications import available
from pbx.dialplan.checks import check
from pbx.dialplan.read import read

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
MODULES = re.findall(
    r"^load = (\w+)\.so",
    (ROOT / "sip_configs" / "asterisk" / "modules.conf").read_text(encoding="utf-8"),
    re.MULTILINE,
)
HAS_ALL = available([*MODULES, "app_system", "app_exec", "app_chanspy"])
BROKEN = sorted((HERE / "broken").glob("*.conf"))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_seeded_fault_is_found_and_no_other(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    ((line, told),) = [
        (number, text.partition("; fault: ")[2])
        for number, text in enumerate(lines, 1)
        if "; fault: " in text
    ]
    (fault,) = check(path, HAS_ALL)
    assert (fault.line, fault.file) == (line, str(path))
    assert told in fault.message
    assert fault.warning is (path.stem == "spies")


def test_the_shipped_dialplan_has_no_fault() -> None:
    assert check(ROOT / "dialplans" / "asterisk" / "extensions.conf", available(MODULES)) == []


def test_the_labs_dialplan_has_no_fault_of_reading() -> None:
    assert read(ROOT / "lab" / "config" / "asterisk" / "extensions.conf").faults == []


def test_wrong_files_are_one_error_each(tmp_path: Path) -> None:
    path = tmp_path / "extensions.conf"
    (fault,) = check(path, HAS_ALL)
    assert "cannot be read" in fault.message
    path.write_bytes(b"\xff\xfe[\x00")
    (fault,) = check(path, HAS_ALL)
    assert "UTF-8" in fault.message
    path.write_bytes(b";" * 5_000_000)
    (fault,) = check(path, HAS_ALL)
    assert "larger" in fault.message
    path.write_text('[a]\n#include "extensions.conf"\n', encoding="utf-8")
    (fault,) = check(path, HAS_ALL)
    assert "deep" in fault.message


def test_includes_block_comments_and_jumps_are_followed(tmp_path: Path) -> None:
    (tmp_path / "extensions.conf").write_text(
        ";-- a comment\nexten => 1,1,Nonsense()\n--;\n[general]\nstatic=yes\n[globals]\nX=1\n"
        '[mine]\n#include "more.conf"\ninclude => theirs\n'
        "exten => 1,1,GotoIf($[${X} = 1]?yes:theirs,7,on)\n same => n(yes),Goto(2,1)\n"
        "exten => 2,1,Gosub(theirs,sub,1(a,b))\n same => n,Dial(PJSIP/1,20,F(theirs^8^on))\n",
        encoding="utf-8",
    )
    (tmp_path / "more.conf").write_text(
        "[theirs]\nexten => _X,1,Hangup()\n same => n(on),Answer()\n same => n,Hangup()\n"
        "exten => sub,1,Return()\n[mine]\n",
        encoding="utf-8",
    )
    assert check(tmp_path / "extensions.conf", available(MODULES)) == []


@pytest.mark.parametrize(("size", "faults"), [(10, 0), (99, 0), (200, 1), (100_000, 1)])
def test_deep_nesting_is_bounded(tmp_path: Path, size: int, faults: int) -> None:
    path = tmp_path / "extensions.conf"
    path.write_text(f"[a]\nexten => 1,1,Set(a={'${' * size}{'}' * size})\n", encoding="utf-8")
    assert [fault.line for fault in check(path, HAS_ALL)] == [2] * faults
