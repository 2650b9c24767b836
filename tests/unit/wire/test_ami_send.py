"""What an AMI client may send, and all it may not."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given, strategies as st
from wire_helpers import BANNER, assert_events, events_of

from pbx.errors import LocalProtocolError, RemoteProtocolError
from pbx.wire.ami import TRANSITIONS, AmiConnection, AmiState, Banner, Event, Response
from pbx.wire.ami_actions import ACTIONS, COMMANDS, MAX_HEADERS, MAX_LINE, challenge_key
from pbx.wire.ami_server import (
    TRANSITIONS as SERVER_TRANSITIONS,
    Action,
    AmiServerConnection,
    AmiServerState,
    ClientClosed,
)
from pbx.wire.fields import Headers


def opened():
    connection = AmiConnection()
    connection.receive_data(BANNER)
    assert list(connection) == [Banner("11.0.0")]
    return connection


def server():
    connection = AmiServerConnection()
    connection.send_banner()
    return connection


SENT = {
    "no headers": (("Ping", (), "1"), b"Action: Ping\r\nActionID: 1\r\n\r\n"),
    "repeated headers": (
        ("Originate", (("Context", "sala"), ("Variable", "A=1"), ("Variable", "B=é")), "o/1"),
        "Action: Originate\r\nActionID: o/1\r\nContext: sala\r\nVariable: A=1\r\n"
        "Variable: B=é\r\n\r\n".encode(),
    ),
    "empty value": (
        ("Setvar", (("Variable", "X"), ("Value", "")), "2"),
        b"Action: Setvar\r\nActionID: 2\r\nVariable: X\r\nValue: \r\n\r\n",
    ),
    "command": (
        ("Command", (("Command", "dialplan reload"),), "3"),
        b"Action: Command\r\nActionID: 3\r\nCommand: dialplan reload\r\n\r\n",
    ),
}


@pytest.mark.parametrize(("call", "data"), SENT.values(), ids=SENT)
def test_actions_to_bytes_and_back(call, data):
    name, headers, action_id = call
    assert opened().send_action(name, headers, action_id=action_id) == data
    pairs = [("Action", name), ("ActionID", action_id), *headers]
    expected = [Action(name, action_id, Headers(pairs)), ClientClosed()]
    assert_events(server, data, expected)


@pytest.mark.parametrize("name", sorted(ACTIONS - {"Command"}))
def test_listed_actions_can_be_sent(name):
    assert opened().send_action(name, action_id="1").startswith(b"Action: %b\r\n" % name.encode())


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_listed_commands_can_be_sent(line):
    opened().send_action("Command", [("Command", line)], action_id="1")


@pytest.mark.parametrize(
    "name", ["", "originate", "AGI", "UpdateConfig", "DBPut", "Ping\r\n", "Ping ", "QueueAdd"]
)
def test_other_actions_cannot_be_sent(name):
    with pytest.raises(LocalProtocolError, match="may be sent"):
        opened().send_action(name, action_id="1")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Command", "core stop now")],
        [("Command", "Dialplan reload")],
        [("Command", "dialplan reload ")],
        [("Command", "channel originate PJSIP/x application System rm")],
        [("Command", "dialplan reload"), ("Command", "core stop now")],
        [("Command", "dialplan reload"), ("command", "dialplan reload")],
    ],
)
def test_other_commands_cannot_be_sent(headers):
    with pytest.raises(LocalProtocolError, match="command line"):
        opened().send_action("Command", headers, action_id="1")


@pytest.mark.parametrize("key", ["Application", "application", "APPLICATION", "aPPlication"])
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_no_action_can_name_an_application(action, key):
    headers = [("Command", "dialplan reload")] if action == "Command" else []
    with pytest.raises(LocalProtocolError, match="CVE-2024-42365"):
        opened().send_action(action, [*headers, (key, "System")], action_id="1")


@pytest.mark.parametrize("key", ["Data", "data", "DATA"])
def test_originate_cannot_have_data(key):
    with pytest.raises(LocalProtocolError, match="CVE-2024-42365"):
        opened().send_action("Originate", [("Context", "sala"), (key, "x")], action_id="1")


KEYS = st.sampled_from(["Application", "application", "Data", "Channel", "Application:"]) | st.text(
    max_size=20
)


@given(
    st.sampled_from(sorted(ACTIONS)) | st.text(max_size=10),
    st.lists(st.tuples(KEYS, st.text(max_size=40)), max_size=5),
    st.sampled_from(["1", "a/2"]) | st.text(max_size=10),
)
@example("Originate", [("Channel", "x\r\nApplication: System")], "1")
@example("Originate", [("Channel: x\r\nApplication", "System")], "1")
@example("Originate", [("Variable", "a\ud800")], "1")
@example("Ping\r\nApplication: System", [], "1")
@example("Ping", [], "1\r\nApplication: System")
def test_any_text_is_refused_or_arrives_unchanged(name, headers, action_id):
    try:
        data = opened().send_action(name, headers, action_id=action_id)
    except LocalProtocolError:
        return
    pairs = [("Action", name), ("ActionID", action_id), *headers]
    assert events_of(server(), [data]) == [Action(name, action_id, Headers(pairs))]
    assert b"\napplication" not in data.lower()
    assert data.count(b"\n") == len(pairs) + 1


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\n", "\r\nAction: Logoff\r\n\r\n", "\ud800"])
@pytest.mark.parametrize("place", ["{}tail", "he{}ad", "head{}", "{}"])
@pytest.mark.parametrize("field", ["name", "key", "value", "action_id", "later value"])
def test_injection_is_refused_everywhere(bad, place, field):
    text = place.format(bad)
    call = {
        "name": lambda c: c.send_action(text, action_id="1"),
        "key": lambda c: c.send_action("Ping", [(text, "x")], action_id="1"),
        "value": lambda c: c.send_action("Ping", [("Key", text)], action_id="1"),
        "action_id": lambda c: c.send_action("Ping", action_id=text),
        "later value": lambda c: c.send_action("Ping", [("A", "b"), ("C", text)], action_id="1"),
    }[field]
    with pytest.raises(LocalProtocolError) as refused:
        call(opened())
    assert "Logoff" not in str(refused.value)


@pytest.mark.parametrize("key", ["", " ", "A B", "A:", ":", "Ä", "1A", "A\t", " A", "-A", "A,"])
def test_illegal_header_names(key):
    with pytest.raises(LocalProtocolError, match="header name"):
        opened().send_action("Ping", [(key, "x")], action_id="1")


@pytest.mark.parametrize("key", ["Action", "action", "ActionID", "ACTIONID"])
def test_the_envelope_is_given_once(key):
    with pytest.raises(LocalProtocolError, match="once"):
        opened().send_action("Ping", [(key, "x")], action_id="1")


@pytest.mark.parametrize("action_id", ["", " ", "a b", "é", "a "])
def test_illegal_action_ids(action_id):
    with pytest.raises(LocalProtocolError, match="action id"):
        opened().send_action("Ping", action_id=action_id)


def test_line_limit_is_exact_and_in_bytes():
    fits = "é" * ((MAX_LINE - len("Key: ")) // 2)
    opened().send_action("Ping", [("Key", fits)], action_id="1")
    with pytest.raises(LocalProtocolError, match="1022"):
        opened().send_action("Ping", [("Key", fits + "é")], action_id="1")
    opened().send_action("Ping", action_id="1" * (MAX_LINE - len("ActionID: ")))
    with pytest.raises(LocalProtocolError, match="1022"):
        opened().send_action("Ping", action_id="1" * (MAX_LINE - len("ActionID: ") + 1))


def test_header_limit_is_exact():
    headers = [("Variable", "a=b")] * (MAX_HEADERS - 2)
    assert opened().send_action("Originate", headers, action_id="1").count(b"\r\n") == 129
    with pytest.raises(LocalProtocolError, match="128"):
        opened().send_action("Originate", [*headers, ("Variable", "c=d")], action_id="1")


def test_nothing_is_sent_before_the_banner_nor_after_logoff():
    connection = AmiConnection()
    with pytest.raises(LocalProtocolError, match="await banner"):
        connection.send_action("Ping", action_id="1")
    connection = opened()
    connection.send_action("Logoff", action_id="1")
    assert connection.state is AmiState.LEAVING
    with pytest.raises(LocalProtocolError, match="leaving"):
        connection.send_action("Ping", action_id="2")
    connection.receive_data(b"Response: Goodbye\r\nActionID: 1\r\n\r\n")
    (goodbye,) = connection
    assert isinstance(goodbye, Response)
    assert goodbye.success
    connection.receive_data(b"")
    list(connection)
    with pytest.raises(LocalProtocolError, match="closed"):
        connection.send_action("Ping", action_id="3")


def test_a_refused_action_changes_nothing():
    connection = opened()
    with pytest.raises(LocalProtocolError):
        connection.send_action("Logoff", [("Key", "\n")], action_id="1")
    assert connection.state is AmiState.OPEN


def test_challenge_key():
    # The vector is computed by hand: MD5 of the two, one behind the other.
    assert challenge_key("116650922", "secret") == hashlib.md5(b"116650922secret").hexdigest()
    with pytest.raises(LocalProtocolError):
        challenge_key("1\n", "secret")


# --- the server's end -----------------------------------------------------------------------------


def test_server_messages_arrive_unchanged():
    connection = AmiServerConnection()
    event = [("Event", "X"), ("ChanVariable", "a=b"), ("ChanVariable", "c: d"), ("Name", "é")]
    answer = [("Response", "Error"), ("ActionID", "1"), ("Message", "No")]
    data = (
        connection.send_banner("9.0")
        + connection.send_message(event)
        + connection.send_message(answer)
    )
    assert events_of(AmiConnection(), [data]) == [
        Banner("9.0"),
        Event("X", Headers(event)),
        Response("1", False, "No", Headers(answer)),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Message", "x")],
        [("Event", "a\r\nb")],
        [("Event", "a"), ("B\n", "c")],
        [("Event", "a"), ("", "c")],
        [("Event", "a"), ("B:", "c")],
    ],
)
def test_server_refuses_what_is_not_a_message(headers):
    with pytest.raises(LocalProtocolError):
        server().send_message(headers)


def test_server_greets_first_and_once():
    connection = AmiServerConnection()
    with pytest.raises(LocalProtocolError, match="send banner"):
        connection.send_message([("Event", "X")])
    connection.receive_data(b"Action: Ping\r\n\r\n")
    with pytest.raises(RemoteProtocolError, match="banner"):
        connection.next_event()
    assert connection.state is AmiServerState.ERROR
    with pytest.raises(LocalProtocolError):
        server().send_banner()


@given(st.binary(max_size=200))
def test_server_takes_noise(noise):
    for event in events_of(server(), [noise, b""]):
        assert event is RemoteProtocolError or isinstance(event, Action | ClientClosed)


@pytest.mark.parametrize("data", [b"Ping: x\r\n\r\n", b"Action\r\n\r\n", b"Action: Ping\r\n"])
def test_server_violations(data):
    assert_events(server, data, [RemoteProtocolError])


# --- the tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "table"), [(AmiState, TRANSITIONS), (AmiServerState, SERVER_TRANSITIONS)]
)
def test_every_state_is_in_the_table_and_reached(states, table):
    assert set(table) == set(states)
    reached = {after for row in table.values() for after in row.values()}
    assert reached | {next(iter(states))} == set(states)
