"""AGI: bytes received and the events they are."""

from __future__ import annotations

import pytest
from agi_states import CLOSED, ENV, REQUEST, asked, waiting
from hypothesis import given, strategies as st
from wire_helpers import assert_events, events_of, feed_for_ever

from pbx.errors import RemoteProtocolError
from pbx.wire.agi import (
    MAX_ENVIRONMENT_LINES,
    MAX_LINE,
    MAX_USAGE_LINES,
    TRANSITIONS,
    AgiConnection,
    AgiState,
    HungUp,
    Request,
    Result,
)

ENVIRONMENTS = {
    "as Asterisk sends it": (
        b"agi_network: yes\nagi_network_script: ivr?flow=main&x=%41\n"
        b"agi_request: agi://127.0.0.1:4573/ivr?flow=main&x=%41\nagi_channel: PJSIP/caller-1\n"
        b"agi_callerid: \nagi_enhanced: 0.0\nagi_arg_1: one\nagi_arg_2: \n\n",
        {
            "agi_network": "yes",
            "agi_network_script": "ivr?flow=main&x=%41",
            "agi_request": "agi://127.0.0.1:4573/ivr?flow=main&x=%41",
            "agi_channel": "PJSIP/caller-1",
            "agi_callerid": "",
            "agi_enhanced": "0.0",
            "agi_arg_1": "one",
            "agi_arg_2": "",
        },
    ),
    "values of all kinds": (
        "agi_a: x: y\nagi_b:tight\nagi_c:  two\nagi_d: é\nagi_e: \r\n".encode()
        + b"agi_f: \xff\nagi_g:\n\n",
        {
            "agi_a": "x: y",
            "agi_b": "tight",
            "agi_c": " two",
            "agi_d": "é",
            "agi_e": "\r",
            "agi_f": "\ufffd",
            "agi_g": "",
        },
    ),
}


@pytest.mark.parametrize(("data", "env"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_environment(data, env):
    assert_events(AgiConnection, data, [Request(env), CLOSED])


def test_request_tells_script_query_and_arguments():
    (request,) = events_of(AgiConnection(), [ENVIRONMENTS["as Asterisk sends it"][0]])
    assert request.script == "ivr"
    assert request.query == {"flow": "main", "x": "A"}
    assert request.args == ("one", "")
    assert REQUEST.script == ""
    assert REQUEST.query == {}
    assert REQUEST.args == ()
    assert Request({"agi_network_script": "s?a=1&a=2&b"}).query == {"a": "1", "b": ""}


def test_a_probe_is_a_clean_end():
    assert_events(AgiConnection, b"", [CLOSED])


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"agi_network\n",
        b"agi_network: yes\r\n\r\n",
        b"agi_a: 1\nagi_a: 2\n\n",
        b"agi_a: 1\nfoo: 2\n\n",
        b"agi_a: 1\n200 result=1\n\n",
        b"agi_a: \0\n\n",
        b"agi_a: 1\n",
        b"agi_a: 1",
        b"agi_: 1\n\n",
    ],
)
def test_what_is_not_an_environment(data):
    assert_events(AgiConnection, data, [RemoteProtocolError])


USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\nUsage: ANSWER\n\n"
    b"\t200 result=1\n520 End of proper usage.\n"
)

