"""The house of the callback tests: a flow that promises, a policy, and what the rows say."""

from __future__ import annotations

import json
from typing import Any

from house import PATIENCE_S, House, until

from lab import audio
from lab.hearing import hear_each_other
from lab.leg import Leg
from lab.phone import Phone

CALLS_BACK = "661"
ALWAYS = {"mon-sun": "00:00-24:00"}
"""Customers may be called at any time, for tests run at any time."""
HELLO_S = 0.5
KEY = "9"
"""The key of queues whose policy has one (`promised_by_key`)."""
SOON = "1s"
LONG = "callback-message"
"""A prompt that lasts for 6.5 s: as a whisper, so that there is time to act while it is heard."""
ASKED = {"en": "Press 1 to be called back.", "th": "กด 1 เพื่อให้เราโทรกลับ"}
PROMISED = {"en": "It is promised.", "th": "เราสัญญาแล้ว"}


class Customers:
    """Callers of queue `sales` who have themselves called back."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.db = house.stack.db

    async def open(self) -> None:
        """Make the number that promises callbacks."""
        await self.db.execute(
            "INSERT INTO entry_points VALUES ($1, 'calls-back') ON CONFLICT DO NOTHING", CALLS_BACK
        )
        await self.policy()

    async def close(self) -> None:
        """Undo it, and end what is open."""
        for row in await self.db.fetch("SELECT id::text FROM callbacks WHERE state = 'waiting'"):
            await self.house.stack.run("callback", "cancel", row["id"])
        await self.db.execute("DELETE FROM entry_points WHERE number = $1", CALLS_BACK)
        await self.house.calls_nobody_back()

    async def policy(self, queue: str = "sales", **fields: Any) -> None:
        """Set a queue's policy; what is not given has its default, but for the hours."""
        policy = {"calling": ALWAYS, **fields}
        await self.db.execute(
            "INSERT INTO callback_policies VALUES ($1, $2::text::json)"
            " ON CONFLICT (queue) DO UPDATE SET policy = excluded.policy",
            queue,
            json.dumps(policy),
        )
        await self.house.stack.reload()

    async def promised(self, language: str = "en") -> tuple[str, Phone]:
        """Call, wait, press a key, and hang up with a promise; gives the number and its phone."""
        number = self.house.number()
        outside = self.house.world.outside(number)
        call, _ = await self.house.call(CALLS_BACK, number=number)
        await self.house.waits(number)
        await call.press("2" if language == "th" else "1")
        await call.hears(self.house.spoken(ASKED[language], language), at_least=0.7)
        await call.press("1")
        await call.hears(self.house.spoken(PROMISED[language], language), at_least=0.7)
        await call.ended()
        await self.house.closed(number)
        return number, outside

    async def promised_by_key(self, dialled: str) -> tuple[str, Phone]:
        """Call a queue whose policy has `KEY`, wait, press it, and hang up with a promise.

        Gives what `promised` does.
        """
        number = self.house.number()
        outside = self.house.world.outside(number)
        call, _ = await self.house.call(dialled, number=number)
        await self.house.waits(number)
        await call.press(KEY)
        await call.hears(self.house.prompt("callback-confirm"), at_least=0.7, within=15)
        await call.press("1")
        await call.hears(self.house.prompt("wait-callback-promised"), at_least=0.7, within=15)
        await call.ended(15)
        return number, outside

    async def takes_the_place(self, number: str, caller: str) -> dict[str, Any]:
        """Who calls by `caller` is served at the place of `number`'s callback, which is merged.

        Somebody who has come later has their turn behind. Gives the callback.
        """
        waits, later = await self.house.call()
        await self.house.waits(later)
        assert (await self.row(number))["state"] == "waiting"
        again, _ = await self.house.call(number=caller)
        row = await self.becomes(number, "merged")
        phone = await self.agent("1001")
        leg = await self.house.meets(phone)
        assert leg.shown_number == caller
        await hear_each_other(leg, again)
        await leg.hang_up()
        leg = await self.house.meets(phone)
        assert leg.shown_number == later
        await leg.hang_up()
        await waits.ended()
        found = await self.written(caller)
        assert (str(row["merged_into"]), row["reason"]) == (found["id"], "called_again")
        assert found["outcome"] == "answered"
        return row

    async def row(self, number: str) -> dict[str, Any]:
        """The newest callback of a number, with its attempts' outcomes; empty if there is none."""
        row = await self.db.fetchrow(
            "SELECT *, id::text AS name, (SELECT array_agg(outcome ORDER BY fence)"
            " FROM callback_attempts WHERE callback = callbacks.id) AS tries"
            " FROM callbacks WHERE number = $1 ORDER BY created_at DESC LIMIT 1",
            number,
        )
        return dict(row) if row else {}

    async def becomes(self, number: str, state: str, within: float = PATIENCE_S) -> dict[str, Any]:
        """The callback of a number, once it is in a state."""
        found: dict[str, Any] = await until(
            lambda: self.row(number),
            lambda row: row.get("state") == state,
            f"the callback is {state}",
            within,
        )
        return found

    async def tried(
        self, number: str, *outcomes: str | None, within: float = PATIENCE_S
    ) -> dict[str, Any]:
        """The callback of a number, once its attempts have come to these."""
        found: dict[str, Any] = await until(
            lambda: self.row(number),
            lambda row: tuple(row.get("tries") or ()) == outcomes,
            f"its attempts are {outcomes}",
            within,
        )
        return found

    async def written(self, number: str, within: float = PATIENCE_S) -> dict[str, Any]:
        """The newest interaction of a number, once it and all its segments have ended."""
        found: dict[str, Any] = await until(
            lambda: self.house.interaction(number),
            lambda one: (
                bool(one.get("ended_ms"))
                and all(segment["ended_ms"] for segment in one["segments"])
            ),
            "the interaction is closed",
            within,
        )
        return found

    async def agent(self, agent: str) -> Phone:
        """Log an agent in, for whom somebody waits already; gives their phone."""
        phone = self.house.world.phones[agent]
        await phone.registered()
        await self.house.stack.agent(agent, "available")
        return phone

    async def reserved(self, phone: Phone, within: float = PATIENCE_S) -> Leg:
        """An agent's phone rings for a callback, is answered, and its agent hears why."""
        leg = await phone.answer(await phone.ringing(within))
        await leg.hears(self.house.prompt("callback-agent"), at_least=0.7)
        return leg

    async def whispered(self, phone: Phone) -> Leg:
        """As `reserved`, by a policy whose whisper is `LONG`, of which most is still to come."""
        leg = await phone.answer(await phone.ringing())
        whisper = self.house.prompt(LONG)
        await leg.hears(whisper[: len(whisper) // 4], at_least=0.7)
        return leg

    async def picks_up(self, outside: Phone, within: float = PATIENCE_S) -> Leg:
        """A customer's phone rings and is answered by a person, who says hello."""
        leg = await outside.answer(await outside.ringing(within))
        await self.says_hello(leg)
        return leg

    @staticmethod
    async def says_hello(leg: Leg) -> None:
        """Say what a person says who picks up."""
        await leg.say(audio.voice(4711, HELLO_S))
