"""Who is expected to wait long is told how long, and offered to be called back at their place."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import pytest_asyncio
from callback_house import Customers
from house import House, until

from acd.estimates.announcer import rounded
from acd.estimates.estimate import Estimate
from lab import audio
from lab.hearing import hear_each_other
from lab.leg import Leg

LONG_WAIT = "673"
QUEUE = "billing"
HANDLED, HANDLED_S = 400, 110
"""So many calls lasted so long: behind two agents who talk one waits under a minute, behind one
agent more, until that one has talked for nearly as long as a minute."""
CLEAR = 0.7
UNHEARD = 0.5


class Offers:
    """Callers of a queue whose waits can be told."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.customers = Customers(house)
        self.db = house.stack.db

    async def policy(self, **fields: Any) -> None:
        await self.customers.policy(QUEUE, **fields)

    async def busy(self, *agents: str) -> list[Leg]:
        """Agents talk with somebody; gives the callers' legs."""
        found = []
        for phone in await self.house.log_in(*agents):
            call, _ = await self.house.call(LONG_WAIT, record=False)
            await self.house.meets(phone)
            found.append(call)
        return found

    async def waits(self, **who: Any) -> tuple[Leg, str]:
        """Somebody calls and waits."""
        call, number = await self.house.call(LONG_WAIT, **who)
        await self.house.waits(number)
        return call, number

    async def comforted(self, call: Leg, language: str = "en") -> None:
        """Hear that they are still in line, which comes after some looks at who waits."""
        prompt = self.house.prompt("wait-still-in-line", language)
        await call.hears(prompt, at_least=CLEAR, within=20, since=len(call.heard()))

    def unheard(self, call: Leg, *prompts: str, since: int = 0, language: str = "en") -> bool:
        """Whether a call has heard none of some prompts."""
        heard = call.heard()[since:]
        return all(
            audio.correlation(heard, self.house.prompt(one, language)).value < UNHEARD
            for one in prompts
        )

    async def told(self, number: str) -> tuple[str, ...]:
        """The prompts of the range that was told last, as it is written down."""
        interaction = (await self.house.interaction(number))["id"]

        async def given() -> list[dict[str, Any]]:
            rows = await self.db.fetch(
                "SELECT body FROM journal WHERE epoch LIKE 'ewt.%' AND body ->> 'interaction' = $1"
                " ORDER BY seq",
                interaction,
            )
            return [json.loads(row["body"]) for row in rows]

        last = (await until(given, lambda found: len(found) >= 2, "a range is told", 20))[-1]
        estimate = Estimate(**{field.name: last[field.name] for field in fields(Estimate)})
        return rounded(estimate).prompts()

    async def declined(self, number: str) -> int:
        """How often a caller is counted as one who declined."""
        interaction = (await self.house.interaction(number))["id"]
        return int(
            await self.db.fetchval(
                "SELECT count(*) FROM callback_declines WHERE interaction = $1::text::uuid",
                interaction,
            )
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(house: House) -> AsyncIterator[None]:
    """It is known how long calls last."""
    db = house.stack.db
    await db.execute(
        "WITH past AS (INSERT INTO interactions (id, channel, direction, dialled, arrived_at,"
        " ended_at, outcome) SELECT gen_random_uuid(), 'voice', 'inbound', $1,"
        " now() - one * interval '2 minutes', now() - one * interval '2 minutes'"
        " + $3 * interval '1 second', 'answered' FROM generate_series(2, $2) AS one"
        " RETURNING id, arrived_at, ended_at)"
        " INSERT INTO segments (interaction, seq, kind, queue, agent, started_at, ended_at,"
        " outcome) SELECT id, 1, 'talk', $4, '1001', arrived_at, ended_at, 'ended' FROM past",
        f"past-{LONG_WAIT}",
        HANDLED,
        HANDLED_S,
        QUEUE,
    )
    await db.execute(
        "INSERT INTO entry_points VALUES ($1, 'offered') ON CONFLICT DO NOTHING", LONG_WAIT
    )
    await house.stack.kill_service()
    await house.stack.start_service()
    yield
    await db.execute("DELETE FROM interactions WHERE dialled = $1", f"past-{LONG_WAIT}")
    await db.execute("DELETE FROM entry_points WHERE number = $1", LONG_WAIT)
    await house.stack.reload()


@pytest_asyncio.fixture(loop_scope="session")
async def offers(house: House, known: None) -> AsyncIterator[Offers]:
    made = Offers(house)
    await made.customers.open()
    yield made
    await house.world.hang_up_all()
    await made.customers.close()


async def test_a_wait_that_grows_long_is_told_and_the_place_can_be_kept(
    house: House, offers: Offers
) -> None:
    await offers.policy(offer_over="1m")
    first, _ = await offers.busy("1001", "1002")
    call, number = await offers.waits()
    later, other = await offers.waits()
    outside = house.world.outside(number)
    # Two agents will be free soon enough.
    await offers.comforted(call)
    assert offers.unheard(call, "wait-callback-offer")
    await house.stack.agent("1002", "offline")
    # With one of them it takes too long.
    await call.hears(house.prompt("wait-callback-offer"), at_least=CLEAR, within=20)
    said = await offers.told(number)
    for prompt in said:
        await call.hears(house.prompt(prompt), at_least=CLEAR)
    entered = (await house.queued(number))["segments"][-1]["started_ms"]
    await call.press("1")
    await call.hears(house.prompt("callback-confirm"), at_least=CLEAR, within=15)
    assert await offers.customers.row(number) == {}
    await call.press("1")
    await call.hears(house.prompt("wait-callback-promised"), at_least=CLEAR, within=15)
    # It was on disk before the caller heard so.
    row = await offers.customers.row(number)
    assert (row["state"], row["queue"]) == ("waiting", QUEUE)
    assert f'"entered":{entered}' in row["place"].replace(" ", "")
    minutes = int(said[-1].rpartition("-")[2])
    assert 0 < (row["told_until"] - row["requested_at"]).total_seconds() <= minutes * 60
    await call.ended(15)
    assert (await house.closed(number))["outcome"] == "called_back"
    # Whoever came after them waits until after them.
    await first.hang_up()
    agent = await offers.customers.reserved(house.world.phones["1001"])
    assert agent.shown_number == number
    customer = await offers.customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await offers.customers.becomes(number, "connected")
    await house.meets(house.world.phones["1001"])
    await later.hang_up()
    await house.closed(other)


async def test_the_offer_comes_once_in_the_callers_language_also_after_a_restart(
    house: House, offers: Offers
) -> None:
    await offers.policy(offer_over="1m")
    await offers.busy("1001")
    call, number = await offers.waits()
    await call.press("2")
    offer = house.prompt("wait-callback-offer", "th")
    await call.hears(offer, at_least=CLEAR, within=20)
    for prompt in await offers.told(number):
        await call.hears(house.prompt(prompt, "th"), at_least=CLEAR)
    assert await until(lambda: offers.declined(number), bool, "they stay in line", 15) == 1
    since = len(call.heard())
    await offers.comforted(call, "th")
    await house.stack.kill_service()
    await house.stack.start_service()
    await offers.comforted(call, "th")
    assert offers.unheard(call, "wait-callback-offer", since=since, language="th")
    assert await offers.declined(number) == 1
    assert await offers.customers.row(number) == {}


async def test_who_is_expected_to_wait_less_is_offered_nothing(
    house: House, offers: Offers
) -> None:
    await offers.policy(offer_over="10m")
    await offers.busy("1001")
    call, number = await offers.waits()
    await offers.comforted(call)
    for prompt in await offers.told(number):
        await call.hears(house.prompt(prompt), at_least=CLEAR)
    await offers.comforted(call)
    assert offers.unheard(call, "wait-callback-offer")


async def test_where_nothing_is_known_no_number_is_told(house: House, offers: Offers) -> None:
    await offers.policy(offer_over="1m")
    # Nobody is there who would ever come free.
    call, _ = await offers.waits()
    await offers.comforted(call)
    await offers.comforted(call)
    ranges = [
        f"wait-{what}"
        for what in ("from-1", "from-2", "less-than-1", "less-than-2", "more-than-60")
    ]
    assert offers.unheard(call, "wait-callback-offer", *ranges)


async def test_without_a_policy_for_it_nothing_is_offered(house: House, offers: Offers) -> None:
    await offers.policy()
    await offers.busy("1001")
    call, _ = await offers.waits()
    await offers.comforted(call)
    assert offers.unheard(call, "wait-callback-offer")


async def test_who_accepts_with_a_number_that_is_not_dialled_types_another(
    house: House, offers: Offers
) -> None:
    await offers.policy(offer_over="1m")
    await offers.busy("1001")
    number, forbidden = house.number(), "+19005550199"
    call, _ = await house.call(LONG_WAIT, number=forbidden)
    await call.hears(house.prompt("wait-callback-offer"), at_least=CLEAR, within=20)
    await call.press("1")
    await call.hears(house.prompt("callback-cannot"), at_least=CLEAR, within=15)
    await call.hears(house.prompt("callback-enter"), at_least=CLEAR, within=15)
    await call.press(f"{number.removeprefix('+1')}#")
    await call.hears(house.prompt("callback-confirm"), at_least=CLEAR, within=15)
    await call.press("1")
    await call.hears(house.prompt("wait-callback-promised"), at_least=CLEAR, within=15)
    assert await offers.customers.row(forbidden) == {}
    assert (await offers.customers.row(number))["state"] == "waiting"
    await call.ended(15)
