"""A whole Sala and the world around it, as the end-to-end tests use them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from web import Web

from ivr.prompts import PromptStore
from ivr.speech.espeak import Espeak
from lab import audio, reach
from lab.hearing import heard_by
from lab.leg import Leg
from lab.phone import Phone
from lab.stack import Stack
from lab.world import World

MAIN, BRIEF, HASTY = "600", "601", "602"
"""The numbers of the shipped flow, of the one straight into a queue, and of the short menu."""

FLOWS = {
    "603": "balance",
    "604": "after-hours",
    "605": "surveyed",
    "606": "typed",
    "607": "memo",
    "608": "asked",
    "609": "impatient",
    "610": "vault",
    "611": "endless",
    "612": "sent-on",
    "681": "ahead",
    "682": "coded",
}
"""Further numbers, and their flows."""

AGENTS = ("1001", "1002", "1003")
RING_MS = 5000
WRAP_UP_MS = 400
SURVIVAL_AFTER_S = 60
"""Longer than a service that was killed takes to be back, on a busy machine too."""
TRUNK_SILENT_S = 8
CLEAR = 0.9
"""Normalised correlation of a voice of which hardly a packet is missing."""
PATIENCE_S = 12.0
"""How long is waited for what comes at once where the machine has nothing else to do."""
_BRIDGE = 12
"""The column of a channel's bridge in what the console shows."""
ROOT = Path(__file__).resolve().parent.parent.parent


async def until(
    asked: Callable[[], Awaitable[Any]],
    holds: Callable[[Any], bool],
    what: str,
    within: float = PATIENCE_S,
) -> Any:
    """Ask until the answer holds; give it. Fails with the last answer at the deadline."""
    deadline = time.monotonic() + within
    while True:
        answer = await asked()
        if holds(answer):
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {within} s; it is {answer}"
        await asyncio.sleep(0.05)


