"""A soft phone: one SIP account on one UDP socket, with any number of calls."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from types import TracebackType

from lab.digest import authorization
from lab.errors import Deadline, LabError
from lab.softphone import message
from lab.softphone.line import Line
from lab.softphone.media import Media
from lab.softphone.message import Message
from lab.watch import PATIENCE_S

_RESEND_S = 0.5


class SoftPhone(asyncio.DatagramProtocol):
    """An async context manager: registered while it lasts.

    `sala` is the address and SIP port of the PBX; `number` is what is shown in From, if it is not
    the account.
    """

    def __init__(
        self, sala: tuple[str, int], account: str, secret: str, *, number: str = ""
    ) -> None:
        self.account = account
        self.number = number or account
        self._sala = sala
        self._login = (account, secret)
        self.domain = f"{sala[0]}:{sala[1]}"
        self.lines: dict[str, Line] = {}
        self._incoming: asyncio.Queue[Line] = asyncio.Queue()
        self._replies: dict[tuple[str, str], asyncio.Queue[Message]] = {}
        self._sent: dict[tuple[str, str], bytes] = {}
        """Replies by call and CSeq, to be sent again when asked again."""
        self._transport: asyncio.DatagramTransport | None = None
        self._local = ""
        self._own: Line | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> SoftPhone:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        host, port = self._transport.get_extra_info("sockname")[:2]
        self._local = f"{host}:{port}"
        self._own = Line(self, secrets.token_hex(8), 0, Media())
        await self.register()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.hang_up_all()
            if self._transport is not None:
                await self.register(0)
        finally:
            self.die()

    def die(self) -> None:
        """Be gone without a word, as when the cable is pulled."""
        for task in self._tasks:
            task.cancel()
        for line in self.lines.values():
            line.finished(0)
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def hang_up_all(self) -> None:
        """End all calls."""
        for line in list(self.lines.values()):
            await line.hang_up()

    # --- calls ----------------------------------------------------------------------------------

    async def ringing(self, within: float = PATIENCE_S) -> Line:
        """Wait for the next INVITE."""
        try:
            async with asyncio.timeout(within):
                return await self._incoming.get()
        except TimeoutError:
            raise Deadline(f"soft phone {self.account}: no INVITE within {within:g} s") from None

    def rings(self) -> int:
        """Count the INVITEs that nobody asked for yet."""
        return self._incoming.qsize()

    def forget(self) -> None:
        """Forget calls that are over and INVITEs nobody asked for, as between two tests."""
        self.lines = {name: line for name, line in self.lines.items() if not line.over}
        while not self._incoming.empty():
            self._incoming.get_nowait()

    async def dial(self, dialled: str) -> Line:
        """Dial; gives the call at once, to wait for by `answered`."""
        line = await self._line(f"{secrets.token_hex(8)}@phone")
        line.remote_uri = line.target = f"sip:{dialled}@{self.domain}"
        self.begin(self._dialled(line))
        return line

    def begin(self, what: Coroutine[None, None, None]) -> None:
        """Do something meanwhile."""
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dialled(self, line: Line) -> None:
        reply = await self.ask(line, "INVITE", line.target, (), line.sdp(), 120.0)
        if reply.status == 200:
            line.hear_from(reply.body)
            line.began()
        else:
            line.finished(reply.status)

    async def give_up(self, line: Line) -> None:
        """Take an INVITE back (CANCEL)."""
        headers = self._headers(line, "CANCEL", line.sequence)
        self._send(message.write(f"CANCEL {line.target} SIP/2.0", headers))
        await line.ended()

    async def _line(self, call_id: str) -> Line:
        media = Media()
        line = self.lines[call_id] = Line(self, call_id, await media.open(), media)
        return line

    # --- requests of ours -----------------------------------------------------------------------

    async def register(self, seconds: int = 300) -> None:
        """Register for so long, in place of any other phone of the account; 0 takes it back."""
        if self._own is None:
            raise LabError("the soft phone is not open")
        self._own.remote_uri = f"sip:{self.account}@{self.domain}"
        headers = (("Expires", str(seconds)),)
        reply = await self.ask(self._own, "REGISTER", f"sip:{self.domain}", headers, "", PATIENCE_S)
        if reply.status != 200:
            raise LabError(f"soft phone {self.account}: not registered, SIP {reply.status}")

    async def ask(
        self,
        line: Line,
        method: str,
        target: str,
        headers: message.Headers,
        body: str,
        within: float,
    ) -> Message:
        """Send a request and give its final reply, proving who we are where that is asked."""
        reply = await self._ask_once(line, method, target, headers, body, "", within)
        if reply.status in {401, 407}:
            challenge = reply.get("www-authenticate") or reply.get("proxy-authenticate")
            proof = authorization(
                self._login,
                method.encode(),
                target.encode(),
                str(reply.status).encode(),
                challenge.encode(),
            ).decode()
            reply = await self._ask_once(line, method, target, headers, body, proof, within)
        return reply

    async def _ask_once(
        self,
        line: Line,
        method: str,
        target: str,
        headers: message.Headers,
        body: str,
        proof: str,
        within: float,
    ) -> Message:
        line.sequence += 1
        number = line.sequence
        key = (line.call_id, f"{number} {method}")
        queue = self._replies[key] = asyncio.Queue()
        own = self._headers(line, method, number)
        more = [*own, *headers]
        if proof:
            name, _, value = proof.strip().partition(": ")
            more.append((name, value))
        if body:
            more.append(("Content-Type", "application/sdp"))
        data = message.write(f"{method} {target} SIP/2.0", more, body)
        heard = False
        try:
            async with asyncio.timeout(within):
                while True:
                    if not heard:
                        self._send(data)
                    try:
                        async with asyncio.timeout(None if heard else _RESEND_S):
                            reply = await queue.get()
                    except TimeoutError:
                        continue
                    heard = True
                    if reply.status >= 200:
                        break
        except TimeoutError:
            raise Deadline(f"{line}: {method}: no reply within {within:g} s") from None
        finally:
            del self._replies[key]
        if method == "INVITE":
            self._acknowledge(line, reply, number, target)
        return reply

    def _acknowledge(self, line: Line, reply: Message, number: int, target: str) -> None:
        if reply.status < 300:
            line.remote_tag = message.tag_of(reply.get("to"))
            line.target = target = message.uri_of(reply.get("contact")) or target
        headers = self._headers(line, "ACK", number)
        replaced = [(n, reply.get("to") if n == "To" else v) for n, v in headers]
        self._send(message.write(f"ACK {target} SIP/2.0", replaced))

    def _headers(self, line: Line, method: str, number: int) -> message.Headers:
        branch = f"z9hG4bK{line.call_id[:12]}{number}"
        shown = self.account if method == "REGISTER" else self.number
        own = f"<sip:{shown}@{self.domain}>;tag={line.tag}"
        other = f"<{line.remote_uri}>" + (f";tag={line.remote_tag}" if line.remote_tag else "")
        return [
            ("Via", f"SIP/2.0/UDP {self._local};rport;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", own),
            ("To", other),
            ("Call-ID", line.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", f"<sip:{self.account}@{self._local}>"),
        ]

    # --- requests of the other side -------------------------------------------------------------

    def reply(self, asked: Message, status: int, line: Line | None = None, body: str = "") -> None:
        """Reply to a request of the other side."""
        to = asked.get("to")
        if line is not None and not message.tag_of(to):
            to += f";tag={line.tag}"
        headers = [("Via", via) for via in asked.all("via")]
        headers += [("From", asked.get("from")), ("To", to), ("Call-ID", asked.get("call-id"))]
        headers += [("CSeq", asked.answers), ("Contact", f"<sip:{self.account}@{self._local}>")]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        data = message.write(f"SIP/2.0 {status} Told", headers, body)
        self._sent[asked.get("call-id"), asked.answers] = data
        self._send(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a message in."""
        one = message.parse(data)
        if one.status:
            queue = self._replies.get((one.get("call-id"), one.answers))
            if queue is not None:
                queue.put_nowait(one)
            return
        again = self._sent.get((one.get("call-id"), one.answers))
        if again is not None and one.method != "ACK":
            self._send(again)
            return
        self._asked(one, self.lines.get(one.get("call-id")))

    def _asked(self, one: Message, line: Line | None) -> None:
        match one.method:
            case "ACK":
                pass
            case "INVITE" if line is None:
                self.begin(self._invited(one))
            case "INVITE" | "UPDATE" if line is not None:
                line.hear_from(one.body)
                self.reply(one, 200, line, line.sdp() if one.body else "")
            case "BYE" if line is not None:
                self.reply(one, 200, line)
                line.finished(0)
            case "CANCEL" if line is not None:
                self.reply(one, 200, line)
                line.reject(487)
            case "NOTIFY" if line is not None:
                self.reply(one, 200, line)
                line.notify(one.body)
            case "OPTIONS":
                self.reply(one, 200)
            case _:
                self.reply(one, 481)

    async def _invited(self, one: Message) -> None:
        line = await self._line(one.get("call-id"))
        line.asked = one
        line.remote_tag = message.tag_of(one.get("from"))
        line.remote_uri = message.uri_of(one.get("from"))
        line.target = message.uri_of(one.get("contact"))
        line.shown_number = message.user_of(one.get("p-asserted-identity") or one.get("from"))
        self.reply(one, 180, line)
        self._incoming.put_nowait(line)

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data, self._sala)
