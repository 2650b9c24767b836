"""Flow tests on a real line: a real PBX, a caller's real SIP, sound and keys.

`sala flow test --on-pbx` runs the same files that run on paper. The flow is driven by the session
that drives live calls, through the adapter of the port; what the test gives, that is the time and
what services answer, takes the place of clock and services, for a test says these itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import uuid6

from ivr.flow import testing
from ivr.flow.frame import World as Beside
from ivr.flow.load import Flow
from ivr.prompts import PromptStore
from ivr.session import Session
from lab import audio, ports
from lab.errors import Deadline, LabError, WorldError
from lab.flow_stand_in import Asked, Line, StandIn
from lab.leg import Leg
from lab.watch import Watch
from lab.world import World
from pbx.appliance.data import data_folder, music_on_hold
from pbx.appliance.instance import Instance
from pbx.appliance.render import Account, Layout, Plan, render
from pbx.appliance.root import Pbx
from pbx.asterisk.switch import AsteriskSwitch
from pbx.port import Call, LegConnected, SwitchEvent

AGENT = "1001"
AT_ONCE = 6
FIRST_NUMBER = 70_000
PATIENCE_S = 180.0
"""The longest that one step may take, such as silence until a time-out."""
RINGS_S = 20
LOOKS_S = 0.02
CLEAR = 0.8
"""Least correlation of what was played with what the caller heard."""
SHORT_S = 0.8
"""What is shorter is not looked for: it could be found anywhere."""


class FlowLine:
    """A PBX with one flow language behind it. An async context manager by `open_line`."""

    def __init__(
        self, world: World, switch: AsteriskSwitch, store: PromptStore, recordings: Path
    ) -> None:
        self._world = world
        self._switch = switch
        self._store = store
        self._recordings = recordings
        self._connected: set[str] = set()
        self._watch = Watch()
        self._numbers = iter(range(FIRST_NUMBER, FIRST_NUMBER + 10_000))
        self._tests: dict[str, tuple[Flow, testing.Case, Beside, StandIn]] = {}
        self._agent = asyncio.Lock()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(
        self, flow: Flow, case: testing.Case, name: str, beside: Beside
    ) -> testing.Result:
        """Run one test by a call."""
        number = str(next(self._numbers))
        test = StandIn(self._store, testing.answers(flow, case.given), str(uuid6.uuid7()))
        self._tests[number] = (flow, case, beside, test)
        async with self._slots:
            caller = case.given.caller
            leg = await self._world.caller.dial(number, number=caller, withheld=not caller)
            more: list[str] = []
            try:
                for step in case.when:
                    await self._step(test, leg, step)
                await test.settled(PATIENCE_S)
                more = await _unheard(test, leg)
            except (LabError, TimeoutError) as error:
                more = [f"on the line: {error or 'a step took too long'}"]
            finally:
                test.leaves()
                with contextlib.suppress(WorldError):  # it may end by itself just now
                    await leg.hang_up()
                await leg.ended()
        return testing.Result(name, (*testing.faults(case.then, test.run), *more), test.run)

    async def _step(self, test: StandIn, leg: Leg, step: str) -> None:
        if not await test.settled(PATIENCE_S):
            return
        asked = test.asked
        assert asked is not None
        if step == "hang up":
            await leg.hang_up()
            await test.over(PATIENCE_S)
        elif asked.what == "queue":
            await self._in_queue(test, leg, step)
        elif asked.what == "voice":
            await leg.answered()
            if step.startswith("speak "):
                await self._speak(test, leg, asked, float(step.removeprefix("speak ")))
            await test.changed(asked, PATIENCE_S)
        elif step[0] in "0123456789*#":
            await self._keys(test, leg, step)
        else:
            await test.changed(asked, PATIENCE_S)

    async def _speak(self, test: StandIn, leg: Leg, asked: Asked, seconds: float) -> None:
        """Speak from the end of the tone on; a recording that silence does not end is ended."""
        recording = self._recordings / f"{asked.recording}.wav"
        deadline = time.monotonic() + PATIENCE_S
        while not await asyncio.to_thread(recording.exists):
            if test.asked is not asked:
                return
            if time.monotonic() > deadline:
                raise Deadline(f"no recording begins, after {PATIENCE_S:g} s")
            await asyncio.sleep(LOOKS_S)
        await leg.say(audio.voice(int(seconds), seconds))
        if not asked.until_silence:
            await leg.said(PATIENCE_S)
            if test.asked is asked:  # it may have been as long as it is to be
                await leg.press("#")

    async def _keys(self, test: StandIn, leg: Leg, keys: str) -> None:
        """Press keys as they are asked for, as the simulator does."""
        await leg.answered()
        taken = 0
        for index, key in enumerate(keys):
            if not await test.settled(PATIENCE_S):
                return
            asked = test.asked
            assert asked is not None
            await leg.press(key)
            taken += 1
            last = index == len(keys) - 1
            if key in asked.terminators or taken == asked.most or last:
                await test.changed(asked, PATIENCE_S)
                taken = 0

    async def _in_queue(self, test: StandIn, leg: Leg, step: str) -> None:
        asked = test.asked
        if step == "talk" and test.call is not None:
            async with self._agent:
                phone = self._world.phones[AGENT]
                await phone.registered()
                offer = secrets.token_hex(8)
                self._switch.ring(
                    offer,
                    AGENT,
                    test.call.id,
                    ring_ms=RINGS_S * 1000,
                    caller=test.call.caller,
                    carry={},
                )
                talking = await phone.answer(await phone.ringing(RINGS_S))
                await self._watch.until(
                    lambda: offer in self._connected, "agent and caller are connected", RINGS_S
                )
                await talking.hang_up()
                await talking.ended(RINGS_S)
            if not test.resumes:
                await leg.ended(10)
                test.run.ends = "hung up"
                return
            # What follows is another stream of sound, for which the recording is begun anew.
            await leg.flush()
        else:
            await leg.press(step)
        with contextlib.suppress(TimeoutError):
            await test.changed(asked, 10)

    # --- pbx.port.Handler -------------------------------------------------------------------

    async def incoming(self, call: Call) -> None:
        """Take a test's call into its flow."""
        line, session = self._session(call)
        line.test.call = call
        await session.run()

    async def waiting(self, call: Call, key: str | None) -> None:
        """Take a key that was pressed in the queue."""
        if key is not None:
            _, session = self._session(call)
            await session.key(call.carried.get("node", ""), key)

    async def after(self, call: Call) -> None:
        """Go on behind the queue."""
        _, session = self._session(call)
        await session.after(call.carried.get("node", ""))

    async def feature(self, call: Call, code: str) -> None:
        """No feature codes here."""
        await call.hang_up()

    async def reserved(self, call: Call, offer: str) -> None:
        """Nobody is called back."""
        await call.hang_up()

    async def called(self, call: Call, machine: bool) -> None:
        """Nobody is called back."""
        await call.hang_up()

    async def referred(self, call: Call, to: str) -> None:
        """No agent's phone sends callers on here."""
        await call.give_back()

    def event(self, event: SwitchEvent) -> None:
        """Take note of who talks; what else the switch tells is of no matter here."""
        if isinstance(event, LegConnected):
            self._connected.add(event.offer)
            self._watch.changed()

    def _session(self, call: Call) -> tuple[Line, Session]:
        try:
            flow, case, beside, test = self._tests[call.dialled]
        except KeyError:
            raise LabError(f"no test has number {call.dialled}") from None
        line = Line(call, test)
        now = testing.now_ms(case.given)
        session = Session(
            flow,
            line,
            test,
            test,
            test,
            interaction=test.interaction,
            language=case.given.language,
            facts=testing.facts(case.given),
            world=beside,
            services=test.services(),
            clock=lambda: now,
        )
        return line, session


