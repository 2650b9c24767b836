"""Criteria: reading, canonical form, relaxing, and who meets them."""

from __future__ import annotations

import pytest
from floors import AGENTS, SKILLS, agent_configs, criteria, some_skills, steps
from hypothesis import given, strategies as st
from naive_rules import meets

from acd.router import CriteriaError, configuration
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.router.criteria import (
    ANYONE,
    NOBODY,
    AllOf,
    AnyOf,
    Criteria,
    Language,
    Member,
    Named,
    Not,
    Site,
    Skill,
    canonical,
    relaxed,
    text,
)
from acd.router.criteria_parser import Vocabulary, parse
from acd.router.events import Arrived, Channel
from acd.router.floor import Floor
from acd.router.progress import begin
from acd.router.supply import Supply, orders

QUEUES = ("red", "green")
staff = st.tuples(*(agent_configs(name, QUEUES, 0) for name in AGENTS))


def met_by(agents: tuple[AgentConfig, ...], asked: Criteria) -> set[str]:
    return {one.agent for one in agents if meets(one, asked)}


@given(staff, criteria)
def test_sets_say_who_meets_them(agents: tuple[AgentConfig, ...], asked: Criteria) -> None:
    supply = Supply(Configuration(agents=agents))
    found = {agents[order].agent for order in orders(supply.of(asked))}
    assert found == met_by(agents, asked)


@given(staff, criteria)
def test_the_canonical_form_means_the_same(
    agents: tuple[AgentConfig, ...], asked: Criteria
) -> None:
    form = canonical(asked)
    assert met_by(agents, form) == met_by(agents, asked)
    assert canonical(form) == form


