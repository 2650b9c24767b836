"""AGI commands: what may be sent, and how it is quoted."""

from __future__ import annotations

import pytest
from agi_reader import words_of
from agi_states import CLOSED, asked, waiting
from hypothesis import example, given, strategies as st

from pbx.errors import LocalProtocolError
from pbx.wire.agi import (
    AgiConnection,
    AgiState,
    HungUp,
)
from pbx.wire.agi_command import MAX_COMMAND, MAX_WORDS, OLD_MAX_COMMAND, max_command

COMMANDS = {
    "no arguments": (("ANSWER",), b"ANSWER\n"),
    "plain": (("WAIT FOR DIGIT", "-1"), b"WAIT FOR DIGIT -1\n"),
    "blanks": (("SET VARIABLE", "X", "a b"), b'SET VARIABLE X "a b"\n'),
    "empty": (("STREAM FILE", "hello", ""), b'STREAM FILE hello ""\n'),
    "quotes": (("VERBOSE", 'say "x"'), b'VERBOSE "say \\"x\\""\n'),
    "backslash": (("VERBOSE", "a\\"), b'VERBOSE "a\\\\"\n'),
    "tab": (("VERBOSE", "\t"), b'VERBOSE "\t"\n'),
    "utf-8": (("VERBOSE", "é"), 'VERBOSE "é"\n'.encode()),
    "expression": (("GET FULL VARIABLE", "${X}"), b'GET FULL VARIABLE "${X}"\n'),
}


@pytest.mark.parametrize(("call", "data"), COMMANDS.values(), ids=COMMANDS)
def test_commands_to_bytes(call, data):
    assert asked().send_command(*call) == data
    assert words_of(data.decode().removesuffix("\n")) == [*call[0].split(" "), *call[1:]]


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=5))
@example("ANSWER", ['"', "\\", '\\"', "", " ", "\t", '" "', "\\\\"])
@example("ANSWER", ["\ud800"])
def test_any_text_is_refused_or_arrives_unchanged(name, args):
    try:
        data = asked().send_command(name, *args)
    except LocalProtocolError:
        return
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert words_of(data[:-1].decode()) == [*name.split(" "), *args]


@given(st.lists(st.text(alphabet='ab"\\ \t', max_size=8), max_size=6))
def test_quoting_survives_what_it_is_made_of(args):
    assert words_of(asked().send_command("EXEC", *args)[:-1].decode()) == ["EXEC", *args]


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\n", "\nHANGUP", "\udfff"])
@pytest.mark.parametrize("place", ["{}tail", "he{}ad", "head{}", "{}"])
def test_injection_is_refused_everywhere(bad, place):
    text = place.format(bad)
    for call in ((text,), ("EXEC", text), ("EXEC", "Wait", text), ("EXEC", text, "1")):
        connection = asked()
        with pytest.raises(LocalProtocolError):
            connection.send_command(*call)
        assert connection.state is AgiState.IDLE


@pytest.mark.parametrize("name", ["", " ", "ANSWER ", "SET  VARIABLE", 'A"', "A1", "É"])
def test_illegal_command_names(name):
    with pytest.raises(LocalProtocolError, match="name"):
        asked().send_command(name)


def test_command_limits_are_exact():
    room = MAX_COMMAND - len("VERBOSE ")
    assert len(asked().send_command("VERBOSE", "x" * room)) == MAX_COMMAND + 1
    with pytest.raises(LocalProtocolError, match="8190"):
        asked().send_command("VERBOSE", "x" * (room + 1))
    with pytest.raises(LocalProtocolError, match="8190"):
        asked().send_command("VERBOSE", '"' * (room // 2))
    asked().send_command("SET VARIABLE", *["x"] * (MAX_WORDS - 2))
    with pytest.raises(LocalProtocolError, match="127"):
        asked().send_command("SET VARIABLE", *["x"] * (MAX_WORDS - 1))


def test_one_command_at_a_time():
    connection = AgiConnection()
    with pytest.raises(LocalProtocolError, match="environment"):
        connection.send_command("ANSWER")
    connection = waiting()
    with pytest.raises(LocalProtocolError, match="await reply"):
        connection.send_command("ANSWER")
    connection.receive_data(b"HANGUP\n100 Trying\n")
    assert list(connection) == [HungUp()]
    with pytest.raises(LocalProtocolError, match="await reply"):
        connection.send_command("ANSWER")
    connection.receive_data(b"520-No\n")
    assert list(connection) == []
    with pytest.raises(LocalProtocolError, match="in usage"):
        connection.send_command("ANSWER")
    connection.receive_data(b"520 End\n")
    assert [event.code for event in connection] == [520]
    connection.send_command("HANGUP")
    connection.receive_data(b"511 dead\n")
    assert [event.code for event in connection] == [511]
    connection.receive_data(b"")
    assert list(connection) == [CLOSED]
    with pytest.raises(LocalProtocolError, match="closed"):
        connection.send_command("ANSWER")


@pytest.mark.parametrize(
    ("version", "most"),
    [
        ("22.10.1+dfsg+~cs6.17-1", MAX_COMMAND),
        ("22.6.0", MAX_COMMAND),
        ("22.5.2", OLD_MAX_COMMAND),
        ("20.16.0", MAX_COMMAND),
        ("20.6.0~dfsg+~cs6.13.40431414-2build5", OLD_MAX_COMMAND),
        ("18.10.0", OLD_MAX_COMMAND),
        ("23.0.0", MAX_COMMAND),
        ("GIT-master-abc", MAX_COMMAND),
        ("", MAX_COMMAND),
    ],
)
def test_older_asterisks_read_shorter_commands(version: str, most: int) -> None:
    assert max_command(version) == most


def test_a_command_too_long_for_this_asterisk_is_refused() -> None:
    agi = AgiConnection()
    agi.receive_data(b"agi_version: 20.6.0\n\n")
    agi.next_event()
    with pytest.raises(LocalProtocolError, match="2046 bytes"):
        agi.send_command("VERBOSE", "x" * OLD_MAX_COMMAND)
    assert agi.send_command("VERBOSE", "x").endswith(b"\n")
