"""The routing configuration as a file: read, compared, refused."""

from __future__ import annotations

import pytest
from routing_desk import SMALL, WHOLE, laid

from acd.roster import Roster
from crm.records import Floor, Queue
from sala.errors import UserError
from sala.routing.diff import diff
from sala.routing.document import dump


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