async def _unheard(test: StandIn, leg: Leg) -> list[str]:
    """Tell what was played to its end and yet is not in what the caller heard."""
    faults = []
    for words, path in test.played:
        sound = audio.read_sound(path)
        if len(sound) >= SHORT_S * audio.RATE:
            found = audio.correlation(leg.heard(), sound)
            if found.value < CLEAR:
                faults.append(f"heard: {words} was played, but the caller did not hear it")
    return faults


@contextlib.asynccontextmanager
async def open_line(
    pbx: Pbx,
    home: Path,
    store: PromptStore,
    *,
    language: str,
    dialplans: Path,
    sip_configs: Path,
    survival: Path,
) -> AsyncIterator[FlowLine]:
    """Start a PBX, a world around it and the adapter; take all down in the end."""
    sip, ami, agi = ports.free(3)
    first, last = ports.free_range(400)
    layout = Layout.of(home / "asterisk")
    recordings = home / "recordings"
    recordings.mkdir(parents=True)
    music = home / "music"
    silent = _silent
    music_on_hold(pbx, music, silent)
    ami_secret, caller_secret, agent_secret = (secrets.token_urlsafe(24) for _ in range(3))
    plan = Plan(
        ami_secret=ami_secret,
        accounts=[
            Account(AGENT, "agent", secret=agent_secret, display=AGENT),
            Account("caller", "caller", secret=caller_secret),
        ],
        globals=_globals(agi, home, language, survival),
        sip_port=sip,
        rtp_first=first,
        rtp_last=last,
        ami_port=ami,
    )
    data = data_folder(pbx, silent)
    render(pbx, layout, plan, sip_configs=sip_configs, dialplans=dialplans, data=data, music=music)
    instance = Instance(pbx, layout.conf)
    await instance.start()
    switch = AsteriskSwitch(
        host="127.0.0.1",
        ami_port=ami,
        user="sala",
        secret=ami_secret,
        agi_port=agi,
        recordings=recordings,
    )
    try:
        await instance.wait_ready(30)
        accounts = ("caller", caller_secret)
        async with World(pbx, ("127.0.0.1", sip), accounts, {AGENT: agent_secret}) as world:
            line = FlowLine(world, switch, store, recordings)
            await switch.start(line)
            yield line
    finally:
        await switch.stop()
        await instance.stop()


def _globals(agi: int, home: Path, language: str, survival: Path) -> Mapping[str, str]:
    return {
        "SALA_FASTAGI": f"127.0.0.1:{agi}",
        "SALA_TICK": "20",
        "SALA_AWAY": "30",
        "SALA_PYTHON": sys.executable,
        "SALA_SURVIVAL": str(survival),
        "SALA_LANGUAGE": language,
        "SALA_MEDIA": str(home / "media"),
        "SALA_SPOOL": str(home / "spool"),
        "SALA_RECORDINGS": str(home / "recordings"),
    }


def _silent(_what: str, _share: float | None) -> None:
    """Tell nobody how far it is."""
