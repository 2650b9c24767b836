"""What `sala up` shows: a live view on a terminal, one line for each change elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from crm import floor
from crm.database import Database
from crm.errors import CrmError
from crm.records import EntryPoint
from sala import secrets, view
from sala.control import ControlClient
from sala.database import CALLER_ACCOUNT
from sala.errors import SalaError
from sala.setup import SetUp
from sala.sources import Loaded
from sala.supervisor import Health

EVERY_S = 1.0


class Screen:
    """The view of one `sala up`. `begun` is when it began (`time.monotonic`)."""

    def __init__(
        self, loaded: Loaded, console: Console, ready: SetUp, *, begun: float, show_secrets: bool
    ) -> None:
        self._settings = loaded.settings
        self._console = console
        self._begun = begun
        # Into a file or a pipe no secret is written.
        self._show_secrets = show_secrets and console.is_terminal
        self._live: Live | None = None
        self._health: Sequence[Health] = ()
        self._accounts: dict[str, str] = dict(ready.secrets.sip)
        self._numbers: tuple[EntryPoint, ...] = ()
        self._status: dict[str, Any] = {}
        self._is_ready = False
        self._told_states: dict[str, str] = {}
        self._told_lines: list[str] = []
        self._details = {
            "postgres": "embedded"
            if self._settings.embedded_database
            else "as set in database_url",
            "asterisk": f"{ready.pbx.version_text} ({ready.pbx.origin}), "
            f"SIP on {view.server_address(self._settings)}",
            "service": f"control socket {self._settings.paths.control_socket}",
        }
        for warning in ready.warnings:
            self.say(str(warning))

    @contextlib.contextmanager
    def shown(self, health: Sequence[Health]) -> Iterator[None]:
        """Show the view while the context lasts."""
        self._health = health
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def say(self, line: str) -> None:
        """Print a line that stays."""
        stamp = time.strftime("%H:%M:%S")
        self._console.print(f"{stamp} {line}", markup=False)

    def changed(self, health: Health) -> None:
        """Take note of a part's change."""
        detail = self._details[health.part.name]
        if self._live is None or health.why:
            self.say(view.line_of(health, detail))
        self._refresh()

    def ready(self) -> None:
        """Say that all is up."""
        self._is_ready = True
        self.say(f"ready in {time.monotonic() - self._begun:.1f} s")
        self._refresh()

    def ending(self) -> None:
        """Say that all is being stopped; the floor is shown no more."""
        self._is_ready = False
        self.say("stopping; Ctrl-C again does it by force")
        self._refresh()

    async def follow(self, database_url: str) -> None:
        """Keep the view up to date, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_configuration(database_url))
            tasks.create_task(self._follow_floor())

    async def _follow_configuration(self, url: str) -> None:
        database = Database(url, size=2)
        while True:
            try:
                await database.open()
                break
            except CrmError:
                await asyncio.sleep(EVERY_S)
        try:
            async for _ in floor.watch(database):
                with contextlib.suppress(CrmError, SalaError):
                    self._numbers = (await floor.load(database)).entry_points
                    self._accounts = dict(secrets.load(self._settings.paths.secrets).sip)
                    self._tell_configuration()
                    self._refresh()
        finally:
            await database.close()

    async def _follow_floor(self) -> None:
        async with ControlClient(self._settings.paths.control_socket) as client:
            while True:
                try:
                    self._status = await client.status()
                except SalaError:
                    self._status = {}
                self._tell_calls()
                self._refresh()
                await asyncio.sleep(EVERY_S)

    def _tell_configuration(self) -> None:
        if self._live is not None:
            return
        server = view.server_address(self._settings)
        names = ", ".join(self._accounts)
        lines = [
            *(
                f"number to call: {one.number} at {server} (flow {one.flow})"
                for one in self._numbers
            ),
            f"SIP accounts: {names}; their secrets: {self._settings.paths.secrets}",
        ]
        for line in lines:
            if line not in self._told_lines:
                self.say(line)
        self._told_lines = lines

    def _tell_calls(self) -> None:
        if self._live is not None:
            return
        states = {
            str(call.get("interaction")): " ".join(
                str(word)
                for word in (call.get("state"), call.get("queue"), call.get("agent"))
                if word
            )
            for call in self._status.get("calls", ())
        }
        for interaction, state in states.items():
            if self._told_states.get(interaction) != state:
                self.say(f"call {interaction}: {state}")
        for interaction in self._told_states.keys() - states.keys():
            self.say(f"call {interaction}: over")
        self._told_states = states

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        parts = [(health, self._details[health.part.name]) for health in self._health]
        blocks: list[RenderableType] = [view.parts_table(parts)]
        if self._is_ready:
            server = view.server_address(self._settings)
            numbers = ", ".join(f"{entry.number} ({entry.flow})" for entry in self._numbers)
            blocks += [
                Text(f"Numbers to call: {numbers or 'none'}", style="bold"),
                view.accounts_table(
                    server, self._accounts, secrets=self._show_secrets, outside=CALLER_ACCOUNT
                ),
                view.floor_tables(self._status)
                if self._status
                else Text("The service does not answer.", style="bold red"),
            ]
            blocks.append(Text("Ctrl-C stops everything.", style="dim"))
        return Group(*(Padding(block, (0, 0, 1, 0)) for block in blocks))
