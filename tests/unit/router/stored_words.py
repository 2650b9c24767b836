"""Writes a router's configuration as rows in an admin's words: the way back of `acd.policy`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from acd.policy.values import written
from acd.router import recipes as rec
from acd.router.configuration import AgentConfig, Configuration, QueueConfig, Step
from acd.router.criteria import canonical, text
from crm.records import Agent, Floor, FloorPolicy, Queue, Selection


def floor_of(config: Configuration) -> Floor:
    """The rows of a configuration."""
    capacity = config.capacity
    return Floor(
        config.version,
        tuple(queue(one) for one in config.queues),
        tuple(agent(one) for one in config.agents),
        skills=config.skills,
        languages=config.languages,
        sites=config.sites,
        selections=tuple(
            Selection(
                f"s{n}",
                one.policy,
                tuple((queue, dict(one.weights).get(queue, 1)) for queue in one.queues),
            )
            for n, one in enumerate(config.selections)
        ),
        policy=FloorPolicy(
            config.busy_backoff_ms,
            capacity.voice,
            capacity.chat,
            capacity.email,
            {str(channel): [str(other) for other in others] for channel, others in config.blocks},
        ),
    )


def queue(one: QueueConfig) -> Queue:
    return Queue(
        one.name,
        one.ring_ms,
        one.wrap_up_ms,
        one.strategy,
        one.ring_at_once,
        one.target_ms,
        one.short_abandon_ms,
        one.max_wait_ms,
        action(one.when_late),
        one.max_length,
        action(one.when_full),
        one.join_needs,
        one.stay_needs,
        action(one.when_empty),
        None,
        "wait" if one.when_closed is None else action(one.when_closed),
        one.closing_clears,
        {tier: written(ms) for tier, ms in one.tiers},
        tuple(step(each) for each in one.steps),
        tuple(recipe(each) for each in one.recipes),
    )


def agent(one: AgentConfig) -> Agent:
    own = (one.capacity.voice, one.capacity.chat, one.capacity.email) if one.capacity else ()
    return Agent(
        one.agent, one.agent, one.agent, one.queues, "offline", "", 0, one.ranks, one.skills,
        one.languages, one.site, *(own or (None, None, None)), one.weight,
    )  # fmt: skip


def step(one: Step) -> dict[str, Any]:
    return {
        "criteria": text(one.criteria),
        "for": None if one.lasts_ms is None else written(one.lasts_ms),
        "drop": list(one.drop),
        "lower": {skill: str(level) for skill, level in one.lower},
        "skip_without": one.skip_without,
        "members": one.members,
        "replaces": one.replaces,
    }


def recipe(one: rec.Recipe) -> dict[str, Any]:
    return {
        "when": [condition(each) for each in one.when],
        "then": [action(each) for each in one.then],
        "repeat": None if one.repeat_ms is None else written(one.repeat_ms),
    }


def condition(one: rec.Condition) -> str:
    match one:
        case rec.Waited(ms):
            return f"waited {written(ms)}"
        case rec.PositionAtMost(place):
            return f"position <= {place}"
        case rec.PositionAtLeast(place):
            return f"position >= {place}"
        case rec.LengthAtLeast(length):
            return f"length >= {length}"
        case rec.NoAgents(staffing):
            return f"no agents {staffing}"
        case rec.NoMembers(staffing):
            return f"no members {staffing}"
        case rec.TierIn(tiers):
            return f"tier in [{', '.join(tiers)}]"


def action(one: rec.Action) -> str:
    match one:
        case rec.Require(criteria):
            return f"require {text(criteria)}"
        case rec.Relax(skills):
            return f"relax {' '.join(skills)}".strip()
        case rec.Prioritise(ms):
            return f"prioritise {written(ms)}"
        case rec.OverflowTo(to):
            return f"overflow {to}"
        case rec.Callback():
            return "callback"
        case rec.Voicemail():
            return "voicemail"
        case rec.Say(prompt):
            return f"say {prompt}"
        case rec.TurnAway(reason):
            return f"turn_away {reason}"


def normal(config: Configuration) -> Configuration:
    """A configuration as the tables hold it: names declared, sorted, each once; bounds kept."""
    skills, languages, sites = set(config.skills), set(config.languages), set(config.sites)
    for one in config.agents:
        skills.update(skill for skill, _ in one.skills)
        languages.update(one.languages)
        sites.update({one.site} - {""})
    return replace(
        config,
        queues=tuple(_normal_queue(one) for one in sorted(config.queues, key=lambda one: one.name)),
        agents=tuple(
            replace(
                one,
                skills=tuple(sorted(one.skills)),
                languages=tuple(sorted(set(one.languages))),
                ranks=one.ranks if any(rank != 1 for rank in one.ranks) else (),
            )
            for one in sorted(config.agents, key=lambda one: one.agent)
        ),
        selections=tuple(
            replace(
                one,
                queues=tuple(sorted(one.queues)),
                weights=tuple(sorted(pair for pair in one.weights if pair[1] != 1)),
            )
            for one in config.selections
        ),
        skills=tuple(sorted(skills)),
        languages=tuple(sorted(languages)),
        sites=tuple(sorted(sites)),
    )


def _normal_queue(one: QueueConfig) -> QueueConfig:
    def normal_action(each: rec.Action) -> rec.Action:
        return rec.Require(canonical(each.criteria)) if isinstance(each, rec.Require) else each

    return replace(
        one,
        ring_ms=1_000 + one.ring_ms,
        steps=tuple(replace(each, criteria=canonical(each.criteria)) for each in one.steps),
        recipes=tuple(
            replace(each, then=tuple(map(normal_action, each.then)) or (rec.Voicemail(),))
            for each in one.recipes
        ),
    )
