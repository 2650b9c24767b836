"""`sala demo`: one call from the first INVITE to the rows in Postgres, told and verified."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab import audio
from lab.errors import LabError
from lab.leg import Leg
from lab.phone import Phone
from lab.programs import pbx
from lab.stack import Stack
from lab.world import World
from pbx.errors import ApplianceError

DIALLED = "600"
AGENT = "1001"
CALLER = "+14155550123"
LIMIT_S = 120.0
SPEECH_S = 3.0


@dataclass(slots=True)
class Findings:
    """What was verified. `to_json` is the one object of `sala demo --json`."""

    ok: bool = False
    heard_prompt: float = 0.0
    caller_heard: float = 0.0
    """How well the caller heard what the agent said."""
    agent_heard: float = 0.0
    """How well the agent heard what the caller said."""
    ring_ms: float | None = None
    interaction: dict[str, Any] | None = None
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Give the object. `heard_each_other` is the weaker of the two directions."""
        return {
            "ok": self.ok,
            "heard_prompt": round(self.heard_prompt, 4),
            "heard_each_other": round(min(self.caller_heard, self.agent_heard), 4),
            "heard": {
                "agent_by_caller": round(self.caller_heard, 4),
                "caller_by_agent": round(self.agent_heard, 4),
            },
            "ring_ms": None if self.ring_ms is None else round(self.ring_ms, 1),
            "interaction": self.interaction,
            "seconds": round(self.seconds, 1),
            "faults": self.faults,
        }


class Story:
    """Tells what happens, as it happens, with the seconds since the demo began."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def tell(self, who: str, what: str, style: str = "") -> None:
        """Tell one thing."""
        line = Text(f"{self.seconds:6.1f} s  ", style="dim")
        line.append(f"{who:<8}", style="bold cyan")
        line.append(what, style=style)
        self._console.print(line)

    def table(self, interaction: dict[str, Any]) -> None:
        """Show an interaction's segments."""
        table = Table("segment", "queue", "agent", "ms", "outcome", box=None, padding=(0, 2))
        for one in interaction["segments"]:
            length = one["ended_ms"] - one["started_ms"] if one["ended_ms"] else None
            cells = (one["kind"], one["queue"], one["agent"], length, one["outcome"])
            table.add_row(*("" if cell is None else str(cell) for cell in cells))
        self._console.print(table)


def main(*, as_json: bool = False) -> int:
    """Run the demo; gives the exit status: 0 only if everything was verified."""
    console = Console(stderr=as_json, highlight=False)
    try:
        found = asyncio.run(_run(Story(console)))
    except KeyboardInterrupt:
        return 130
    if as_json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    if found.ok:
        console.print(f"All verified in {found.seconds:.1f} s.", style="bold green")
    for fault in found.faults:
        console.print(fault, style="bold red", markup=False)
    return 0 if found.ok else 1


async def _run(story: Story) -> Findings:
    found = Findings()
    try:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.to_thread(pbx)
            story.tell("Sala", "Postgres, Asterisk and the service start on free ports")
            async with Stack() as stack:
                story.tell("Sala", f"ready; SIP on {stack.sip[0]}:{stack.sip[1]}")
                accounts = stack.accounts()
                async with World(pbx(), stack.sip, accounts.caller, accounts.phones) as world:
                    await _play(story, stack, world, found)
                    _judge(found)
                    await _nothing_left(stack, world, found)
    except TimeoutError:
        found.faults.append(f"not done within {LIMIT_S:g} s")
    except (LabError, ApplianceError) as error:
        found.faults.append(str(error))
    found.seconds = story.seconds
    found.ok = not found.faults
    return found


