"""An admin's copy of the dialplan has what the service needs, or it is told what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbx.dialplan.contract import departures

SHIPPED = Path(__file__).resolve().parents[3] / "dialplans" / "asterisk" / "extensions.conf"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "extensions.conf"
    path.write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def edit(path: Path, old: str, new: str) -> int:
    """Write `new` for the one `old`; gives the line on which that begins."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_a_copy_with_contexts_and_extensions_of_its_own_is_well(copy: Path) -> None:
    edit(copy, "[from-trunk]", "[mine]\nexten => 1,1,Hangup()\n[from-trunk]\nexten => 7,1,Hangup()")
    edit(copy, "[sala-next]", "[sala-next]\nexten => mine,1,Hangup()")
    assert departures(copy, SHIPPED) == []
    assert departures(SHIPPED, SHIPPED) == []


def test_a_context_that_is_gone_is_an_error(copy: Path) -> None:
    edit(copy, "[sala-pulled]", "[pulled]")
    (fault,) = departures(copy, SHIPPED)
    assert (fault.file, fault.warning) == (str(copy), False)
    assert fault.message == "there is no context sala-pulled, which the service needs"


def test_an_extension_that_is_gone_is_an_error_in_its_context(copy: Path) -> None:
    edit(copy, "exten => reserved,1,", "exten => reserve,1,")
    (fault,) = departures(copy, SHIPPED)
    assert fault.message == "sala-agent has no extension reserved, which the service needs"
    edit(copy, "exten => held,1,", "exten => hold,1,")
    (fault,) = departures(copy, SHIPPED)
    assert "no extension held and 1 more" in fault.message


def test_an_include_that_is_gone_is_an_error(copy: Path) -> None:
    edit(
        copy,
        "sala-after,s,1)\ninclude => sala-pulled\n\n[sala-held]",
        "sala-after,s,1)\n[sala-held]",
    )
    (fault,) = departures(copy, SHIPPED)
    assert (fault.warning, fault.message) == (
        False,
        "sala-hold has to say `include => sala-pulled`",
    )


@pytest.mark.parametrize("pattern", ["h", "_[a-z]", "_."])
def test_an_end_of_a_call_that_goes_elsewhere_is_an_error(copy: Path, pattern: str) -> None:
    line = edit(copy, "[sala-wait]\n", f"[sala-wait]\nexten => {pattern},1,NoOp(mine)\n") + 1
    (fault,) = departures(copy, SHIPPED)
    assert (fault.line, fault.warning) == (line, False)
    assert fault.message.startswith(f"`{pattern}` takes the place of the h that sala-wait includes")


def test_a_step_that_differs_is_a_warning_at_its_line(copy: Path) -> None:
    line = edit(copy, "MusicOnHold(,5)", "MusicOnHold(mine,5)")
    (fault,) = departures(copy, SHIPPED)
    assert (fault.file, fault.line, fault.warning) == (str(copy), line, True)
    assert f"sala-hold, s is not as in line {line} of the shipped extensions.conf" in fault.message


def test_a_step_more_or_less_is_a_warning(copy: Path) -> None:
    edit(copy, "${SALA_HOLDER})}?on)\n same => n,Goto(", "${SALA_HOLDER})}?on)\n same => n,GoSub(")
    edit(copy, "same => n(person),Return()", "same => n(person),Return()\n same => n,NoOp()")
    assert [fault.warning for fault in departures(copy, SHIPPED)] == [True, True]


@pytest.mark.parametrize("text", ["[sala-", "", None])
def test_what_cannot_be_read_is_left_to_the_other_checks(copy: Path, text: str | None) -> None:
    if text is None:
        copy.unlink()
    else:
        copy.write_text(text, encoding="utf-8")
    assert departures(copy, SHIPPED) == []
