"""AMI: sizes are bounded, and headers as they are kept."""

from __future__ import annotations

import pytest
from test_ami_receive import opened
from wire_helpers import events_of, feed_for_ever

from pbx.errors import RemoteProtocolError
from pbx.wire.ami import (
    Event,
)
from pbx.wire.ami_messages import MAX_LINE, MAX_LINES, MAX_MESSAGE
from pbx.wire.fields import Headers


def test_endless_line_is_cut_off():
    connection = opened()
    connection.receive_data(b"Event: X\r\nName: ")
    with pytest.raises(RemoteProtocolError, match="line"):
        feed_for_ever(connection, b"x" * 1000, MAX_LINE + 100)
    assert len(connection._input) == 0


@pytest.mark.parametrize("prefix", [b"Event: X\r\n", b"Response: Follows\r\n"])
def test_endless_headers_are_cut_off(prefix):
    connection = opened()
    connection.receive_data(prefix)
    with pytest.raises(RemoteProtocolError, match="message"):
        feed_for_ever(connection, b"Name: value\r\n" * 1000, MAX_MESSAGE + 100)
    assert len(connection._input) == 0


def test_endless_empty_lines_hold_nothing():
    connection = opened()
    for _ in range(100):
        connection.receive_data(b"\r\n" * 10_000)
        assert connection.next_event() is None
        assert len(connection._input) == 0


@pytest.mark.parametrize(
    ("message", "legal"),
    [
        (b"Event: X\r\nN:" + b"x" * (MAX_LINE - 2), True),
        (b"Event: X\r\nN:" + b"x" * (MAX_LINE - 1), False),
        (b"Event: X" + b"\r\nA:" * (MAX_LINES - 1), True),
        (b"Event: X" + b"\r\nA:" * MAX_LINES, False),
        (b"Event: X" + (b"\r\nA:" + b"x" * 60000) * 17, True),
        (b"Event: X" + (b"\r\nA:" + b"x" * 60000) * 18, False),
    ],
)
@pytest.mark.parametrize("size", [1 << 30, 65536, 4099])
def test_limits_are_exact_however_fed(message, legal, size):
    data = message + b"\r\n\r\n"
    found = events_of(opened(), [data[at : at + size] for at in range(0, len(data), size)])
    assert [type(e) if isinstance(e, Event) else e for e in found] == [
        Event if legal else RemoteProtocolError
    ]


def test_one_byte_at_a_time_is_linear():
    connection = opened()
    data = b"Event: X\r\n" + (b"A: " + b"x" * 500 + b"\r\n") * 400 + b"\r\n"
    for at in range(len(data)):
        connection.receive_data(data[at : at + 1])
        event = connection.next_event()
    assert isinstance(event, Event)
    assert len(event.headers) == 401


def test_headers_are_found_in_any_case_and_keep_all_values():
    headers = Headers.parse("Event: X\r\nVariable: a=1\r\nvariable: b\r\nVariable: a=2")
    assert headers.get("Variable") == headers["VARIABLE"] == "a=1"
    assert headers.getall("Variable") == ["a=1", "b", "a=2"]
    assert headers.variables("Variable") == {"a": "1"}
    assert headers.get("Nothing") is None
    assert headers.get("Nothing", "-") == "-"
    assert headers.getall("Nothing") == []
    assert "event" in headers
    assert "Nothing" not in headers
    assert list(headers) == ["Event", "Variable", "variable", "Variable"]
    assert len(headers) == 4
    with pytest.raises(KeyError):
        headers["Nothing"]


def test_headers_are_values():
    one = Headers.parse("A: 1\r\nB: 2")
    same = Headers([("A", "1"), ("B", "2")])
    assert one == same
    assert hash(one) == hash(same)
    assert one != Headers([("B", "2"), ("A", "1")])
    assert one != {"A": "1"}


def test_headers_are_shown_without_values():
    assert repr(Headers([("CallerIDNum", "15551234567")])) == "<Headers CallerIDNum>"