class House:
    """Sala and the world, and what tests ask of both."""

    def __init__(self, stack: Stack, world: World, web: Web) -> None:
        self.stack = stack
        self.world = world
        self.web = web
        self._numbers = iter(range(1000, 10_000))

    async def made_whole(self) -> None:
        """Have back what was killed and left: service, database, both PBXs, and the phones."""
        await self.stack.mend()
        crashed = not self.world.running
        if crashed:
            await self.world.start()
        for phone in self.world.phones.values():
            if not phone.is_registered:
                await phone.register(15)
        if crashed:
            await reach.answer(self.stack.console, *self.world.phones)

    async def calls_nobody_back(self) -> None:
        """Have nobody called back whom no test means to be: the default depends on the hour."""
        await self.stack.db.execute("DELETE FROM callback_policies")
        await self.stack.db.execute(
            "INSERT INTO callback_policies SELECT name, $1::text::json FROM queues",
            json.dumps({"rescue": False}),
        )
        await self.stack.reload()

    @contextlib.asynccontextmanager
    async def survival_after(self, seconds: int) -> AsyncIterator[None]:
        """Have callers sent away when the service is away for longer than some seconds."""
        console = self.stack.console
        assert f"SALA_AWAY={SURVIVAL_AFTER_S}\n" in await console("dialplan show globals")
        await console(f"dialplan set global SALA_AWAY {seconds}")
        try:
            yield
        finally:
            await console(f"dialplan set global SALA_AWAY {SURVIVAL_AFTER_S}")

    # --- people -----------------------------------------------------------------------------

    def number(self) -> str:
        """A caller's number nobody has used, in E.164."""
        return f"+1415555{next(self._numbers)}"

    async def call(self, dialled: str = BRIEF, **who: Any) -> tuple[Leg, str]:
        """Call from a number nobody has used, until answered; gives the leg and the number."""
        number = who.pop("number", None) or self.number()
        leg = await self.world.caller.dial(dialled, number=number, **who)
        await leg.answered()
        return leg, number

    async def log_in(self, *agents: str) -> list[Phone]:
        """Log agents in, one after the other, so that the first is idle longest."""
        for agent in agents:
            await self.world.phones[agent].registered()
            await self.stack.agent(agent, "available")
            await self.stack.becomes(agent, "available")
        return [self.world.phones[agent] for agent in agents]

    async def meets(self, phone: Phone, within: float = PATIENCE_S) -> Leg:
        """The phone rings, is answered, and its agent is connected with the customer."""
        leg = await phone.answer(await phone.ringing(within))
        await self.stack.becomes(phone.account, "on_contact")
        await self.connected(phone)
        return leg

    async def connected(self, phone: Phone) -> None:
        """The phone is in a bridge with somebody, as the PBX tells: the service may be dead.

        A phone is up, and its agent on contact, before the PBX has fetched the customer to it.
        """

        async def beside() -> list[str]:
            shown = await self.stack.console("core show channels concise")
            rows = [line.split("!") for line in shown.splitlines()]
            bridged = [
                (row[0], row[_BRIDGE]) for row in rows if len(row) > _BRIDGE and row[_BRIDGE]
            ]
            own = {bridge for name, bridge in bridged if name.startswith(f"PJSIP/{phone.account}-")}
            return [bridge for _, bridge in bridged if bridge in own]

        await until(beside, lambda them: len(them) > len(set(them)), f"{phone.account} meets one")

    async def talk(self, one: Leg, other: Leg) -> None:
        """Both sides speak, one after the other, and each is heard clearly by the other."""
        for speaker, listener in ((one, other), (other, one)):
            await heard_by(speaker, [listener], at_least=CLEAR)

    def prompt(self, name: str, language: str = "en") -> audio.Sound:
        """A prompt, as it was rendered."""
        return audio.read_sound(self.stack.media(name, language))

    def spoken(self, text: str, language: str = "en") -> audio.Sound:
        """A text of a flow, as it was rendered."""
        state = self.stack.home / "state"
        store = PromptStore(ROOT / "media", state, Espeak(), language="en")
        return audio.read_sound(Path(f"{store.speech(text, language).name}.ulaw"))

    async def way(self, number: str) -> list[str]:
        """The nodes that the newest interaction of a number came to, by `sala flow replay`."""
        return [step["body"]["node"] for step in await self._steps(number, "ivr.node")]

    async def tags(self, number: str) -> dict[str, Any]:
        """The tags that a number's newest interaction was given."""
        steps = await self._steps(number, "ivr.tag")
        return {step["body"]["name"]: step["body"]["value"] for step in steps}

    async def answers(self, number: str) -> dict[str, str]:
        """What a number's caller answered to a survey."""
        steps = await self._steps(number, "ivr.answer")
        return {step["body"]["question"]: step["body"]["answer"] for step in steps}

    async def _steps(self, number: str, kind: str) -> list[dict[str, Any]]:
        interaction = (await self.interaction(number))["id"]
        steps = json.loads(await self.stack.run("flow", "replay", interaction, "--json"))
        return [step for step in steps if step["kind"] == kind]

    # --- what was written -------------------------------------------------------------------

    async def interaction(self, number: str) -> dict[str, Any]:
        """The newest interaction of a number, with its segments; empty if there is none."""
        row = await self.stack.db.fetchrow(
            "SELECT detail FROM interaction_details JOIN interactions USING (id)"
            " WHERE identity_value = $1 ORDER BY interactions.arrived_at DESC LIMIT 1",
            number,
        )
        return json.loads(row["detail"]) if row else {}

    async def closed(self, number: str, within: float = PATIENCE_S) -> dict[str, Any]:
        """The newest interaction of a number, once it is over."""
        return await until(
            lambda: self.interaction(number),
            lambda found: bool(found.get("ended_ms")),
            "the interaction is closed",
            within,
        )

    async def queued(self, number: str, within: float = PATIENCE_S) -> dict[str, Any]:
        """The newest interaction of a number, once it is in a queue."""
        return await until(
            lambda: self.interaction(number),
            lambda found: bool(of_kind(found, "queue")),
            "the interaction is in a queue",
            within,
        )

    async def waits(self, number: str) -> None:
        """The newest interaction of a number stands in line."""
        found = await self.queued(number)

        async def lines() -> list[str]:
            rows = (await self.stack.status())["queues"]
            return [one["interaction"] for row in rows for one in row["waiting"]]

        await until(lines, lambda them: found["id"] in them, "it waits")

    async def waiting(self, count: int, queue: str = "sales", within: float = PATIENCE_S) -> None:
        """So many wait in a queue, those whose offer rings included."""

        async def asked() -> int:
            rows = (await self.stack.status())["queues"]
            return sum(len(row["waiting"]) for row in rows if row["queue"] == queue)

        await until(asked, lambda found: found == count, f"{count} wait in {queue}", within)


def of_kind(interaction: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The segments of one kind."""
    return [one for one in interaction.get("segments", []) if one["kind"] == kind]


def outcomes(interaction: dict[str, Any], kind: str) -> list[str]:
    """How the segments of one kind ended."""
    return [one["outcome"] for one in of_kind(interaction, kind)]
