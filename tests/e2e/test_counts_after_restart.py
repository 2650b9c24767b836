"""What agents did today is counted on after the service was killed."""

from __future__ import annotations

import json

from house import House, of_kind, until


async def restored(house: House, agent: str) -> dict[str, int]:
    """What the newest run of the router was told of an agent at its beginning."""
    body = await house.stack.db.fetchval(
        "SELECT body FROM journal WHERE seq = 1 AND is_run(epoch) ORDER BY id DESC LIMIT 1"
    )
    events = json.loads(body)["events"]
    found: dict[str, int] = next(
        one for kind, one in events if kind == "agent_restored" and one["agent"] == agent
    )
    return found


async def test_contacts_and_occupied_time_are_counted_on(house: House) -> None:
    stack = house.stack
    counts = []
    for _ in range(2):
        (phone,) = await house.log_in("1003")
        call, number = await house.call()
        talking = await house.meets(phone)
        await talking.hang_up()
        await call.ended()
        await stack.becomes("1003", "available")
        await until(stack.status, lambda now: not now["database"]["pending"], "all is written")
        found = await house.closed(number)
        (talk,) = of_kind(found, "talk")
        ran = await stack.db.fetchval("SELECT max(epoch) FROM journal WHERE kind = 'batch'")
        await stack.kill_service()
        await stack.start_service()
        await until(
            lambda: stack.db.fetchval("SELECT max(epoch) FROM journal WHERE kind = 'batch'"),
            lambda epoch, ran=ran: epoch != ran,
            "the new run has begun",
            10,
        )
        counts.append(await restored(house, "1003"))
        assert counts[-1]["busy_today"] >= talk["ended_ms"] - talk["started_ms"]
    first, second = counts
    assert first["contacts_today"] >= 1
    assert second["contacts_today"] == first["contacts_today"] + 1
    assert second["busy_today"] > first["busy_today"]
    assert "gave the same" in await stack.run("replay")
