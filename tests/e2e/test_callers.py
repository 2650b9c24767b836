"""Who calls, and what they send: withheld, national, hostile."""

from __future__ import annotations

import time
from typing import Any

import pytest
from house import BRIEF, House, until

from lab.sip import RawCall


async def newest(house: House, since: float) -> dict[str, Any]:
    async def asked() -> Any:
        return await house.stack.db.fetchrow(
            "SELECT identity_kind, identity_value, customer_id, dialled FROM interactions"
            " WHERE arrived_at >= to_timestamp($1) ORDER BY arrived_at DESC LIMIT 1",
            since,
        )

    return dict(await until(asked, lambda row: row is not None, "an interaction is written"))


def raw(house: House) -> RawCall:
    return RawCall(house.stack.sip, house.stack.accounts().caller)


@pytest.mark.parametrize("asserted", [False, True])
async def test_a_withheld_number_makes_an_interaction_without_identity(
    house: House, asserted: bool
) -> None:
    since = time.time()
    call, _ = await house.call(withheld=True, asserted=asserted, name="Somebody")
    await house.waiting(1)
    row = await newest(house, since)
    assert (row["identity_kind"], row["identity_value"], row["customer_id"]) == (None, None, None)
    await call.hang_up()


async def test_a_national_number_is_the_same_customer_as_its_international_form(
    house: House,
) -> None:
    number = house.number()
    since = time.time()
    call, _ = await house.call(number=number.removeprefix("+1"))
    first = await newest(house, since)
    await call.hang_up()
    await house.closed(number)
    await house.call(number=number)
    second = await until(
        lambda: house.interaction(number),
        lambda found: not found["ended_ms"],
        "the second interaction is written",
    )
    assert first["identity_value"] == number
    assert str(first["customer_id"]) == second["customer"]


async def test_a_known_number_joins_its_customer(house: House) -> None:
    call, number = await house.call()
    await call.hang_up()
    first = await house.closed(number)
    await house.call(number=number)
    second = await until(
        lambda: house.interaction(number),
        lambda found: found["id"] != first["id"],
        "the second interaction is written",
    )
    assert second["customer"] == first["customer"] is not None


@pytest.mark.parametrize(
    "sender",
    [
        b'"\'; DROP TABLE customers; --" <sip:+14155550199@lab.invalid>',
        b'"${SHELL(touch /tmp/x)}" <sip:+14155550199@lab.invalid>',
        b'"&PJSIP/x,1,Hangup()" <sip:%0d%0aAction%3a@lab.invalid>',
        b'"' + b"x" * 3000 + b'" <sip:' + b"9" * 300 + b"@lab.invalid>",
        b'"tab\tand\\\\quote\\"" <sip:a%22b%00c@lab.invalid>',
    ],
    ids=["sql", "dialplan", "line-ends", "long", "quotes"],
)
async def test_a_hostile_name_is_a_call_like_any_other(house: House, sender: bytes) -> None:
    since = time.time()
    async with raw(house) as call:
        assert await call.invite(BRIEF.encode(), sender=sender) == 200
        await house.waiting(1)
        assert (await newest(house, since))["dialled"] == BRIEF
    await house.waiting(0)
    assert await house.stack.db.fetchval("SELECT count(*) FROM customers") is not None


@pytest.mark.parametrize(
    "sender",
    [
        b'"\xff\xfe\xc3" <sip:+14155550198@lab.invalid>',
        b'"a\r\nAction: Originate\r\n b" <sip:+14155550198@lab.invalid>',
    ],
    ids=["not-utf-8", "raw-line-ends"],
)
async def test_what_is_no_proper_sip_does_no_harm(house: House, sender: bytes) -> None:
    async with raw(house) as call:
        await call.invite(BRIEF.encode(), sender=sender, within=2)
    call_after, number = await house.call()
    await house.queued(number)
    await call_after.hang_up()


@pytest.mark.parametrize(
    "dialled",
    [
        b"500&PJSIP/x",
        b"600%0d%0aX",
        b"6" * 5000,
        b"%24%7BSHELL(id)%7D",
        b"600,1",
        b"s",
        b"%ff%fe",
    ],
    ids=["ampersand", "line-end", "5kB", "dialplan", "comma", "s", "not-utf-8"],
)
async def test_a_hostile_dialled_string_is_refused(house: House, dialled: bytes) -> None:
    before = await house.stack.db.fetchval("SELECT count(*) FROM interactions")
    async with raw(house) as call:
        status = await call.invite(dialled, within=3)
    assert status not in range(200, 300)
    assert await house.stack.console.channels() == []
    assert await house.stack.db.fetchval("SELECT count(*) FROM interactions") == before


async def test_a_wrong_secret_gets_nowhere(house: House) -> None:
    async with RawCall(house.stack.sip, ("caller", "not the secret")) as call:
        assert await call.invite(BRIEF.encode(), within=4) in {401, 403}
