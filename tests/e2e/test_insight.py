"""What the journal of real calls gives: `sala explain` and `sala replay`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from house import PATIENCE_S, RING_MS, House, until

from acd.estimates.announcer import rounded
from acd.estimates.estimate import Estimate
from acd.estimates.experience import ENOUGH
from lab.errors import LabError

ADVICE, URGENT = "651", "652"
FLOWS = {
    "advice": """\
sala: 1
title: Somebody who knows of taxes
start: line
nodes:
  line:
    type: queue
    queue: sales
    criteria: [{skills: {tax: 3}, for_s: 3}, {skills: {tax: 1}}]
    failed: goodbye
  goodbye: {type: hangup}
""",
    "urgent": """\
sala: 1
title: Before others
start: line
nodes:
  line:
    type: queue
    queue: sales
    priority: "60"
    failed: goodbye
  goodbye: {type: hangup}
""",
}
KNOWS = "queue sales and skill tax >= 3"
WIDER = "(queue sales and skill tax >= 1) or (queue sales and skill tax >= 3)"
TOLD = f"""\
Interaction FIRST
TIME  came to sales: place 1
    step 1 of 2: asks for {KNOWS}, for 3 s
    may take it: 1001 (paused (lunch))
    why not 1001: was paused (lunch)
    why not 1003: does not meet skill tax >= 3 (does not have it)