async def _play(story: Story, stack: Stack, world: World, found: Findings) -> None:
    phone = world.phones[AGENT]
    await phone.registered()
    story.tell("agent", f"the desk phone of {AGENT} has registered")
    await _log_in(story, stack, phone)

    call = await world.caller.dial(DIALLED, number=CALLER, name="Demo Caller")
    story.tell("caller", f"INVITE for {DIALLED}, from {CALLER}")
    answered = await call.answered()
    story.tell("Sala", f"answers after {_ms(answered.since(await call.started()))}")

    menu = await call.hears(audio.read_sound(stack.media("main-menu")), within=15)
    found.heard_prompt = menu.value
    story.tell("caller", f"hears the menu (correlation {menu.value:.3f})")
    await call.press("1")
    story.tell("caller", "presses 1 (RFC 4733)")

    ringing = await phone.ringing(within=10)
    invited = await ringing.started()
    story.tell("agent", f"INVITE; the phone rings and shows {ringing.shown_number}")
    await call.hears_music()
    story.tell("caller", "hears music on hold meanwhile")
    await phone.answer(ringing)
    story.tell("agent", "picks up")

    found.agent_heard = await _speak(call, ringing)
    story.tell("caller", f"speaks; the agent hears it (correlation {found.agent_heard:.3f})")
    found.caller_heard = await _speak(ringing, call)
    story.tell("agent", f"speaks; the caller hears it (correlation {found.caller_heard:.3f})")

    await ringing.hang_up()
    ending = await call.ended()
    story.tell("agent", f"hangs up; the caller's call ends (cause {ending.cause})")

    interaction = await _recorded(stack)
    found.interaction = interaction
    queued = [one for one in interaction["segments"] if one["kind"] == "queue"]
    if queued:
        found.ring_ms = invited.wall * 1000 - queued[0]["started_ms"]
        story.tell("Sala", f"queue entry to the agent's INVITE: {found.ring_ms:.1f} ms")
    story.tell("Sala", "the customer record in Postgres:")
    story.table(interaction)


async def _log_in(story: Story, stack: Stack, phone: Phone) -> None:
    leg = await phone.dial("*22")
    heard = await leg.hears(audio.read_sound(stack.media("agent-logged-in")))
    await leg.hang_up()
    await leg.ended()
    await stack.becomes(AGENT, "available")
    story.tell("agent", f"dials *22 and hears that they are logged in ({heard.value:.3f})")


async def _speak(speaker: Leg, listener: Leg) -> float:
    """Let one side speak; gives how well the other heard it."""
    sound = await speaker.say(audio.voice(secrets.randbits(32), SPEECH_S))
    await speaker.said(SPEECH_S + 6)
    return (await listener.hears(sound, within=3)).value


async def _recorded(stack: Stack, within: float = 8.0) -> dict[str, Any]:
    """Wait until the call's row is closed, but for the wrap-up, and give it with its segments."""
    deadline = time.monotonic() + within
    while True:
        row = await stack.db.fetchrow(
            "SELECT detail FROM interaction_details ORDER BY arrived_at DESC LIMIT 1"
        )
        detail: dict[str, Any] | None = json.loads(row["detail"]) if row else None
        if detail and any(
            one["kind"] == "talk" and one["ended_ms"] is not None for one in detail["segments"]
        ):
            return detail
        if time.monotonic() > deadline:
            raise LabError(f"no row of a finished talk in Postgres within {within:g} s")
        await asyncio.sleep(0.05)


def _judge(found: Findings) -> None:
    """Check the rows against what happened."""
    interaction = found.interaction or {}
    segments: Sequence[dict[str, Any]] = interaction.get("segments", [])
    kinds = [one["kind"] for one in segments]
    wanted = {
        "the customer's number": interaction.get("identity_value") == CALLER,
        "a customer": bool(interaction.get("customer")),
        "the dialled number": interaction.get("dialled") == DIALLED,
        "the outcome answered": interaction.get("outcome") == "answered",
        "the segments ivr, queue, ringing, talk": {"ivr", "queue", "ringing", "talk"} <= set(kinds),
        "the agent of the talk": any(
            one["kind"] == "talk" and one["agent"] == AGENT for one in segments
        ),
        "the queue answered": any(
            one["kind"] == "queue" and one["outcome"] == "answered" for one in segments
        ),
        "queue entry to INVITE in 2 s": found.ring_ms is not None and -50 < found.ring_ms < 2000,
    }
    found.faults += [f"not found in Postgres: {what}" for what, held in wanted.items() if not held]


async def _nothing_left(stack: Stack, world: World, found: Findings, within: float = 3.0) -> None:
    """Check that no channel is left on either PBX."""
    deadline = time.monotonic() + within
    while left := [*await stack.console.channels(), *await world.channels()]:
        if time.monotonic() > deadline:
            found.faults.append(f"channels left: {', '.join(left)}")
            return
        await asyncio.sleep(0.1)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
