"""An AMI server in the test's hand, speaking the real protocol over a real socket.

It is for what the real PBX cannot be made to do at will: fall silent, die between an action and
its answer, answer out of order. The protocol itself is checked against Asterisk and panoramisk in
the contract and end-to-end tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pbx.wire.ami_server import Action, AmiServerConnection

Reply = Callable[["FakeAmi", Action], bool]


class FakeAmi:
    """Accepts anyone, answers the actions it knows, and remembers all of them."""

    def __init__(self) -> None:
        self.actions: list[tuple[str, dict[str, str]]] = []
        self.silent: set[str] = set()
        self.refuse: set[str] = set()
        self.status: list[list[tuple[str, str]]] = []
        self.contacts: list[list[tuple[str, str]]] = []
        self.logins = 0
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._codec = AmiServerConnection()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Break the connection, as a PBX that dies does."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def send(self, *headers: tuple[str, str]) -> None:
        if self._writer is not None:
            self._writer.write(self._codec.send_message(headers))

    def event(self, name: str, **headers: str) -> None:
        self.send(("Event", name), *headers.items())

    def names(self) -> list[str]:
        return [name for name, _ in self.actions]

    async def saw(self, name: str, times: int = 1) -> dict[str, str]:
        """Wait for the n-th action of a name; gives its headers."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: self.names().count(name) >= times)
        return [headers for one, headers in self.actions if one == name][times - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, self._codec = writer, AmiServerConnection()
        writer.write(self._codec.send_banner())
        try:
            while data := await reader.read(65536):
                self._codec.receive_data(data)
                for item in self._codec:
                    if isinstance(item, Action):
                        await self._act(item)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _act(self, action: Action) -> None:
        headers = dict(action.headers.items())
        async with self._changed:
            self.actions.append((action.name, headers))
            self._changed.notify_all()
        if action.name in self.silent:
            return
        token = ("ActionID", action.action_id or "")
        if action.name in self.refuse:
            self.send(("Response", "Error"), token, ("Message", "no"))
            return
        match action.name:
            case "Challenge":
                self.send(("Response", "Success"), token, ("Challenge", "12345"))
            case "Login":
                self.logins += 1
                self.send(("Response", "Success"), token, ("Message", "ok"))
            case "Status":
                self._list(token, "Status", self.status)
            case "PJSIPShowContacts":
                self._list(token, "ContactList", self.contacts)
            case _:
                self.send(("Response", "Success"), token)

    def _list(self, token: tuple[str, str], name: str, rows: list[list[tuple[str, str]]]) -> None:
        self.send(("Response", "Success"), token, ("EventList", "start"))
        for row in rows:
            self.send(("Event", name), token, *row)
        self.send(("Event", f"{name}Complete"), token, ("EventList", "Complete"))