TIME  step 2 of 2: asks for {WIDER}
TIME  offered to 1002, to ring {RING_MS // 1000} s
    in force: step 2 of 2: asks for {WIDER}
    eligible and free: 1002
    eligible, not free: 1001 (paused (lunch))
    chosen: 1002 was the only one of them free
    why not 1001: was paused (lunch)
    why not 1003: does not meet skill tax >= 1 (does not have it) and skill tax >= 3 \
(does not have it)
TIME  1002 did not answer (RONA): it is back at its exact place, 1; 1002 is paused
TIME  place 2: SECOND went ahead of it: its priority gives it a head start of 60 s
TIME  SECOND went before it, to 1001: its priority gives it a head start of 60 s
TIME  place 1: SECOND was answered by 1001
TIME  offered to 1002, to ring {RING_MS // 1000} s
    in force: step 2 of 2: asks for {WIDER}
    eligible and free: 1002
    eligible, not free: 1001 (on contact with SECOND)
    chosen: 1002 was the only one of them free
    why not 1001: was on contact with SECOND
    why not 1003: does not meet skill tax >= 1 (does not have it) and skill tax >= 3 \
(does not have it)
TIME  1002 answered
TIME  the contact with 1002 ended
"""


@pytest_asyncio.fixture(loop_scope="session")
async def taxes(house: House, flows: Path) -> AsyncIterator[None]:
    """What knowing of taxes leaves behind is taken away: no flow may ask for it any more, too."""
    yield
    for name in FLOWS:
        (flows / f"{name}.yaml").unlink(missing_ok=True)
    db = house.stack.db
    await db.execute("DELETE FROM entry_points WHERE number = ANY($1)", [ADVICE, URGENT])
    await db.execute("DELETE FROM agent_skills WHERE skill = 'tax'")
    await db.execute("DELETE FROM skills WHERE name = 'tax'")
    await house.stack.reload()


@pytest.mark.usefixtures("taxes")
async def test_a_call_is_explained_to_who_was_not_there(house: House, flows: Path) -> None:
    stack = house.stack
    for name, text in FLOWS.items():
        (flows / f"{name}.yaml").write_text(text)
    await stack.db.execute("INSERT INTO skills VALUES ('tax') ON CONFLICT DO NOTHING")
    await stack.db.execute("INSERT INTO agent_skills VALUES ('1001', 'tax', 4), ('1002', 'tax', 2)")
    for number, flow in ((ADVICE, "advice"), (URGENT, "urgent")):
        await stack.run("flow", "publish", flow)
        await stack.db.execute("INSERT INTO entry_points VALUES ($1, $2)", number, flow)
    await stack.reload()

    knows, learns = await house.log_in("1001", "1002")
    await stack.agent("1001", "paused", "lunch")
    call, number = await house.call(ADVICE)
    unanswered = await learns.ringing()
    await unanswered.ended(RING_MS / 1000 + PATIENCE_S)
    await stack.becomes("1002", "paused")
    urgent, urgent_number = await house.call(URGENT)
    await house.waiting(2)
    await stack.agent("1001", "available")
    talking = await house.meets(knows)
    await stack.agent("1002", "available")
    answered = await house.meets(learns)
    await answered.hang_up()
    await call.ended()
    await talking.hang_up()
    await urgent.ended()

    first = (await house.closed(number))["id"]
    second = (await house.closed(urgent_number))["id"]
    asked = ("--why-not", "1001", "--why-not", "1003", "--why-before", second)
    text = await stack.run("explain", first, *asked)
    text = text.replace(first, "FIRST").replace(second, "SECOND")
    assert re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", text) == TOLD


async def test_the_run_replays_and_a_changed_decision_is_caught(
    house: House, tmp_path: Path
) -> None:
    stack = house.stack
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    talking = await house.meets(phone)
    await talking.hang_up()
    await call.ended()
    found = await house.closed(number)
    offer = next(one["offer"] for one in found["segments"] if one["kind"] == "ringing")
    assert "gave the same" in await stack.run("replay")
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\nqueues: {sales: {ring: 9s, wrap_up: 30s}}\n")
    compared = json.loads(await stack.run("replay", "--with", str(other), "--json"))
    was = [
        run["was"]["sales"]["offered"] for run in compared.values() if "sales" in (run["was"] or ())
    ]
    new = [
        run["new"]["sales"]["offered"] for run in compared.values() if "sales" in (run["new"] or ())
    ]
    assert sum(was) >= 1
    assert sum(new) >= 1

    change = (
        "UPDATE journal SET body = replace(body::text, $1, $2)::jsonb WHERE body::text LIKE"
        " '%[\"offer\", ' || $1 || '%' AND epoch NOT LIKE 'ivr.%'"
    )
    really, changed = (f'"{offer}", "{found["id"]}", "sales", "{a}"' for a in ("1001", "1003"))
    await stack.db.execute("ALTER TABLE journal DISABLE TRIGGER journal_append_only")
    try:
        assert await stack.db.execute(change, really, changed) == "UPDATE 1"
        with pytest.raises(LabError) as caught:
            await stack.run("replay")
    finally:
        await stack.db.execute(change, changed, really)
        await stack.db.execute("ALTER TABLE journal ENABLE TRIGGER journal_append_only")
    said = str(caught.value)
    assert "status 1" in said
    assert re.search(rf"decided then: offer offer {offer}, .* agent 1003", said)
    assert re.search(rf"decided now:  offer offer {offer}, .* agent 1001", said)


async def test_waits_are_estimated_once_enough_is_known(house: House) -> None:
    stack = house.stack
    now = int(time.time() * 1000)
    for number in range(ENOUGH):
        await stack.db.execute(
            "WITH one AS (INSERT INTO interactions (id, channel, direction, arrived_at, ended_at,"
            " outcome) VALUES (gen_random_uuid(), 'voice', 'inbound', from_ms($1), from_ms($2),"
            " 'answered') RETURNING id)"
            " INSERT INTO segments (interaction, seq, kind, queue, agent, started_at, ended_at,"
            " outcome) SELECT id, 1, 'talk', 'sales', '1001', from_ms($1), from_ms($2), 'ended'"
            " FROM one",
            now - 600_000 - number * 1000,
            now - 500_000 - number * 1000,
        )
    await stack.kill_service()
    await stack.start_service()
    (phone,) = await house.log_in("1001")
    first, _ = await house.call()
    talking = await house.meets(phone)
    second, number = await house.call()
    await house.waiting(1)

    async def estimated() -> Any:
        queues = (await stack.status())["queues"]
        return next(one["waiting"][0]["ewt"] for one in queues if one["queue"] == "sales")

    ewt = await until(estimated, lambda found: found is not None, "a wait is estimated")
    assert ewt["p10"] < ewt["p50"] < ewt["p90"]
    assert (ewt["ahead"], ewt["agents"]) == (0, 1)
    waiting = (await house.queued(number))["id"]

    async def given() -> Any:
        rows = await stack.db.fetch(
            "SELECT body FROM journal WHERE epoch LIKE 'ewt.%' AND body ->> 'interaction' = $1"
            " ORDER BY seq",
            waiting,
        )
        return [json.loads(row["body"]) for row in rows]

    # The first on arrival, the second at the moment the caller is first told a range.
    _, told_then, *_ = await until(given, lambda found: len(found) >= 2, "a range is told", 20)
    names = [field.name for field in fields(Estimate)]
    range_told = rounded(Estimate(**{name: told_then[name] for name in names}))
    await second.hears(house.prompt(range_told.prompts()[0]), at_least=0.6)
    await talking.hang_up()
    await first.ended()
    again = await house.meets(phone)
    await again.hang_up()
    await second.ended()
    await house.closed(number)
    report = json.loads(await stack.run("ewt", "report", "--json"))
    (sales,) = [one for one in report["queues"] if one["queue"] == "sales"]
    assert sales["given"] >= 1