REPLIES = {
    "plain": (b"200 result=0\n", [Result(200, "0", text="result=0")]),
    "minus one": (b"200 result=-1\n", [Result(200, "-1", text="result=-1")]),
    "empty with time-out": (
        b"200 result= (timeout)\n",
        [Result(200, "", "timeout", text="result= (timeout)")],
    ),
    "digits with time-out": (
        b"200 result=12 (timeout)\n",
        [Result(200, "12", "timeout", text="result=12 (timeout)")],
    ),
    "no digits": (b"200 result=\n", [Result(200, text="result=")]),
    "end position": (
        b"200 result=0 endpos=1234\n",
        [Result(200, "0", extra={"endpos": "1234"}, text="result=0 endpos=1234")],
    ),
    "record": (
        b"200 result=35 (dtmf) endpos=8000\n",
        [Result(200, "35", "dtmf", {"endpos": "8000"}, "result=35 (dtmf) endpos=8000")],
    ),
    "a variable with parentheses": (
        b"200 result=1 (a) b=c (d)\n",
        [Result(200, "1", "a) b=c (d", text="result=1 (a) b=c (d)")],
    ),
    "a variable in UTF-8": (
        "200 result=1 (สวัสดี)\n".encode(),
        [Result(200, "1", "สวัสดี", text="result=1 (สวัสดี)")],
    ),
    "an empty variable": (b"200 result=1 ()\n", [Result(200, "1", "", text="result=1 ()")]),
    "gosub": (
        b"100 result=0 Trying...\n200 result=0 Gosub complete\n",
        [Result(200, "0", text="result=0 Gosub complete")],
    ),
    "unknown command": (
        b"510 Invalid or unknown command\n",
        [Result(510, text="Invalid or unknown command")],
    ),
    "dead channel": (
        b"511 Command Not Permitted on a dead channel or intercept routine\n",
        [Result(511, text="Command Not Permitted on a dead channel or intercept routine")],
    ),
    "memory": (
        b"503 result=-2 Memory allocation failure\n",
        [Result(503, text="result=-2 Memory allocation failure")],
    ),
    "bare code": (b"510\n", [Result(510)]),
    "usage": (
        USAGE,
        [
            Result(
                520,
                text="Invalid command syntax.  Proper usage follows:",
                usage=("Usage: ANSWER", "", "\t200 result=1"),
            )
        ],
    ),
    "usage not available": (
        b"520 Invalid command syntax.  Proper usage not available.\n",
        [Result(520, text="Invalid command syntax.  Proper usage not available.")],
    ),
    "hang-up before the reply": (
        b"HANGUP\n200 result=-1\n",
        [HungUp(), Result(200, "-1", text="result=-1")],
    ),
    "hang-up after the reply": (
        b"200 result=-1\nHANGUP\n",
        [Result(200, "-1", text="result=-1"), HungUp()],
    ),
    "hang-up alone": (b"HANGUP\n", [HungUp()]),
    "hang-up among usage": (
        b"520-No\nHANGUP\nUsage\n520 End\n",
        [HungUp(), Result(520, text="No", usage=("Usage",))],
    ),
    "closed without a reply": (b"", []),
}


@pytest.mark.parametrize(("data", "expected"), REPLIES.values(), ids=REPLIES)
def test_replies(data, expected):
    assert_events(waiting, data, [*expected, CLOSED])


def test_hang_up_within_the_environment_and_when_idle():
    assert_events(AgiConnection, b"HANGUP\n" + ENV, [HungUp(), REQUEST, CLOSED])
    assert_events(asked, b"HANGUP\n", [HungUp(), CLOSED])


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"nonsense\n",
        b"200\n",
        b"200 OK\n",
        b"200-result=1\n",
        b"200 result=1 (a\n",
        b"2000 result=1\n",
        b"20 result=1\n",
        b"300 result=1\n",
        b"400 no\n",
        b"600 no\n",
        b"\xd9\xa2\xd9\xa0\xd9\xa0 result=1\n",
        b"510-Invalid\n",
        b"hangup\n",
        b"HANGUP\r\n",
        b"200 result=\0\n",
        b"200 result=1",
        b"HANG",
        b"520-Usage\nmore\n",
        b"520-Usage\n",
    ],
)
def test_what_is_not_a_reply(data):
    assert_events(waiting, data, [RemoteProtocolError])


def test_a_reply_that_nothing_asked_for():
    assert_events(asked, b"200 result=1\n", [RemoteProtocolError])
    good = Result(200, "1", "a)", text="result=1 (a))")
    assert_events(waiting, b"200 result=1 (a))\n200 result=2\n", [good, RemoteProtocolError])


