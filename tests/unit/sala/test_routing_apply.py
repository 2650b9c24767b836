"""`sala apply`, by the command line and on a real database."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from routing_desk import WHOLE, sala, sql, stored

from acd.roster import Roster
from crm import floor
from crm.database import Database
from crm.records import Floor, Queue
from sala import checks
from sala.errors import UserError
from sala.routing import changing
from sala.routing.file import parse


def test_apply_shows_asks_and_applies(url: str, tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text(WHOLE.replace("tier in [vip]", '"tier in [vip]"'))
    before = stored(url)

    shown = sala("apply", str(file), "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "+ skill billing" in shown.stdout
    assert "nothing was changed: this is what it would change" in shown.stdout
    alone = sala("apply", str(file))
    assert (alone.exit_code, "add --yes" in alone.stderr) == (2, True)
    assert stored(url) == before

    done = sala("apply", str(file), "--yes")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("applied\n")
    assert "warning: queue 'billing': no agent serves it" in done.stderr
    after = stored(url)
    assert after.version == before.version + 1
    assert not Roster.of(after).faults
    assert [queue.name for queue in after.queues] == ["billing", "sales", "support"]

    exported = sala("export").stdout
    file.write_text(exported)
    assert sala("apply", str(file), "--yes", "--prune").stdout.endswith("nothing to change\n")
    assert sala("apply", "-", "--yes", stdin=exported).stdout.endswith("nothing to change\n")
    assert stored(url).version == after.version


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 2), ("", 2)])
def test_apply_asks_at_a_terminal(url: str, tmp_path: Path, answer: str, status: int) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text("version: 1\nskills: [tax]\n")
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "sala", "apply", str(file)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            said, told = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == status, told
    assert said.startswith("+ skill tax\n")
    assert ("applied" in said) is (status == 0)
    assert ("sala: nothing was changed" in told) is (status == 2)
    assert stored(url).skills == (("tax",) if status == 0 else ())


def test_new_agents_get_accounts_and_gone_ones_lose_them(url: str, tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text("version: 1\nagents:\n  1001: {}\n  2001: {queues: [sales]}\n")
    assert sala("apply", str(file), "--yes", "--prune").exit_code == 0
    assert [agent.id for agent in stored(url).agents] == ["1001", "2001"]
    shown = json.loads(sala("agent", "show", "2001", "--json").stdout)
    assert len(shown["account"]["secret"]) == 20
    secrets_text = (tmp_path / ".sala" / "secrets.toml").read_text()
    assert "2001" in secrets_text
    assert "1002" not in secrets_text


def test_a_fault_in_the_last_line_applies_nothing(url: str, tmp_path: Path) -> None:
    before = stored(url)
    file = tmp_path / "routing.yaml"
    file.write_text(
        "version: 1\nskills: [tax]\nqueues:\n  first: {}\nagents:\n  2001: {skills: {tacks: 3}}\n"
    )
    failed = sala("apply", str(file), "--yes")
    assert failed.exit_code == 2
    assert f"sala: {file}:6:10: error: agent 2001, skills: there is no skill 'tacks'" in (
        failed.stderr
    )
    assert stored(url) == before
    # One that only the tables refuse, in a row that is written last.
    file.write_text("version: 1\nqueues:\n  first: {}\nnumbers:\n  x;y: main\n")
    failed = sala("apply", str(file), "--yes")
    assert (failed.exit_code, "number x;y: number cannot be 'x;y'" in failed.stderr) == (2, True)
    file.write_text("version: 1\nnumbers:\n  601: nowhere\n")
    failed = sala("apply", str(file), "--yes")
    assert (failed.exit_code, "there is no flow nowhere" in failed.stderr) == (2, True)
    assert stored(url) == before


def test_killed_in_the_middle_applies_nothing(url: str, tmp_path: Path) -> None:
    before = stored(url)
    file = tmp_path / "routing.yaml"
    file.write_text(WHOLE.replace("tier in [vip]", '"tier in [vip]"'))

    async def kill_midway() -> None:
        holder = await asyncpg.connect(url)
        async with holder.transaction():
            # It writes skills, calendars and queues, then waits for the table of agents.
            await holder.execute("LOCK TABLE agents IN SHARE MODE")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sala", "apply", str(file), "--yes",
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            async with asyncio.timeout(30):
                while not await holder.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted "
                    "AND relation = 'agents'::regclass)"
                ):
                    assert process.returncode is None
                    await asyncio.sleep(0.01)
            process.kill()
            await process.wait()
        await holder.close()

    asyncio.run(kill_midway())
    assert stored(url) == before
    assert sala("apply", str(file), "--yes").exit_code == 0


def test_changes_at_once_wait_for_each_other(url: str) -> None:
    async def both() -> None:
        database = Database(url, size=12)
        await database.open()
        try:
            await asyncio.gather(
                *(
                    changing.change(
                        database,
                        lambda was, n=n: laid_names(was, f"skill-{n}"),  # type: ignore[misc]
                    )
                    for n in range(10)
                )
            )
        finally:
            await database.close()

    asyncio.run(both())
    assert stored(url).skills == tuple(f"skill-{n}" for n in range(10))


def laid_names(was: Floor, skill: str) -> Floor:
    file = parse(f"version: 1\nskills: [{skill}]\n".encode(), "r.yaml")
    return file.onto(was)


def test_what_was_shown_is_what_is_applied_or_nothing(url: str) -> None:
    async def late() -> None:
        database = Database(url, size=2)
        await database.open()
        try:
            shown = changing.plan(await floor.load(database), lambda was: laid_names(was, "tax"))
            await floor.put_queue(database, Queue("meanwhile"))
            with pytest.raises(UserError, match="changed by someone else meanwhile"):
                await changing.change(database, lambda was: laid_names(was, "tax"), shown=shown)
            assert (await floor.load(database)).skills == ()
        finally:
            await database.close()

    asyncio.run(late())


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE queues SET steps = '[{\"criteria\": \"skil x\"}]' WHERE name = 'sales'",
         "queue sales, step 1, criteria: column 1: unknown word 'skil' (did you mean 'skill'?)"),
        ("UPDATE queues SET steps = '[5, null, [], {\"for\": -1}]' WHERE name = 'sales'",
         "queue sales, step 1: a step must be a mapping, not '5'"),
        ("UPDATE queues SET recipes = '[{\"when\": {\"waited\": {}}, \"then\": [7]}]'",
         "queue billing, recipe 1, then 1: an action is needed, not '7'"),
        ("UPDATE queues SET strategy = 'fastest' WHERE name = 'sales'",
         "queue sales, strategy: unknown strategy 'fastest'"),
        ("UPDATE queues SET when_full = 'overflow gone', tiers = '{\"vip\": []}'",
         "queue sales, when_full: there is no queue 'gone'"),
        ("INSERT INTO calendars VALUES ('office', '{\"timezone\": 5, \"week\": [1]}')",
         "calendar office, timezone: needs a time zone such as Asia/Bangkok"),
        ("UPDATE floor_policy SET blocks = '{\"voice\": \"fax\", \"fax\": 3}'",
         "floor blocks, voice: unknown channel 'fax'"),
        ("DELETE FROM floor_policy", ""),
    ],
)  # fmt: skip
def test_rows_that_other_hands_broke_are_told_and_survived(
    url: str, statement: str, told: str
) -> None:
    sql(url, statement)
    found = stored(url)
    roster = Roster.of(found)
    assert told in "\n".join(map(str, roster.faults))
    # Whatever is broken, the floor has all queues and agents.
    assert len(roster.configuration.queues) == 3
    assert len(roster.configuration.agents) == 2
    finding = asyncio.run(checks.routing(url))
    assert finding.verdict == ("fail" if told else "ok")
    assert told in finding.found
    # Commands still do what has nothing to do with it.
    assert sala("skill", "add", "tax").exit_code == 0
