"""Callers and agents' phones: SIPp, for both peers alike.

Callers come through a trunk known by its address, so that no challenge stands between a caller's
INVITE and the call. Each call has a number of its own, which the agent's phone is shown: by it the
two legs are matched. All agents' phones are one SIPp on one port.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import ports
from lab.bench.trace import Message, Trace, invited, is_request, ring_ms
from lab.errors import Deadline, LabError
from lab.programs import pbx
from pbx.appliance.process import dies_with_parent

TRUNK = "127.0.0.2"
"""The loopback address that callers call from."""
PHONES = "127.0.0.1"
SCENARIOS = Path(__file__).parent / "scenarios"
REGISTER_S = 20.0
ERROR_CHARACTERS = 200
_NO_ERROR = "The following events"
SLACK_S = 15.0
"""How much longer than planned a batch of calls may take before it is given up."""

Address = tuple[str, int]


class Sipp:
    """One SIPp process in `folder`; its traces and errors are named after `name`."""

    def __init__(self, folder: Path, name: str, scenario: str, here: Address, there: Address):
        self._folder = folder
        self._errors = folder / f"{name}.errors"
        self._argv = [
            *(f"{there[0]}:{there[1]}", "-sf", str(SCENARIOS / f"{scenario}.xml")),
            *("-i", here[0], "-mi", here[0], "-bind_local", "-p", str(here[1])),
            *("-trace_msg", "-message_file", str(folder / f"{name}.messages")),
            *("-trace_err", "-error_file", str(self._errors)),
            # A busy machine is no reason for SIPp to end itself.
            *("-nostdin", "-watchdog_interval", "0", "-max_socket", "64"),
        ]
        self._process: asyncio.subprocess.Process | None = None
        self.trace = Trace(folder / f"{name}.messages")

    async def start(self, *arguments: str) -> None:
        """Start it. Raises `pbx.errors.ApplianceError` when there is no SIPp."""
        tool = pbx().tool("sipp")
        self._process = await asyncio.create_subprocess_exec(
            *(*tool.argv, *self._argv, *arguments),
            env={"TERM": "dumb", "PATH": "", **tool.env},
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=dies_with_parent(),
        )

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def wait(self, within: float) -> int:
        """Wait for its end; gives its status (1: a call failed). Raises `Deadline`."""
        if self._process is None:
            raise LabError("SIPp was not started")
        try:
            async with asyncio.timeout(within):
                return await self._process.wait()
        except TimeoutError:
            await self.stop()
            raise Deadline(f"SIPp did not end in {within:.0f} s: {self.said()}") from None

    async def stop(self) -> None:
        """End it, if it runs."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()

    def said(self) -> str:
        """The first error it told, or nothing."""
        with contextlib.suppress(OSError):
            lines = self._errors.read_text(encoding="utf-8", errors="replace").splitlines()
            told = [line for line in lines if line.strip() and not line.startswith(_NO_ERROR)]
            return told[0][:ERROR_CHARACTERS] if told else ""
        return ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One call to make: the number it dials, and how long the agent talks (ms)."""

    dialled: str
    talk_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of calls: all messages of both sides, and how many calls did not go well."""

    callers: Sequence[Message]
    agents: Sequence[Message]
    calls: int
    failed: int
    why: str = ""

    def rings(self, dialled: str | None = None) -> list[float]:
        """Caller's INVITE to agent's INVITE, in ms, in order; of those who dialled one number."""
        numbers = {
            message.user
            for message in self.callers
            if message.sent and is_request(message, "INVITE") and dialled in (None, message.target)
        }
        return [
            ms for number, ms in ring_ms(self.callers, self.agents).items() if number in numbers
        ]

    def rate(self) -> float:
        """Give the calls a second that were made, from the first caller's INVITE to the last's."""
        called = [message.at for message in invited(m for m in self.callers if m.sent).values()]
        between = max(called) - min(called) if called else 0.0
        return (len(called) - 1) / between if between else 0.0


class Clients:
    """The outside world of one bench: agents' phones that stay, and batches of callers."""

    def __init__(self, folder: Path, sala: Address) -> None:
        self._folder = folder
        self._sala = sala
        phones, callers = ports.free(2)
        self._phones: Address = (PHONES, phones)
        self._trunk: Address = (TRUNK, callers)
        self._agents: Sipp | None = None
        self._numbers = itertools.count(2_000_000)
        self._batches = itertools.count(1)

    async def open(self, accounts: Mapping[str, str]) -> None:
        """Register agents' phones (account to secret), then have them wait for calls."""
        rows = [
            f"{account};[authentication username={account} password={secret}]"
            for account, secret in accounts.items()
        ]
        register = Sipp(self._folder, "register", "register", self._phones, self._sala)
        for last in (False, True):
            await register.start(*self._each(rows, "register"), "-r", "100", "-l", "10")
            if await register.wait(REGISTER_S) == 0:
                break
            if last:
                raise LabError(f"agents' phones could not register: {register.said()}")
        self._agents = Sipp(self._folder, "agents", "agent", self._phones, self._sala)
        await self._agents.start()

    async def close(self) -> None:
        """Take the agents' phones away."""
        if self._agents is not None:
            await self._agents.stop()
            self._agents = None

    async def call(
        self,
        plans: Sequence[Plan],
        *,
        rate: float,
        at_once: int,
        planned_s: float,
        apart_ms: int = 0,
    ) -> Batch:
        """Make calls, `rate` a second and at most `at_once` at a time; return when all are over.

        `apart_ms` passes after each before it counts as over. `planned_s` is how long all of it
        should take. Raises `Deadline` when it takes far longer.
        """
        if self._agents is None or not self._agents.running:
            why = self._agents.said() if self._agents else ""
            raise LabError(f"the agents' phones are not there {why}".strip())
        name = f"callers-{next(self._batches)}"
        numbers = [f"+1415{next(self._numbers)}" for _ in plans]
        rows = [
            f"{number};{plan.dialled};{plan.talk_ms}"
            for number, plan in zip(numbers, plans, strict=True)
        ]
        callers = Sipp(self._folder, name, "caller", self._trunk, self._sala)
        self._agents.trace.read()
        try:
            await callers.start(
                *(*self._each(rows, name), "-r", f"{rate:g}", "-l", str(at_once)),
                *("-d", str(apart_ms), "-recv_timeout", "20000"),
            )
            status = await callers.wait(planned_s + SLACK_S)
        finally:
            await callers.stop()
        if status not in {0, 1}:
            raise LabError(f"SIPp ended with status {status}: {callers.said()}")
        heard = callers.trace.read()
        agents = self._agents.trace.read()
        ended = {m.call_id for m in heard if not m.sent and is_request(m, "BYE")}
        return Batch(heard, agents, len(plans), len(plans) - len(ended), callers.said())

    def _each(self, rows: Iterable[str], name: str) -> list[str]:
        """Write rows for SIPp, and give the arguments by which it makes one call of each."""
        path = self._folder / f"{name}.csv"
        path.write_text("\n".join(["SEQUENTIAL", *rows, ""]), encoding="utf-8")
        return ["-inf", str(path), "-m_csv"]
