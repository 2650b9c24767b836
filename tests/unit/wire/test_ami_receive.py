"""AMI: bytes received and the events they are."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from wire_helpers import BANNER, assert_events, events_of

from pbx.errors import LocalProtocolError, RemoteProtocolError
from pbx.wire.ami import (
    AmiConnection,
    AmiState,
    Banner,
    ConnectionClosed,
    Event,
    Response,
)
from pbx.wire.ami_messages import MAX_MESSAGE
from pbx.wire.fields import Headers

HELLO = Banner("11.0.0")

CLOSED = ConnectionClosed()


def response(*pairs, message="", action_id=None, success=True, output=()):
    return Response(action_id, success, message, Headers(pairs), tuple(output))


TABLE = {
    "banner alone": (b"", []),
    "event": (
        b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n",
        [
            Event(
                "FullyBooted",
                Headers(
                    [
                        ("Event", "FullyBooted"),
                        ("Privilege", "system,all"),
                        ("Status", "Fully Booted"),
                    ]
                ),
            )
        ],
    ),
    "response": (
        b"Response: Success\r\nActionID: a1\r\nMessage: Authentication accepted\r\n\r\n",
        [
            response(
                ("Response", "Success"),
                ("ActionID", "a1"),
                ("Message", "Authentication accepted"),
                message="Authentication accepted",
                action_id="a1",
            )
        ],
    ),
    "error": (
        b"Response: Error\r\nActionID: a2\r\nMessage: No such channel\r\n\r\n",
        [
            response(
                ("Response", "Error"),
                ("ActionID", "a2"),
                ("Message", "No such channel"),
                message="No such channel",
                action_id="a2",
                success=False,
            )
        ],
    ),
    "goodbye without message": (
        b"Response: Goodbye\r\n\r\n",
        [response(("Response", "Goodbye"))],
    ),
    "list": (
        b"Response: Success\r\nActionID: 7\r\nEventList: start\r\nMessage: Follows\r\n\r\n"
        b"Event: Status\r\nActionID: 7\r\nChannel: PJSIP/1001-1\r\n\r\n"
        b"Event: StatusComplete\r\nActionID: 7\r\nEventList: Complete\r\nItems: 1\r\n\r\n",
        [
            response(
                ("Response", "Success"),
                ("ActionID", "7"),
                ("EventList", "start"),
                ("Message", "Follows"),
                message="Follows",
                action_id="7",
            ),
            Event(
                "Status",
                Headers([("Event", "Status"), ("ActionID", "7"), ("Channel", "PJSIP/1001-1")]),
                "7",
            ),
            Event(
                "StatusComplete",
                Headers(
                    [
                        ("Event", "StatusComplete"),
                        ("ActionID", "7"),
                        ("EventList", "Complete"),
                        ("Items", "1"),
                    ]
                ),
                "7",
            ),
        ],
    ),
    "command output": (
        b"Response: Success\r\nActionID: c\r\nMessage: Command output follows\r\n"
        b"Output: one: 1\r\nOutput: \r\nOutput:   indented\r\n\r\n",
        [
            response(
                ("Response", "Success"),
                ("ActionID", "c"),
                ("Message", "Command output follows"),
                ("Output", "one: 1"),
                ("Output", ""),
                ("Output", "  indented"),
                message="Command output follows",
                action_id="c",
                output=["one: 1", "", "  indented"],
            )
        ],
    ),
    "command output of old": (
        b"Response: Follows\r\nPrivilege: Command\r\nActionID: c\r\n"
        b"no colon\n\nEvent: Fake\r\n\r\nkey: value\n--END COMMAND--\r\n\r\n",
        [
            response(
                ("Response", "Follows"),
                ("Privilege", "Command"),
                ("ActionID", "c"),
                action_id="c",
                output=["no colon", "", "Event: Fake", "", "key: value"],
            )
        ],
    ),
    "command output of old, empty": (
        b"Response: Follows\r\nPrivilege: Command\r\n--END COMMAND--\r\n\r\n",
        [response(("Response", "Follows"), ("Privilege", "Command"))],
    ),
    "repeated headers": (
        b"Event: Newchannel\r\nChanVariable: A=1\r\nChanVariable: B=x=y\r\n"
        b"ChanVariable: A=2\r\n\r\n",
        [
            Event(
                "Newchannel",
                Headers(
                    [
                        ("Event", "Newchannel"),
                        ("ChanVariable", "A=1"),
                        ("ChanVariable", "B=x=y"),
                        ("ChanVariable", "A=2"),
                    ]
                ),
            )
        ],
    ),
    "spaces and colons": (
        b"Event: X\r\nTight:value\r\nEmpty:\r\nBlank: \r\nTime: 10:20: 30\r\nWide:  two\r\n"
        b"Odd:key: v\r\n\r\n",
        [
            Event(
                "X",
                Headers(
                    [
                        ("Event", "X"),
                        ("Tight", "value"),
                        ("Empty", ""),
                        ("Blank", ""),
                        ("Time", "10:20: 30"),
                        ("Wide", " two"),
                        ("Odd", "key: v"),
                    ]
                ),
            )
        ],
    ),
    "any case": (
        b"EVENT:X\r\nactionid: 5\r\n\r\nresponse: SUCCESS\r\n\r\n",
        [
            Event("X", Headers([("EVENT", "X"), ("actionid", "5")]), None),
            response(("response", "SUCCESS")),
        ],
    ),
    "utf-8 and not": (
        "Event: X\r\nName: สมชาย\r\n".encode() + b"Bad: a\xff\xc3\r\n\r\n",
        [Event("X", Headers([("Event", "X"), ("Name", "สมชาย"), ("Bad", "a\ufffd\ufffd")]))],
    ),
    "line feeds and returns alone": (
        b"Event: X\r\nName: a\nb\rc\r\r\n\r\n",
        [Event("X", Headers([("Event", "X"), ("Name", "a\nb\rc\r")]))],
    ),
    "empty lines between": (
        b"\r\nEvent: X\r\n\r\n\r\n\r\n\r\nEvent: Y\r\n\r\n\r\n",
        [Event("X", Headers([("Event", "X")])), Event("Y", Headers([("Event", "Y")]))],
    ),
}


@pytest.mark.parametrize(("data", "expected"), TABLE.values(), ids=TABLE)
def test_bytes_to_events(data, expected):
    assert_events(AmiConnection, BANNER + data, [HELLO, *expected, CLOSED])


GOOD = b"Event: Good\r\n\r\n"

GOOD_EVENT = Event("Good", Headers([("Event", "Good")]))

VIOLATIONS = {
    "line without colon": GOOD + b"Event: X\r\nnonsense\r\n\r\n",
    "name without letters": GOOD + b"Event: X\r\n: value\r\n\r\n",
    "first name without letters": GOOD + b": value\r\n\r\n",
    "neither event nor response": GOOD + b"Privilege: x\r\nEvent: X\r\n\r\n",
    "NUL": GOOD + b"Event: X\r\nName: a\0b\r\n\r\n",
    "end within a message": GOOD + b"Event: X\r\n",
    "end within a line's end": GOOD + b"Event: X\r\n\r",
    "end within old output": GOOD + b"Response: Follows\r\nline\r\n\r\n",
}


@pytest.mark.parametrize("data", VIOLATIONS.values(), ids=VIOLATIONS)
def test_violation_comes_after_what_was_good(data):
    assert_events(AmiConnection, BANNER + data, [HELLO, GOOD_EVENT, RemoteProtocolError])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Asterisk Call Man",
        b"SSH-2.0-OpenSSH\r\n",
        b"asterisk call manager/1\r\n",
        b"\r\n" + BANNER,
        b"Asterisk Call Manager/\0\r\n",
        b"Asterisk Call Manager/" + b"1" * 200 + b"\r\n",
    ],
)
def test_banner_missing_or_wrong(data):
    assert_events(AmiConnection, data, [RemoteProtocolError])


def test_wrong_banner_is_seen_at_once():
    assert events_of(AmiConnection(), [b"H"]) == [RemoteProtocolError]


def opened(events=None):
    connection = AmiConnection(events)
    connection.receive_data(BANNER)
    assert list(connection) == [HELLO]
    return connection


def test_every_call_raises_a_violation_again():
    connection = opened()
    connection.receive_data(b"nonsense\r\n\r\n")
    for call in (
        connection.next_event,
        connection.next_event,
        lambda: connection.receive_data(b"x"),
        lambda: connection.receive_data(b""),
        lambda: list(connection),
        lambda: connection.send_action("Ping", action_id="1"),
    ):
        with pytest.raises(RemoteProtocolError, match="colon"):
            call()
    assert connection.state is AmiState.ERROR


def test_end_is_told_once():
    connection = opened()
    connection.receive_data(b"")
    assert connection.next_event() == CLOSED
    assert connection.next_event() is None
    assert connection.state is AmiState.CLOSED
    connection.receive_data(b"")
    with pytest.raises(LocalProtocolError):
        connection.receive_data(b"x")
    assert connection.next_event() is None


def test_filter_drops_other_events_only():
    data = (
        b"Event: Wanted\r\n\r\nEvent: Other\r\nA: b\r\n\r\nResponse: Success\r\n\r\n"
        b"EVENT: Other\r\n\r\nEVENT: Wanted\r\n\r\nEvent: Wanted2\r\n\r\n"
    )
    expected = [
        HELLO,
        Event("Wanted", Headers([("Event", "Wanted")])),
        response(("Response", "Success")),
        Event("Wanted", Headers([("EVENT", "Wanted")])),
        CLOSED,
    ]
    assert_events(lambda: AmiConnection(["Wanted"]), BANNER + data, expected)


@given(st.lists(st.sampled_from(["A", "B", "C", "Ab"])), st.sets(st.sampled_from(["A", "B", "Ab"])))
def test_filter_is_the_same_as_filtering_afterwards(names, wanted):
    data = BANNER + b"".join(b"Event: %b\r\nX: y\r\n\r\n" % name.encode() for name in names)
    everything = events_of(AmiConnection(), [data])
    filtered = events_of(AmiConnection(wanted), [data])
    assert filtered == [e for e in everything if isinstance(e, Banner) or e.name in wanted]


def test_filter_still_checks_sizes():
    data = BANNER + b"Event: Other\r\nA: " + b"b" * (MAX_MESSAGE + 1)
    assert events_of(AmiConnection(["Wanted"]), [data]) == [HELLO, RemoteProtocolError]


PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b": ",
        b":",
        b"Event",
        b"Response",
        b"Follows",
        b"ActionID",
        b"\0",
        b"--END COMMAND--",
        b"Output",
        b"X",
        b"\xff",
        "é".encode(),
        b"\r\n\r\n",
        b"Success",
    ]
)

NOISE = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join))


@given(NOISE, st.booleans(), st.none() | st.just(frozenset({"X"})), st.integers(1, 50))
def test_noise_gives_events_or_the_remote_error_however_cut(noise, greet, names, size):
    data = (BANNER if greet else b"") + noise
    whole = events_of(AmiConnection(names), [data, b""])
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    assert events_of(AmiConnection(names), [*parts, b""]) == whole
    for event in whole:
        if isinstance(event, Event | Response):
            assert all("\0" not in name + value for name, value in event.headers.items())
    assert whole[-1] in (CLOSED, RemoteProtocolError)