@pytest.mark.parametrize(
    ("word", "endpos"),
    [
        (b"1234", 1234),
        (b"", None),
        (b"x", None),
        (b"-1", None),
        (b"9" * 5000, None),
        ("٣".encode(), None),
    ],
)
def test_end_position_is_a_number_or_none(word, endpos):
    (result,) = events_of(waiting(), [b"200 result=0 endpos=" + word + b"\n"])
    assert result.ok
    assert result.endpos == endpos


def test_every_call_raises_a_violation_again():
    connection = asked()
    connection.receive_data(b"nonsense\n")
    for call in (
        connection.next_event,
        connection.next_event,
        lambda: connection.receive_data(b"x"),
        lambda: connection.send_command("ANSWER"),
    ):
        with pytest.raises(RemoteProtocolError, match="nothing asked"):
            call()
    assert connection.state is AgiState.ERROR


def test_endless_line_is_cut_off():
    for make in (AgiConnection, waiting):
        connection = make()
        connection.receive_data(b"agi_a: ")
        with pytest.raises(RemoteProtocolError, match="8192"):
            feed_for_ever(connection, b"x" * 100, MAX_LINE)
        assert len(connection._input) == 0


@pytest.mark.parametrize("count", [MAX_ENVIRONMENT_LINES, MAX_ENVIRONMENT_LINES + 1])
def test_lines_of_the_environment_are_bounded(count):
    data = b"".join(b"agi_%d: x\n" % at for at in range(count)) + b"\n"
    (event,) = events_of(AgiConnection(), [data])
    assert isinstance(event, Request) is (count == MAX_ENVIRONMENT_LINES)


@pytest.mark.parametrize(("last", "legal"), [(1, True), (2, False)])
def test_size_of_the_environment_is_bounded(last, legal):
    lines = [b"agi_%d: %b\n" % (at, b"x" * (8192 - 8)) for at in range(8)]
    lines[-1] = lines[-1][: -last - 1] + b"x" * (2 * last - 1) + b"\n"
    (event,) = events_of(AgiConnection(), [b"".join(lines) + b"\n"])
    assert isinstance(event, Request) is legal


@pytest.mark.parametrize("count", [MAX_USAGE_LINES, MAX_USAGE_LINES + 1])
def test_usage_is_bounded(count):
    (event,) = events_of(waiting(), [b"520-No\n" + b"x\n" * count + b"520 End\n"])
    assert isinstance(event, Result) is (count == MAX_USAGE_LINES)


PIECES = st.sampled_from(
    [
        b"\n",
        b"agi_a: 1\n",
        b"agi_b: \n",
        b"\n\n",
        b"HANGUP\n",
        b"200 result=1\n",
        b"200 result=",
        b" (",
        b")",
        b" endpos=",
        b"520-x\n",
        b"520 x\n",
        b"510 x\n",
        b"100 x\n",
        b"\0",
        b"\xff",
    ]
)

NOISE = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(b"".join))


@given(NOISE, st.sampled_from([AgiConnection, asked, waiting]), st.integers(1, 50))
def test_noise_gives_events_or_the_remote_error_however_cut(noise, make, size):
    whole = events_of(make(), [noise, b""])
    parts = [noise[at : at + size] for at in range(0, len(noise), size)]
    assert events_of(make(), [*parts, b""]) == whole
    assert whole[-1] in (CLOSED, RemoteProtocolError)
    for event in whole:
        if isinstance(event, Request):
            assert isinstance(event.script + str(event.query) + str(event.args), str)
        elif isinstance(event, Result):
            assert event.endpos is None or event.endpos >= 0


def test_every_state_is_in_the_table_and_reached():
    assert set(TRANSITIONS) == set(AgiState)
    reached = {after for row in TRANSITIONS.values() for after in row.values()}
    assert reached | {AgiState.ENVIRONMENT} == set(AgiState)
