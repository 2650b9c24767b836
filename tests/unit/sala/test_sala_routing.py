"""The routing configuration as a file: read, compared, applied by the command line."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from acd.roster import Roster
from crm import floor
from crm.database import Database
from crm.records import Agent, Floor, Queue
from sala import checks, secrets
from sala.cli import app
from sala.database import first_accounts, prepare
from sala.errors import UserError
from sala.routing import changing
from sala.routing.diff import diff
from sala.routing.document import dump
from sala.routing.file import parse

Sala = Callable[..., Result]

SMALL = Floor(
    version=3,
    queues=(Queue("sales"), Queue("support", steps=("skill tax >= 2",))),
    agents=(Agent("1001", "Ann", "1001", ("sales", "support"), skills=(("tax", 3),)),),
    skills=("tax",),
)

WHOLE = """\
version: 1
skills: [billing, tax]
languages: [en, th]
sites: [bkk]
floor:
  busy_backoff: 3s
  capacity: {chat: 2}
  blocks: {voice: [chat, email], chat: [email]}
calendars:
  office:
    timezone: Asia/Bangkok
    week: {mon-fri: 09:00-17:00}
    holidays: {2026-12-31: New Year's Eve}
queues:
  support:
    strategy: best_skill
    ring: 15s
    ring_at_once: 2
    wrap_up: 1m30s
    target: 30s
    short_abandon: 5s
    max_wait: 10m
    when_late: {overflow: sales}
    max_length: 50
    when_full: overflow sales
    join_needs: logged_in
    stay_needs: active
    when_empty: voicemail
    calendar: office
    when_closed: wait
    closing_clears: true
    tiers: {vip: 1m, slow: -10s}
    steps:
      - skill billing >= 4 and language th
      - criteria: {any: [{skill: {billing: 2}}, site bkk, "agent in [1001, 1002]"]}
        for: 30s
        drop: tax
        lower: {billing: 2}
        skip_without: active
        members: false
        replaces: true
    recipes:
      - when: [waited 60s, length >= 5, tier in [vip]]
        then: [prioritise 30s, {require: {skill: {billing: 2}}}, say still-busy]
        repeat: 1m
      - when: no agents active
        then: callback
    callback:
      first: customer
      retry: {busy: [5m, 15m], refused: []}
      calling: {mon-fri: 09:00-20:00}
      key: "5"
      offer_over: 5m
  sales: {}
agents:
  1001:
    name: Ann
    queues: {support: 1, sales: 2}
    skills: {billing: 4, tax: 1}
    languages: [th, en]
    site: bkk
    capacity: {voice: 1, chat: 2, email: 0}
    weight: 3
  1002: {queues: [sales]}
selections:
  all: {policy: fixed_ratio, queues: {sales: 1, support: 3}}
numbers: {600: main}
"""


def laid(content: str, on: Floor = SMALL, *, prune: bool = False) -> changing.Change:
    file = parse(content.encode(), "r.yaml")
    return changing.plan(on, lambda was: file.onto(was, prune=prune), file.wrong)


def test_a_file_says_all_there_is_to_say() -> None:
    wanted = laid(WHOLE.replace("tier in [vip]", '"tier in [vip]"'), Floor(0)).wanted
    support = wanted.queues[1]
    assert (support.wrap_up_ms, support.max_wait_ms, support.when_late) == (
        90_000, 600_000, "overflow sales",
    )  # fmt: skip
    roster = Roster.of(wanted)
    assert not roster.faults
    assert roster.configuration.queues[1].tiers == (("vip", 60_000), ("slow", -10_000))
    assert len(roster.configuration.queues[1].recipes[0].then) == 3
    assert set(roster.hours) == {"support"}
    again = laid(dump(wanted), Floor(0)).wanted
    assert again == wanted
    assert diff(wanted, again) == []
    assert laid(dump(wanted), wanted, prune=True).lines == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "r.yaml:1:1: error: the file is empty"),
        ("- a", "r.yaml:1:1: error: the file must be a mapping with `version: 1`"),
        ("queues: {}", "version: is missing; write `version: 1`"),
        ("version: 9", "r.yaml:1:1: error: version: is not known to this Sala; write"),
        ("version: 1\nqueue: {}", "r.yaml:2:1: error: queue: there is no such section "
         "(did you mean 'queues'?)"),
        ("version: 1\nqueues: [a]", "queues: a mapping of names is needed"),
        ("version: 1\nqueues:\n  sales: 5", "r.yaml:3:3: error: queue sales: a mapping is needed"),
        ("version: 1\nqueues:\n  sales:\n    rng: 5s", "r.yaml:4:5: error: queue sales, rng: there "
         "is no such field (did you mean 'ring'?)"),
        ("version: 1\nqueues:\n  sales: {ring: 15}", "'15' is no time, such as 20s, 1m30s or 500ms;"
         " write 15s, 15m or 15ms"),
        ("version: 1\nqueues:\n  sales: {ring: 2h}", "a time from 1s to 5m is needed, not '2h'"),
        ("version: 1\nqueues:\n  sales: {strategy: longest}", "unknown strategy 'longest' "
         "(did you mean 'longest_idle'?)"),
        ("version: 1\nqueues:\n  sales:\n    steps:\n      - any\n      - skill taks >= 3",
         "r.yaml:6:9: error: queue sales, step 2, criteria: column 7: unknown skill 'taks' "
         "(did you mean 'tax'?)"),
        ("version: 1\nqueues:\n  sales:\n    steps:\n      - criteria:\n          all:\n"
         "            - {skil: tax}",
         "r.yaml:7:16: error: queue sales, step 1, criteria, all 1, skil: unknown word 'skil' "
         "(did you mean 'skill'?)"),
        ("version: 1\nqueues:\n  sales: {steps: [{criteria: any, fro: 5s}]}",
         "a step has no 'fro' (did you mean 'for'?)"),
        ("version: 1\nqueues:\n  sales: {steps: [{lower: {tax: 9}}]}", "a level from 1 to 5"),
        ("version: 1\nqueues:\n  sales: {steps: any}", "steps: a list is needed, not 'any'"),
        ("version: 1\nqueues:\n  sales:\n    recipes:\n      - when: waitd 5s\n"
         "        then: voicemail", "r.yaml:5:9: error: queue sales, recipe 1, when: unknown "
         "condition 'waitd' (did you mean 'waited'?)"),
        ("version: 1\nqueues:\n  sales: {recipes: [{when: waited 5s, then: voicemial}]}",
         "unknown action 'voicemial' (did you mean 'voicemail'?)"),
        ("version: 1\nqueues:\n  sales: {recipes: [{when: waited 5s}]}",
         "recipe 1: a recipe needs an action in `then`"),
        ("version: 1\nqueues:\n  sales: {recipes: [{when: length 5, then: callback}]}",
         "write `length >= N`, not 'length 5'"),
        ("version: 1\nqueues:\n  sales: {recipes: [{when: no members available, then: callback}]}",
         "members are asked for as logged_in or active"),
        ("version: 1\nqueues:\n  sales: {recipes: [{when: waited 1s, then: require skil tax}]}",
         "column 1: unknown word 'skil'"),
        ("version: 1\nqueues:\n  sales: {recipes: [{when: waited 1s, then: relax law}]}",
         "unknown skill 'law'"),
        ("version: 1\nqueues:\n  sales: {when_full: overflow suport}",
         "queue sales, when_full: there is no queue 'suport' (did you mean 'support'?)"),
        ("version: 1\nqueues:\n  sales: {when_full: overflow sales}", "there is no queue 'sales'"),
        ("version: 1\nqueues:\n  sales: {when_late: wait}", "unknown way out of the queue"),
        ("version: 1\nqueues:\n  sales: {stay_needs: available}", "logged_in or active is needed"),
        ("version: 1\nqueues:\n  sales: {calendar: office}", "there is no calendar 'office'"),
        ("version: 1\nqueues:\n  sales: {tiers: {vip: 5}}", "sales, tiers, vip: '5' is no time"),
        ("version: 1\nagents:\n  1001: {skills: {taks: 3}}", "r.yaml:3:10: error: agent 1001, "
         "skills: there is no skill 'taks' (did you mean 'tax'?)"),
        ("version: 1\nagents:\n  1001: {skills: {tax: 6}}", "agent 1001, skills, tax: a level from "
         "1 to 5 is needed, not '6'"),
        ("version: 1\nagents:\n  1001: {queues: [sale]}", "there is no queue 'sale'"),
        ("version: 1\nagents:\n  caller: {}", "caller is the name of an account of Sala's own"),
        ("version: 1\nagents:\n  a.b: {}", "cannot be a SIP account"),
        ("version: 1\nfloor: {capacity: {fax: 1}}", "a capacity has no 'fax'"),
        ("version: 1\nfloor: {blocks: {voice: [fax]}}", "unknown channel 'fax'"),
        ("version: 1\nselections:\n  s: {policy: magic, queues: [sales]}",
         "unknown policy 'magic'"),
        ("version: 1\nselections:\n  s: {queues: [sale]}", "there is no queue 'sale'"),
        ("version: 1\ncalendars:\n  office: {timezone: Mars/Base}", "calendar office, timezone: "
         "needs a time zone such as Asia/Bangkok"),
        ("version: 1\nskills: tax", "r.yaml:2:1: error: skills: a list of names is needed"),
    ],
)  # fmt: skip
def test_faults_are_told_with_file_line_and_the_nearest_word(content: str, told: str) -> None:
    with pytest.raises(UserError) as wrong:
        laid(content)
    assert told in str(wrong.value)
    assert "Traceback" not in str(wrong.value)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(UserError) as wrong:
        laid("version: 1\nqueues:\n  sales: {ring: x, wrap_up: y}\n  support: {target: z}\n")
    lines = str(wrong.value).splitlines()
    assert [line.split(": error")[0] for line in lines[:3]] == [
        "r.yaml:3:11", "r.yaml:3:20", "r.yaml:4:13",
    ]  # fmt: skip
    assert lines[3] == "nothing was changed"


def test_what_breaks_something_elsewhere_is_told() -> None:
    with pytest.raises(UserError, match=r"queue support, step 1, criteria: .*unknown skill 'tax'"):
        laid("version: 1\nskills: []\nagents:\n  1001: {}\n", prune=True)


def test_a_fault_that_was_there_before_keeps_nothing_from_being_changed() -> None:
    broken = Floor(
        1, queues=(Queue("sales", steps=({"criterai": 1},)), Queue("support")), skills=("tax",)
    )
    assert laid("version: 1\nqueues:\n  support: {ring: 9s}\n", broken).lines == [
        "~ queue support", "    ring: 20s → 9s",
    ]  # fmt: skip
    with pytest.raises(UserError, match="unknown skill"):
        laid("version: 1\nqueues:\n  support: {steps: [skill x]}\n", broken)


def test_the_diff_speaks_the_admin_s_words() -> None:
    lines = laid(
        "version: 1\n"
        "skills: [law]\n"
        "queues:\n"
        "  support:\n"
        "    ring: 15s\n"
        "    steps: [skill tax >= 3, any]\n"
        "  vip: {tiers: {gold: 1m}}\n"
        "agents:\n"
        "  1001: {name: Ann, queues: {support: 2}, skills: {tax: 4, law: 1}, languages: []}\n"
    ).lines
    assert lines == [
        "+ skill law",
        "~ queue support",
        "    ring: 20s → 15s",
        "    steps:",
        "      - skill tax >= 2",
        "      + skill tax >= 3",
        "      + any",
        "+ queue vip",
        "    tiers: {gold: 1m}",
        "~ agent 1001",
        "    queues: - sales, support 1 → 2",
        "    skills: + law 1, tax 3 → 4",
    ]


def test_only_what_a_file_s_sections_name_is_touched() -> None:
    assert laid("version: 1\n").lines == []
    assert laid("version: 1\nqueues: {sales: {}}\n", prune=True).lines == [
        "- queue support",
        "~ agent 1001",
        "    queues: - support",
    ]
    kept = laid("version: 1\nqueues: {sales: {}}\n").wanted
    assert kept == SMALL


# --- by the command line, against a real database ------------------------------------------------


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The URL of a database as a first start leaves it."""
    for name in list(os.environ):
        if name.startswith("SALA_") and name != "SALA_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALA_DATABASE_URL", server)

    async def fresh() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()
        await prepare(server)

    asyncio.run(fresh())
    secrets.ensure(tmp_path / ".sala" / "secrets.toml", first_accounts())
    return server


