"""A number that a policy lets customers be shown is one that the PBX can be asked to show."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, strategies as st

from acd.callbacks.policy import read
from acd.policy.faults import Faults
from pbx.asterisk.link import AmiLink
from pbx.asterisk.outgoing import Outgoing
from pbx.errors import LocalProtocolError
from pbx.port import CallEnded, Cause, SwitchEvent

CALL, CUSTOMER = "callback-one-1", "+14155550123"
NUMBERS = st.from_regex(r"\+?[0-9]{1,18}", fullmatch=True)
MARKS = st.sampled_from('+0123456789٣²५ -()"<>\r\n\x00')
TEXTS = st.text(MARKS | st.characters(), max_size=18)


def refused(caller_id: object) -> list[str]:
    """What an admin is told of a policy's caller id."""
    faults = Faults()
    read({"caller_id": caller_id}, faults)
    return [str(one) for one in faults.found]


async def _dialled(shown: str) -> bool:
    """Whether the adapter takes the order to call; a link that is down keeps it from the PBX."""
    told: asyncio.Queue[SwitchEvent] = asyncio.Queue()

    async def never() -> None:
        raise AssertionError

    link = AmiLink(
        "127.0.0.1", 0, "", "", events=frozenset(), on_event=print, on_up=never, on_down=print
    )
    try:
        Outgoing(link, told.put_nowait).dial(CALL, CUSTOMER, 1000, shown, {}, False)
    except LocalProtocolError:
        return False
    assert await told.get() == CallEnded(CALL, Cause.FAILED, by_caller=False)
    return True


@given(NUMBERS | TEXTS)
@example("1234567890123456")
@example("+")
@example("+1234567890123456")
@example("123456789012345\n")
def test_policy_and_pbx_take_the_same_numbers(text: str) -> None:
    taken = not refused(text)
    assert asyncio.run(_dialled(text)) is taken


@pytest.mark.parametrize("number", ["+123456789012345", "123456789012345", "0", 6621234567])
def test_what_can_be_shown(number: object) -> None:
    assert not refused(number)


@pytest.mark.parametrize("number", ["1234567890123456", "+1234567890123456", "sip:me", "+"])
def test_a_number_that_cannot_be_shown_is_told_where_it_is_set(number: str) -> None:
    assert refused(number) == [
        f"caller_id: {number!r} is no number of up to 15 digits, such as +6621234567"
    ]