@given(criteria, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(asked: Criteria, random: object) -> None:
    def shuffled(one: Criteria) -> Criteria:
        match one:
            case AllOf(parts) | AnyOf(parts):
                mixed = [shuffled(part) for part in (*parts, *parts[:1])]
                random.shuffle(mixed)  # type: ignore[attr-defined]
                return type(one)(tuple(mixed))
            case Not(part):
                return Not(shuffled(part))
            case Named(agents):
                return Named((*agents[::-1], *agents[:1]))
            case _:
                return one

    assert canonical(shuffled(asked)) == canonical(asked)


@given(criteria)
def test_text_reads_back(asked: Criteria) -> None:
    form = canonical(asked)
    assert parse(text(form)) == form
    assert parse({"all": [text(form), "any"]}) == form


@given(
    staff,
    criteria,
    some_skills,
    st.lists(st.tuples(st.sampled_from(SKILLS), st.integers(1, 5)), max_size=2).map(tuple),
)
def test_relaxing_shuts_nobody_out(
    agents: tuple[AgentConfig, ...],
    asked: Criteria,
    drop: tuple[str, ...],
    lower: tuple[tuple[str, int], ...],
) -> None:
    assert met_by(agents, asked) <= met_by(agents, relaxed(asked, drop, lower))


@given(staff, criteria, st.lists(steps, max_size=4).map(tuple), st.integers(0, 2))
def test_a_step_keeps_who_was_eligible_before(
    agents: tuple[AgentConfig, ...],
    own: Criteria,
    some: tuple[configuration.Step, ...],
    split: int,
) -> None:
    """Steps are monotone: the next only adds, unless it is told to replace."""
    queues = (QueueConfig("red", steps=some[split:]), QueueConfig("green"))
    floor = Floor(Configuration(queues=queues, agents=agents))
    event = Arrived("c", "red", 0, criteria=own, steps=some[:split], channel=Channel.CHAT)
    one = floor.arrive(event, 0)
    begin(floor, one, 0)
    before = 0
    for number in range(len(some) + 1):
        one.step = number
        floor.seat(one)
        if number == len(some) or not some[number].replaces:
            assert before & one.line.eligible == before
        before = one.line.eligible


KNOWN = Vocabulary(
    frozenset({"billing", "tax"}),
    frozenset({"th", "en"}),
    frozenset({"bkk"}),
    frozenset({"1001", "1002"}),
    frozenset({"support", "sales"}),
)


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("any", ANYONE),
        ("not any", NOBODY),
        ("skill billing", Skill("billing")),
        ("skill billing >= 3", Skill("billing", 3)),
        ('skill "billing">=3', Skill("billing", 3)),
        ("language th and site bkk", AllOf((Language("th"), Site("bkk")))),
        (
            "skill tax or skill billing >= 2 and not queue support",
            AnyOf((AllOf((Not(Member("support")), Skill("billing", 2))), Skill("tax"))),
        ),
        ("agent in [1002, 1001]", Named(("1001", "1002"))),
        ("agent 1001 or agent 1002", Named(("1001", "1002"))),
        ("skill tax >= 2 and skill tax >= 4", Skill("tax", 4)),
        ("skill tax >= 2 or (skill tax >= 4 and site bkk)", None),
        ("skill tax or any", ANYONE),
        ("site bkk or (site bkk and language en)", Site("bkk")),
        ({"skill": "billing"}, Skill("billing")),
        ({"skill": {"billing": 3}}, Skill("billing", 3)),
        ({"skill": {"billing": 3, "tax": 1}}, AllOf((Skill("billing", 3), Skill("tax")))),
        ({"language": ["th", "en"]}, AnyOf((Language("en"), Language("th")))),
        ({"agent": ["1001"], "site": "bkk"}, AllOf((Named(("1001",)), Site("bkk")))),
        ({"agent": 1001}, Named(("1001",))),
        ({"any": ["skill tax", {"not": {"site": "bkk"}}]}, AnyOf((Not(Site("bkk")), Skill("tax")))),
        ({"all": [{"queue": "sales"}, "language th"]}, AllOf((Language("th"), Member("sales")))),
    ],
)
def test_criteria_are_read(given_: object, read: Criteria | None) -> None:
    made = parse(given_, KNOWN)
    assert made == canonical(made)
    if read is not None:
        assert made == read


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("skill biling >= 3", "column 7: unknown skill 'biling' (did you mean 'billing'?)"),
        ("skil billing", "column 1: unknown word 'skil' (did you mean 'skill'?)"),
        ("skill tax >= 6", "column 14: a skill's level is 1 to 5, not '6'"),
        ("skill tax >=", "column 13: the line ends where a level from 1 to 5 is needed"),
        ("language de", "column 10: unknown language 'de' (did you mean 'en'?)"),
        ("skill tax & site bkk", "column 11: '&' is not expected here"),
        ("skill tax adn site bkk", "column 11: 'adn' is not expected here (did you mean 'and'?)"),
        ("(skill tax", "column 11: ')' is needed here"),
        ("agent in [1001, 1003]", "column 7: unknown agent '1003' (did you mean '1002'?)"),
        ("", "column 1: the line ends where what is asked for is needed"),
        ("not", "column 4: the line ends where what is asked for is needed"),
        ("site ,", "column 6: a name after `site` is needed, not ','"),
        ({}, "empty criteria; write `any` if anyone will do"),
        (3, "criteria must be text or a mapping, not int 3"),
        (None, "criteria must be text or a mapping, not nothing"),
        ({"skills": "tax"}, "skills: unknown word 'skills' (did you mean 'skill'?)"),
        ({"any": [{"site": "bk"}]}, "any[0].site: unknown site 'bk' (did you mean 'bkk'?)"),
        ({"all": []}, "all: `all` needs a list of criteria"),
        ({"skill": {"tax": "high"}}, "skill: a skill's level is 1 to 5, not 'high'"),
        ({"skill": {}}, "skill: `skill` needs a name"),
        ({"agent": []}, "agent: `agent` needs a name"),
        ({"site": None}, "site: a name is needed, not nothing"),
        ({"not": "queue sale"}, "not, column 7: unknown queue 'sale' (did you mean 'sales'?)"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(given_: object, message: str) -> None:
    with pytest.raises(CriteriaError) as error:
        parse(given_, KNOWN)
    assert str(error.value) == message


@given(st.text(max_size=30) | st.recursive(st.none() | st.integers() | st.text(max_size=5),
       lambda inner: st.dictionaries(st.sampled_from(("all", "any", "not", "skill", "agent", "x")),
                                     inner | st.lists(inner, max_size=2), max_size=2)))  # fmt: skip
def test_anything_is_read_or_refused(given_: object) -> None:
    try:
        made = parse(given_, KNOWN)
    except CriteriaError:
        return
    KNOWN.check(made)
    assert parse(text(made)) == made
