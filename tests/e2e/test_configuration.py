"""The routing configuration changed by command while calls wait and talk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from house import BRIEF, House, outcomes, until

from lab.errors import StackError


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def as_it_was(house: House) -> AsyncIterator[None]:
    """Put the configuration back as it was, by its own export."""
    file = house.stack.home / "before.yaml"
    file.write_text(await house.stack.run("export"))
    yield
    await house.stack.run("apply", str(file), "--yes", "--prune")
    assert await house.stack.run("export") == file.read_text()


async def apply(house: House, content: str) -> str:
    file = house.stack.home / "routing.yaml"
    file.write_text(content)
    return await house.stack.run("apply", str(file), "--yes")


async def logged(house: House, action: str, **fields: Any) -> dict[str, Any]:
    """The service's last line of an action, with these fields."""

    async def asked() -> dict[str, Any]:
        log = (house.stack.home / "state" / "logs" / "service.log").read_text()
        found = [one for line in log.splitlines() if (one := _entry(line)).get("action") == action]
        found = [one for one in found if all(one.get(key) == fields[key] for key in fields)]
        return found[-1] if found else {}

    found: dict[str, Any] = await until(asked, bool, f"the log has {action} {fields}")
    return found


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


async def test_who_waits_is_routed_by_what_is_applied_meanwhile(house: House) -> None:
    await house.stack.run("skill", "add", "tax")
    await house.stack.run("queue", "set", "sales", "steps=[skill tax >= 3]")
    await house.stack.reload()
    pid = (await house.stack.status())["pid"]
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    await house.queued(number)
    await house.waiting(1)
    assert await house.stack.presence("1001") == "available"
    said = await apply(
        house,
        "version: 1\nagents:\n  1001: {name: Agent 1001, queues: [sales], skills: {tax: 4}}\n",
    )
    assert "skills: + tax 4" in said
    ringing = await house.meets(phone)
    await house.talk(call, ringing)
    # ... and who talks does not notice that the agent serves the queue no more.
    await house.stack.run("agent", "set", "1001", "--queue", "support")
    await house.talk(call, ringing)
    await ringing.hang_up()
    await call.ended()
    found = await house.closed(number)
    assert outcomes(found, "queue") == ["answered"]
    assert (await house.stack.status())["pid"] == pid


async def test_an_agent_added_by_a_file_is_there_at_once(house: House) -> None:
    said = await apply(house, "version: 1\nagents:\n  1009: {name: Nine, queues: [sales]}\n")
    assert "+ agent 1009" in said
    await until(
        house.stack.status,
        lambda now: "1009" in {row["agent"] for row in now["agents"]},
        "the service knows the agent",
    )
    assert "1009" in house.stack.accounts().phones
    assert "1009" in await house.stack.console("pjsip show endpoints")


async def test_rows_that_other_hands_broke_leave_the_last_good_configuration(
    house: House,
) -> None:
    (phone,) = await house.log_in("1001")
    db = house.stack.db
    await db.execute(
        'UPDATE queues SET steps = \'[{"criteria": "skil tax"}]\', ring_ms = 9000'
        " WHERE name = 'sales'"
    )
    version = await db.fetchval("SELECT version FROM config_version")
    told = await logged(house, "configure", version=version)
    assert "queue sales, step 1, criteria: column 1: unknown word 'skil'" in str(told)
    call, number = await house.call(BRIEF)
    ringing = await house.meets(phone)
    await ringing.hang_up()
    await call.ended()
    assert outcomes(await house.closed(number), "queue") == ["answered"]
    try:
        doctor = await house.stack.run("doctor")
    except StackError as failed:
        doctor = str(failed)
    assert "unknown word 'skil' (did you mean 'skill'?)" in doctor
    assert "Traceback" not in doctor
    await house.stack.run("queue", "set", "sales", "steps=")
    await logged(house, "configured", version=version + 1)


async def test_a_customer_of_worth_overtakes_by_the_queue_s_tiers(house: House) -> None:
    await house.stack.run("queue", "set", "sales", "tiers={vip: 2m}")
    await house.stack.reload()
    worthy = house.number()
    await house.stack.run("customer", "tier", worthy, "vip")
    plain, number = await house.call()
    await house.waiting(1)
    vip, _ = await house.call(number=worthy)
    await house.waiting(2)
    phone = house.world.phones["1001"]
    await phone.registered()
    await house.stack.agent("1001", "available")
    ringing = await phone.ringing()
    assert ringing.shown_number == worthy
    await vip.hang_up()
    ringing = await phone.ringing()
    assert ringing.shown_number == number
    await plain.hang_up()
    await house.closed(worthy)
    await house.closed(number)
