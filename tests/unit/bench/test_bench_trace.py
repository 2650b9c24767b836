"""SIPp's traces: what is read from them, however old the SIPp, and however far it has written."""

from pathlib import Path

import pytest

from lab.bench.clients import Batch
from lab.bench.freed import freed_ms
from lab.bench.trace import Message, Trace, invited, is_request, parse, ring_ms
from lab.errors import LabError

LINE = "-" * 47


def block(at: str, way: str, start: str, *, user: str = "+14152000001", call: str = "1@x") -> str:
    return (
        f"{LINE} {at}\nUDP message {way} [99] bytes:\n\n{start}\r\n"
        "Via: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK\r\n"
        f'From: "t30" <sip:{user}@127.0.0.2:5060>;tag=1\r\nTo: <sip:600@127.0.0.1>\r\n'
        f"Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    )


INVITE = "INVITE sip:600@127.0.0.1:5060 SIP/2.0"


@pytest.mark.parametrize("at", ["2026-11-22T02:25:34.064719Z", "2026-11-22 02:25:34.064719"])
def test_reads_time_direction_and_headers(at: str) -> None:
    (message,) = parse(block(at, "sent", INVITE).encode())
    assert message.at == pytest.approx(1795314334.064719, abs=1e-6)
    assert message.sent
    assert message.start == INVITE
    assert (message.user, message.call_id, message.target) == ("+14152000001", "1@x", "600")
    assert is_request(message, "INVITE")
    assert not is_request(message, "BYE")


def test_what_sipp_complains_about_is_no_message_of_its_own() -> None:
    text = block("2026-11-22T02:25:34.000001Z", "received", INVITE)
    text += f"{LINE}\nUnexpected UDP message received:\n\n{INVITE}\r\nCall-ID: 2@x\r\n\r\n"
    assert [message.call_id for message in parse(text.encode())] == ["1@x"]


def test_a_uri_without_a_user_and_a_reply_have_no_target() -> None:
    for start in ("INVITE sip:127.0.0.1:5060 SIP/2.0", "SIP/2.0 200 OK"):
        (message,) = parse(block("2026-11-22T02:25:34.000001Z", "received", start).encode())
        assert message.target == ""


def test_a_trace_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    trace = Trace(path)
    with pytest.raises(LabError, match="cannot be read"):
        trace.read()
    path.write_text(block("2026-11-22T02:25:34.000001Z", "sent", INVITE), encoding="utf-8")
    assert len(trace.read()) == 1
    assert trace.read() == []
    with path.open("a", encoding="utf-8") as file:
        file.write(block("2026-11-22T02:25:34.000002Z", "sent", INVITE, call="2@x"))
    assert [message.call_id for message in trace.read()] == ["2@x"]


def message(at: float, start: str, *, sent: bool, user: str = "1", call: str = "a") -> Message:
    return Message(at, sent, start, call, user)


def test_ring_is_from_the_first_invite_to_the_first_invite() -> None:
    callers = [message(1.0, INVITE, sent=True), message(1.5, INVITE, sent=True)]
    callers.append(message(2.0, INVITE, sent=True, user="2"))  # never rang
    agents = [
        message(1.004, "INVITE sip:2001@h SIP/2.0", sent=False, call="b"),
        message(1.008, "INVITE sip:h SIP/2.0", sent=False, call="b"),
    ]
    assert ring_ms(callers, agents) == {"1": pytest.approx(4.0)}
    assert invited(callers)["1"].at == 1.0


def test_rings_are_told_apart_by_the_number_dialled() -> None:
    callers = [
        message(1.0, "INVITE sip:600@h SIP/2.0", sent=True, user="1"),
        message(3.0, "INVITE sip:700@h SIP/2.0", sent=True, user="2"),
    ]
    agents = [
        message(1.002, "INVITE sip:2001@h SIP/2.0", sent=False, user="1", call="b"),
        message(3.003, "INVITE sip:3001@h SIP/2.0", sent=False, user="2", call="c"),
    ]
    batch = Batch(callers, agents, 2, 0)
    assert batch.rings("600") == [pytest.approx(2.0)]
    assert batch.rings("700") == [pytest.approx(3.0)]
    assert len(batch.rings()) == 2
    assert batch.rate() == pytest.approx(0.5)


def test_freed_is_from_an_agents_bye_to_their_own_next_invite_while_callers_wait() -> None:
    def ring(at: float, agent: str, call: str) -> Message:
        return message(at, f"INVITE sip:{agent}@h SIP/2.0", sent=False, call=call)

    def bye(at: float, call: str) -> Message:
        return message(at, "BYE sip:asterisk@h SIP/2.0", sent=True, call=call)

    agents = [
        ring(1.0, "2101", "a"),
        ring(1.1, "2102", "b"),
        message(1.2, "INVITE sip:h SIP/2.0", sent=False, call="a"),  # the session is renewed
        bye(2.0, "a"),
        bye(2.001, "a"),  # sent again
        ring(2.005, "2101", "c"),
        bye(3.0, "b"),
        ring(3.007, "2102", "d"),
        bye(9.0, "c"),  # nobody calls any more
        ring(9.5, "2101", "e"),
    ]
    callers = [message(8.0, INVITE, sent=True)]
    assert freed_ms(Batch(callers, agents, 1, 0)) == [pytest.approx(5.0), pytest.approx(7.0)]