def sala(*words: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(app, words, input=stdin)
    assert "Traceback" not in result.output
    return result


def sql(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    return asyncio.run(run())


def stored(url: str) -> Floor:
    async def load() -> Floor:
        database = Database(url, size=1)
        await database.open()
        try:
            return await floor.load(database)
        finally:
            await database.close()

    return asyncio.run(load())


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


def test_doctor_warns_of_a_queue_that_nobody_can_serve(url: str) -> None:
    assert asyncio.run(checks.routing(url)).verdict == "ok"
    assert sala("skill", "add", "tax").exit_code == 0
    warned = sala("queue", "set", "sales", "steps=[skill tax >= 3]")
    assert warned.exit_code == 0
    assert "warning: queue 'sales', step 1: no agent meets skill tax >= 3" in warned.stderr
    assert asyncio.run(checks.routing(url)).verdict == "warn"


# --- single commands -----------------------------------------------------------------------------


def test_queues(url: str) -> None:
    added = sala("queue", "add", "vip", "ring=15s", "when_full=overflow sales")
    assert added.stdout.splitlines() == [
        "+ queue vip", "    ring: 15s", "    when_full: overflow sales",
    ]  # fmt: skip
    assert "warning: queue 'vip': no agent serves it" in added.stderr
    assert sala("queue", "set", "vip", "ring=").stdout == "~ queue vip\n    ring: 15s → 20s\n"
    shown = json.loads(sala("queue", "show", "vip", "--json").stdout)
    assert (shown["when_full"], shown["agents"]) == ("overflow sales", [])
    assert "vip" in sala("queue", "list").stdout
    for words, told in (
        (("set", "vpi", "ring=1s"), "there is no queue vpi (did you mean 'vip'?)"),
        (("set", "vip", "rings=1s"), "there is no field 'rings' (did you mean 'ring'?)"),
        (("set", "vip", "steps=[skill x]"), "unknown skill 'x'"),
        (("set", "vip", "steps=["), "steps: wrong YAML"),
        (("set", "vip"), "name the fields to change"),
        (("add", "vip"), "there is a queue vip already"),
        (("add", "V I P"), "'V I P' is no queue's name"),
        (("remove", "sales"), "queue vip, when_full: there is no queue 'sales'"),
        (("remove", "nowhere"), "There is no queue nowhere."),
    ):
        failed = sala("queue", *words)
        assert (failed.exit_code, told in failed.stderr) == (2, True), failed.output
    assert sala("queue", "remove", "vip").exit_code == 0
    assert len(stored(url).queues) == 3


def test_skills_and_agents(url: str) -> None:
    assert sala("skill", "add", "tax").stdout == "+ skill tax\n"
    assert sala("skill", "add", "tax").stdout == "nothing to change\n"
    done = sala(
        "agent", "set", "1001", "--skill", "tax=3", "--language", "th", "--site", "bkk",
        "--queue", "sales=2", "--queue", "support", "--capacity", "chat=2", "--weight", "5",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    ann = stored(url).agents[0]
    assert (ann.skills, ann.languages, ann.site) == ((("tax", 3),), ("th",), "bkk")
    assert (ann.queues, ann.ranks, ann.chat, ann.voice, ann.weight) == (
        ("sales", "support"), (2, 1), 2, None, 5,
    )  # fmt: skip
    assert json.loads(sala("skill", "list", "--json").stdout) == {"tax": {"1001": 3}}
    assert "skills       {tax: 3}" in sala("agent", "show", "1001", "--no-secrets").stdout
    for words, told in (
        (("skill", "remove", "tax"), "agent 1001, skills: there is no skill 'tax'"),
        (("agent", "set", "1001", "--skill", "tacs=3"), "there is no skill 'tacs' (did you mean"),
        (("agent", "set", "1001", "--skill", "tax"), "write SKILL=LEVEL"),
        (("agent", "set", "1001", "--skill", "tax=6"), "a level from 1 to 5"),
        (("agent", "set", "1001", "--capacity", "fax=6"), "a capacity has no 'fax'"),
        (("agent", "set", "1001", "--language", "Thai!"), "'Thai!' is no language"),
        (("agent", "set", "1001"), "say what to change"),
        (("agent", "set", "1009", "--weight", "2"), "there is no agent 1009"),
        (("agent", "add", "trunk-1"), "the name of an account of Sala's own"),
    ):
        failed = sala(*words)
        assert (failed.exit_code, told in failed.stderr) == (2, True), failed.output
    assert sala("agent", "set", "1001", "--skill", "tax=", "--capacity", "chat=").exit_code == 0
    assert sala("skill", "remove", "tax").stdout == "- skill tax\n"
    assert stored(url).agents[0].chat is None


def test_calendars(url: str, tmp_path: Path) -> None:
    file = tmp_path / "office.yaml"
    file.write_text("timezone: UTC\nweek: {mon-sun: 00:00-24:00}\n")
    assert sala("calendar", "set", "office", str(file)).exit_code == 0
    assert sala("queue", "set", "sales", "calendar=office").exit_code == 0
    (row,) = json.loads(sala("calendar", "list", "--json").stdout)
    assert row == {"calendar": "office", "state": "open", "changes_ms": None, "queues": ["sales"]}
    assert "open, stays so; for sales" in sala("calendar", "list").stdout
    assert sala("calendar", "show", "office").stdout.startswith("timezone: UTC\n")
    file.write_text("timezone: Mars/Base\n")
    failed = sala("calendar", "set", "office", str(file))
    assert (failed.exit_code, f"{file}:1:1:" in failed.stderr) == (2, True), failed.output
    failed = sala("calendar", "remove", "office")
    assert (failed.exit_code, "queue sales, calendar" in failed.stderr) == (2, True)
    assert sala("queue", "set", "sales", "calendar=").exit_code == 0
    assert sala("calendar", "remove", "office").exit_code == 0


def test_the_documentation_s_example_applies(url: str) -> None:
    example = Path(__file__).resolve().parents[3] / "docs" / "examples" / "routing.yaml"
    done = sala("apply", str(example), "--yes")
    assert done.exit_code == 0, done.output
    assert done.stderr == "warning: queue 'sales': no agent serves it\n"
    assert sala("apply", str(example), "--yes").stdout.endswith("nothing to change\n")
    roster = Roster.of(stored(url))
    assert not roster.faults
    assert set(roster.hours) == {"billing"}


def test_customers_tiers(url: str) -> None:
    assert sala("customer", "tier", "+6621234567").stdout == "none\n"
    assert sala("customer", "tier", "+6621234567", "vip").stdout == "the tier is vip\n"
    assert sala("customer", "tier", "+6621234567").stdout == "vip\n"
    for words, told in (
        (("+6621234567", "V I P"), "'V I P' is no tier"),
        (("hello", "vip"), "hello is no telephone number"),
    ):
        failed = sala("customer", "tier", *words)
        assert (failed.exit_code, told in failed.stderr) == (2, True), failed.output
    assert sala("customer", "tier", "+6621234567", "none").exit_code == 0
    assert sala("customer", "tier", "+6621234567").stdout == "none\n"
