"""Keys told and keys taken, in whatever order the two come."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, strategies as st

from pbx.asterisk import keys as keys_module
from pbx.asterisk.keys import Keys


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "SETTLED_S", 0.0)
    monkeypatch.setattr(keys_module, "APART_S", 0.0)


def press(keys: Keys, typed: str) -> None:
    """Each key begins and ends."""
    for key in typed:
        keys.begun(key)
        keys.ended(key)


async def test_a_key_taken_is_not_typed_ahead_whichever_is_told_first() -> None:
    keys = Keys()
    press(keys, "1")
    assert keys.taken(["1"]) == "1"
    assert keys.taken(["2"]) == "2"
    press(keys, "2")
    keys.begun("3")
    assert keys.taken(["3"]) == "3"
    keys.ended("3")
    assert not keys.typed_ahead


async def test_an_end_that_is_told_twice_is_one_key() -> None:
    keys = Keys()
    press(keys, "44")
    keys.ended("4")
    assert await keys.ahead() == "44"


async def test_keys_lost_before_and_between_are_put_in_their_place() -> None:
    keys = Keys()
    press(keys, "71239")
    assert keys.taken(["1", "3"]) == "7123"
    assert await keys.ahead() == "9"
    assert not keys.typed_ahead


async def test_a_terminator_that_is_not_known_is_whichever_was_told() -> None:
    keys = Keys()
    press(keys, "4#")
    assert keys.taken(["4", "*#"]) == "4#"
    assert keys.taken(["5", "*#"]) == "5*"
    press(keys, "5#")
    assert not keys.typed_ahead


async def test_what_no_telephone_has_is_no_key() -> None:
    keys = Keys()
    for key in ("A", "D", "", "12"):
        keys.begun(key)
        keys.ended(key)
    assert not keys.typed_ahead


async def test_what_is_put_back_comes_first() -> None:
    keys = Keys()
    press(keys, "3")
    keys.put_back("12")
    assert await keys.ahead() == "123"


async def test_a_late_key_is_pressed_once_and_its_echo_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys_module, "LATE_S", 0.01)
    pressed: asyncio.Queue[str] = asyncio.Queue()
    keys = Keys(pressed.put_nowait)
    keys.asking(1)
    press(keys, "8")
    assert await asyncio.wait_for(pressed.get(), 2) == "8"
    keys.ended("8")
    assert keys.taken(["8"]) == "8"
    assert not keys.typed_ahead


async def test_a_key_that_the_command_takes_in_time_is_not_pressed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys_module, "LATE_S", 0.01)
    pressed: asyncio.Queue[str] = asyncio.Queue()
    keys = Keys(pressed.put_nowait)
    keys.asking(1)
    press(keys, "8")
    assert keys.taken(["8"]) == "8"
    keys.asking(4)
    press(keys, "9")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pressed.get(), 0.05)


async def test_a_key_whose_command_was_read_late_is_not_pressed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The service stood still for longer than a key may be late, and then reads what came."""
    monkeypatch.setattr(keys_module, "LATE_S", 0.01)
    pressed: list[str] = []
    keys = Keys(pressed.append)
    keys.asking(1)
    press(keys, "8")
    loop, taken = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        """As a stream does: who waits for the answer goes on in a turn of its own."""
        loop.call_soon(lambda: (keys.taken(["8"]), taken.set()))

    loop.call_soon(read)
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        pass
    await taken.wait()
    assert pressed == []
    assert not keys.typed_ahead


@given(st.lists(st.tuples(st.sampled_from("0123*#"), st.booleans(), st.booleans()), max_size=12))
def test_every_key_is_given_once_and_in_order(typed: list[tuple[str, bool, bool]]) -> None:
    """Each key typed is lost by the commands or not, and told before its command's end or not."""

    async def run() -> None:
        keys = Keys()
        got, untold = "", ""
        for key, lost, late in typed:
            if lost or not late:
                press(keys, untold + key)
                untold = ""
            else:
                untold += key
            if not lost:
                got += keys.taken([key])
        press(keys, untold)
        got += await keys.ahead()
        assert sorted(got) == sorted(key for key, _, _ in typed)
        if not any(late for _, _, late in typed):
            assert got == "".join(key for key, _, _ in typed)

    asyncio.run(run())
