"""A crowd of callers with keypads: raw SIP and RTP, so that 500 of them fit beside what they test.

All calls share one SIP socket; each has an `Ear` of its own. Callers listen and press keys
(RFC 4733), and send no sound of their own. The prompts that they meet are made of one byte each.
Arrival is timed by the kernel, so that the crowd's own queue is not measured.
"""

from __future__ import annotations

import random
import re
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

from lab.bench.ear import Ear
from lab.errors import LabError

TRUNK = "127.0.0.3"
KEY_MS = 100
"""How long a key is held; a PBX takes it when it is released."""
STEP_MS = 20
_EVENT = 101
_LOOK_S = 0.5
"""How often the threads look whether it is over."""
_ANSWER_S = 20.0
_GOODBYE_S = 5.0
"""No longer: nothing is measured any more, and the PBX ends what is left."""
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-16\r\na=ptime:20\r\n"
)


@dataclass(slots=True)
class Keypad:
    """One call."""

    ear: Ear
    id: str
    number: str
    tag: str
    to: str = ""
    target: str = ""
    status: int = 0
    rtp: int = 0
    sequence: int = 0
    timestamp: int = 0
    switched: threading.Event = field(default_factory=threading.Event)


class Crowd:
    """A context manager: `call` brings callers in, `press` presses a key, leaving hangs up."""

    def __init__(self, sala: tuple[str, int]) -> None:
        self._sala = sala
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ears = select.epoll()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._by_id: dict[str, Keypad] = {}
        self._by_ear: dict[int, Keypad] = {}
        self._moved = threading.Condition()
        self._draw = random.Random(7)

    def __enter__(self) -> Crowd:
        self._sip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._sip.bind((TRUNK, 0))
        self._sip.settimeout(_LOOK_S)
        for work in (self._signal, self._listen):
            thread = threading.Thread(target=work, name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for call in self.calls:
            self._send(self._request("BYE", call, 2))
        with self._moved:
            self._moved.wait_for(lambda: not self.calls, _GOODBYE_S)
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._sip.close()
        self._ears.close()
        for call in self._by_id.values():
            call.ear.socket.close()

    @property
    def calls(self) -> list[Keypad]:
        """All calls that are up."""
        return [call for call in self._by_id.values() if call.status == 200]

    def call(self, number: str, count: int, rate: float) -> None:
        """Make calls, `rate` a second; return when all hear something. Raises LabError."""
        host, port = self._sip.getsockname()
        begun = time.monotonic()
        for made in range(count):
            call = Keypad(Ear(host), f"{self._draw.getrandbits(64):x}", number, f"{made:x}")
            self._by_id[call.id] = self._by_ear[call.ear.socket.fileno()] = call
            self._ears.register(call.ear.socket, select.EPOLLIN)
            body = _SDP.format(host=host, port=call.ear.port)
            self._send(
                f"{self._head('INVITE', f'sip:{number}@{host}', call, 1)}"
                f"Contact: <sip:crowd@{host}:{port}>\r\nContent-Type: application/sdp\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            )
            # The pace asked for; there is no event to wait for.
            time.sleep(max(0.0, begun + (made + 1) / rate - time.monotonic()))
        with self._moved:
            if not self._moved.wait_for(
                lambda: all(call.ear.heard >= 0 for call in self._by_id.values()), _ANSWER_S
            ):
                heard = sum(call.ear.heard >= 0 for call in self._by_id.values())
                states = sorted({call.status for call in self._by_id.values()})
                raise LabError(f"{heard} of {count} calls hear anything; answers: {states}")

    def press(self, call: Keypad, key: str) -> int:
        """Press a key for 100 ms; return when it was released, in ns of the wall clock."""
        call.switched.clear()
        start = call.timestamp = (call.timestamp + 1600) & 0xFFFFFFFF
        address = (self._sala[0], call.rtp)
        event = "0123456789*#".index(key)
        steps = KEY_MS // STEP_MS
        for step in range(1, steps + 1):
            last = step == steps
            released = time.time_ns()
            for _ in range(3 if last else 1):
                call.sequence = (call.sequence + 1) & 0xFFFF
                mark = 0x80 if step == 1 else 0
                head = struct.pack(
                    "!BBHII", 0x80, mark | _EVENT, call.sequence, start, int(call.tag, 16) + 1
                )
                held = struct.pack("!BBH", event, 0x8A if last else 0x0A, step * STEP_MS * 8)
                call.ear.socket.sendto(head + held, address)
            if not last:
                time.sleep(STEP_MS / 1000)  # a telephone sends a packet each 20 ms (RFC 4733)
        return released

    # --- how it is done -------------------------------------------------------------------------

    def _listen(self) -> None:
        """Note which prompt each call hears."""
        while not self._over.is_set():
            for ear, _ in self._ears.poll(_LOOK_S):
                call = self._by_ear[ear]
                if call.ear.listen():
                    call.switched.set()
                    with self._moved:
                        self._moved.notify_all()

    def _signal(self) -> None:
        """Answer what the PBX says."""
        while not self._over.is_set():
            try:
                text = self._sip.recv(8192).decode("utf-8", "replace")
            except TimeoutError:
                continue
            found = re.search(r"^Call-ID: *(\S+)", text, re.MULTILINE | re.IGNORECASE)
            call = self._by_id.get(found[1]) if found else None
            if call is None:
                continue
            if text.startswith("SIP/2.0 "):
                self._answered(call, text)
            elif text.startswith("BYE "):
                self._ended(call)
                heads = "".join(
                    f"{line}\r\n"
                    for line in text.split("\r\n")
                    if re.match(r"(Via|From|To|Call-ID|CSeq):", line, re.IGNORECASE)
                )
                self._send(f"SIP/2.0 200 OK\r\n{heads}Content-Length: 0\r\n\r\n")

    def _ended(self, call: Keypad) -> None:
        with self._moved:
            call.status = 487
            self._moved.notify_all()

    def _answered(self, call: Keypad, text: str) -> None:
        status = int(text[8:11])
        if "BYE" in text.partition("CSeq:")[2].partition("\r\n")[0]:
            self._ended(call)
        if "INVITE" not in text.partition("CSeq:")[2].partition("\r\n")[0] or status < 200:
            return
        to = re.search(r"^To: *(.+?)\r?$", text, re.MULTILINE | re.IGNORECASE)
        call.to = to[1] if to else ""
        contact = re.search(r"^Contact: *<([^>]+)>", text, re.MULTILINE | re.IGNORECASE)
        call.target = contact[1] if contact else ""
        port = re.search(r"^m=audio (\d+) ", text, re.MULTILINE)
        if status == 200 and port is not None:
            call.rtp = int(port[1])
            self._send(self._request("ACK", call, 1))
        call.status = status

    def _request(self, method: str, call: Keypad, sequence: int) -> str:
        target = call.target or f"sip:{call.number}@{self._sala[0]}"
        return f"{self._head(method, target, call, sequence)}Content-Length: 0\r\n\r\n"

    def _head(self, method: str, target: str, call: Keypad, sequence: int) -> str:
        host, port = self._sip.getsockname()
        branch = f"z9hG4bK{call.id}{method}"
        to = call.to or f"<sip:{call.number}@{self._sala[0]}>"
        return (
            f"{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch={branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+1415{int(call.tag, 16) + 3_000_000}@{host}>"
            f";tag={call.tag}\r\nTo: {to}\r\nCall-ID: {call.id}\r\nCSeq: {sequence} {method}\r\n"
        )

    def _send(self, text: str) -> None:
        self._sip.sendto(text.encode(), self._sala)
