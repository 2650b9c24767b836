"""Single commands that change the routing configuration, on a real database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from routing_desk import sala, stored

from acd.roster import Roster
from sala import checks


def test_doctor_warns_of_a_queue_that_nobody_can_serve(url: str) -> None:
    assert asyncio.run(checks.routing(url)).verdict == "ok"
    assert sala("skill", "add", "tax").exit_code == 0
    warned = sala("queue", "set", "sales", "steps=[skill tax >= 3]")
    assert warned.exit_code == 0
    assert "warning: queue 'sales', step 1: no agent meets skill tax >= 3" in warned.stderr
    assert asyncio.run(checks.routing(url)).verdict == "warn"


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
