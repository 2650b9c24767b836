"""Which channels the PBX keeps of calls that were pulled away, and which are left of a call."""

from __future__ import annotations

import pytest

from lab.console import _is_surrogate


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Surrogate/PJSIP/caller-00000068!sala-wait!s!1!Down!(None)!!+1", True),
        ("Surrogate/PJSIP/caller-00000068!sala-wait!s!1!Down!!!+1", True),
        ("Surrogate/PJSIP/caller-00000068!sala-wait!s!4!Down!AGI!agi://x!+1", False),
        ("Surrogate/PJSIP/caller-00000068!sala-wait!s!1!Up!(None)!!+1", False),
        ("PJSIP/caller-00000068!sala-wait!s!1!Down!(None)!!+1", False),
        ("Surrogate/PJSIP/caller-00000068", False),
    ],
)
def test_one_that_is_down_and_idle_is_kept_by_the_pbx_alone(line: str, kept: bool) -> None:
    assert _is_surrogate(line.split("!")) is kept
