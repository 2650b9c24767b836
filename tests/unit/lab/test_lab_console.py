"""What the PBX's console tells of its channels, and that none that it counts is overlooked."""

from __future__ import annotations

import pytest

from lab.console import UNLISTED, channels_in
from lab.errors import StackError

LINE = "Surrogate/PJSIP/caller-00000068!sala-wait!s!1!Down!(None)!!!!!3!15!!1795372982.907\n"


@pytest.mark.parametrize(
    ("listing", "counts", "channels"),
    [
        ("", "0 active channels\n0 active calls\n8 calls processed\n", []),
        (LINE, "1 active channel\n0 active calls\n8 calls processed\n", [LINE.split("!")[0]]),
        ("\n", "2 active channels\n0 active calls\n", [UNLISTED] * 2),
        (LINE, "3 active channels\n1 active call\n", [LINE.split("!")[0], *[UNLISTED] * 2]),
        (LINE, "0 active channels\n0 active calls\n", [LINE.split("!")[0]]),
    ],
    ids=["none", "listed", "counted", "both", "just gone"],
)
def test_a_channel_that_is_listed_or_counted_is_there(
    listing: str, counts: str, channels: list[str]
) -> None:
    assert channels_in(listing, counts) == channels


def test_an_answer_without_a_count_is_told() -> None:
    with pytest.raises(StackError, match="does not count"):
        channels_in("", "No such command 'core show channels count'\n")
