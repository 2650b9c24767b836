"""One SIP call made of raw bytes: for what no proper telephone would send.

Just enough of RFC 3261 over UDP for an INVITE with digest authentication (RFC 2617, MD5), its
answer, and a BYE. Nothing is escaped: what the test writes is what Sala's PBX gets.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from types import TracebackType

from lab.digest import authorization
from lab.errors import WorldError

_RESEND_S = 0.5


class RawCall(asyncio.DatagramProtocol):
    """An async context manager; `invite` sends the bytes and gives the final status."""

    def __init__(self, sala: tuple[str, int], account: tuple[str, str]) -> None:
        self._sala = sala
        self._user, self._secret = account
        self._replies: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._call_id = f"{secrets.token_hex(8)}@lab"
        self._tag = secrets.token_hex(4)
        self._sequence = 0
        self._dialog: tuple[bytes, bytes, bytes] | None = None
        self._pending: tuple[bytes, bytes] | None = None
        self._contact = b""
        self.provisional: list[int] = []

    async def __aenter__(self) -> RawCall:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._contact = b"<sip:lab@%b>" % self._local()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._cancel()
            await self.bye()
        finally:
            if self._transport is not None:
                self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a reply in; requests (a BYE of the other side) are agreed to."""
        if data.startswith(b"SIP/2.0 "):
            self._replies.put_nowait(data)
        elif self._transport is not None and not data.startswith(b"ACK "):
            kept = [
                line
                for line in data.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                if line.lower().startswith((b"via:", b"from:", b"to:", b"call-id:", b"cseq:"))
            ]
            reply = b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""])
            self._transport.sendto(reply, addr)

    async def invite(
        self,
        dialled: bytes,
        *,
        sender: bytes = b'"Lab" <sip:+14155550100@lab.invalid>',
        headers: bytes = b"",
        within: float = 8.0,
    ) -> int:
        """Call `dialled` and give the final SIP status; 0 if there is no final reply in time.

        `dialled` is the user part of the request's URI, `sender` the whole From but its tag,
        `headers` whole lines, each with its CRLF; all as they are. An INVITE that was answered is
        acknowledged, and ended when the context is left.
        """
        target = b"sip:%b@%b" % (dialled, self._host())
        status, reply = await self._ask(b"INVITE", target, sender, headers, b"", within)
        proof = b""
        if status in {401, 407}:
            self._ack(target, sender, reply)
            proof = self._proof(b"INVITE", target, reply)
            status, reply = await self._ask(b"INVITE", target, sender, headers, proof, within)
        if status >= 200:
            self._ack(target, sender, reply)
        elif self.provisional or proof:
            self._pending = (target, sender)
        self._answered(status, target, sender, reply)
        return status

    async def flash(self, dialled: bytes, *, sender: bytes, headers: bytes = b"") -> int:
        """Call and take it back in the same breath: INVITE and CANCEL without a pause.

        Arguments and result as for `invite`.
        """
        target = b"sip:%b@%b" % (dialled, self._host())
        proof = b""
        status, reply = await self._ask(b"INVITE", target, sender, headers, b"", 4.0)
        if status in {401, 407}:
            self._ack(target, sender, reply)
            proof = self._proof(b"INVITE", target, reply)
        elif status:
            self._ack(target, sender, reply)
            return status
        self._sequence += 1
        number = self._sequence
        self.send(self._message(b"INVITE", target, sender, headers + proof, b"", number))
        self.send(self._message(b"CANCEL", target, sender, b"", b"", number))
        return await self._cancelled(target, sender, 4.0)

    async def register(self, contact: bytes, *, headers: bytes = b"", within: float = 4.0) -> int:
        """Register the account at `contact`, the whole of that header; gives the final status."""
        self._contact = contact
        target, sender = b"sip:%b" % self._host(), b"<sip:%b@lab>" % self._user.encode()
        to = sender
        status, reply = await self._ask(b"REGISTER", target, sender, headers, b"", within, to=to)
        if status in {401, 407}:
            proof = self._proof(b"REGISTER", target, reply)
            status, _ = await self._ask(b"REGISTER", target, sender, headers, proof, within, to=to)
        return status

    async def bye(self, within: float = 4.0) -> None:
        """End the call, if it was answered."""
        if self._dialog is None:
            return
        (target, sender, to), self._dialog = self._dialog, None
        await self._ask(b"BYE", target, sender, b"", b"", within, to=to)

    def _answered(self, status: int, target: bytes, sender: bytes, reply: bytes) -> None:
        """Take note of the call that `bye` is to end, if this is one."""
        if 200 <= status < 300:
            contact = re.search(rb"\r\nContact:\s*<([^>]+)>", reply, re.IGNORECASE)
            self._dialog = (contact[1] if contact else target, sender, _header(reply, b"To"))

    async def _cancel(self, within: float = 8.0) -> None:
        """Take back an INVITE that got no final reply."""
        if self._pending is None:
            return
        (target, sender), self._pending = self._pending, None
        self.send(self._message(b"CANCEL", target, sender, b"", b"", self._sequence))
        await self._cancelled(target, sender, within)

    async def _cancelled(self, target: bytes, sender: bytes, within: float) -> int:
        """Wait for the INVITE's final reply and acknowledge it; gives its status, or 0."""
        marker = b"%d INVITE" % self._sequence
        try:
            async with asyncio.timeout(within):
                reply = await self._replies.get()
                while _header(reply, b"CSeq") != marker or reply[8:9] == b"1":
                    reply = await self._replies.get()
        except TimeoutError:
            return 0
        self._ack(target, sender, reply)
        status = int(reply[8:11])
        # It may have been answered before the CANCEL came.
        self._answered(status, target, sender, reply)
        return status

    def send(self, data: bytes) -> None:
        """Send any bytes at all."""
        if self._transport is None:
            raise WorldError("the raw call is not open")
        self._transport.sendto(data, self._sala)

    # --- messages -------------------------------------------------------------------------------

    def _host(self) -> bytes:
        return b"%b:%d" % (self._sala[0].encode(), self._sala[1])

    def _local(self) -> bytes:
        if self._transport is None:
            raise WorldError("the raw call is not open")
        host, port = self._transport.get_extra_info("sockname")[:2]
        return b"%b:%d" % (str(host).encode(), port)

    async def _ask(
        self,
        method: bytes,
        target: bytes,
        sender: bytes,
        headers: bytes,
        proof: bytes,
        within: float,
        to: bytes = b"",
    ) -> tuple[int, bytes]:
        self._sequence += 1
        message = self._message(method, target, sender, headers + proof, to, self._sequence)
        deadline = time.monotonic() + within
        marker = b"%d %b" % (self._sequence, method)
        heard = False
        while (left := deadline - time.monotonic()) > 0:
            if not heard:
                self.send(message)
            try:
                async with asyncio.timeout(left if heard else min(left, _RESEND_S)):
                    reply = await self._replies.get()
            except TimeoutError:
                continue
            if _header(reply, b"CSeq") != marker:
                continue
            heard = True
            status = int(reply[8:11])
            if status >= 200:
                return status, reply
            self.provisional.append(status)
        return 0, b""

    def _message(
        self, method: bytes, target: bytes, sender: bytes, headers: bytes, to: bytes, number: int
    ) -> bytes:
        body = b""
        if method == b"INVITE":
            host, _, port = self._local().partition(b":")
            body = (
                b"v=0\r\no=lab 1 1 IN IP4 %b\r\ns=-\r\nc=IN IP4 %b\r\nt=0 0\r\n"
                b"m=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
                b"a=rtpmap:101 telephone-event/8000\r\n" % (host, host, int(port))
            )
            headers += b"Content-Type: application/sdp\r\n"
        return (
            b"%b %b SIP/2.0\r\nVia: SIP/2.0/UDP %b;rport;branch=z9hG4bK%b%d\r\n"
            b"Max-Forwards: 70\r\nFrom: %b;tag=%b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %d %b\r\n"
            b"Contact: %b\r\n%bContent-Length: %d\r\n\r\n%b"
            % (
                *(method, target, self._local(), self._tag.encode(), number),
                *(sender, self._tag.encode(), to or b"<sip:line@%b>" % self._host()),
                *(self._call_id.encode(), number, method, self._contact),
                *(headers, len(body), body),
            )
        )

    def _ack(self, target: bytes, sender: bytes, reply: bytes) -> None:
        to = _header(reply, b"To")
        self.send(self._message(b"ACK", target, sender, b"", to, self._sequence))

    def _proof(self, method: bytes, target: bytes, reply: bytes) -> bytes:
        challenge = _header(reply, b"WWW-Authenticate") or _header(reply, b"Proxy-Authenticate")
        return authorization((self._user, self._secret), method, target, reply[8:11], challenge)


def _header(message: bytes, name: bytes) -> bytes:
    match = re.search(rb"\r\n%b:[ \t]*([^\r\n]*)" % name, message, re.IGNORECASE)
    return match[1] if match else b""
