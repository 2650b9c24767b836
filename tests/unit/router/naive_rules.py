"""What criteria, capacity, strategies and policies mean, told once more without any index."""

from __future__ import annotations

from typing import Any

from acd.router import configuration as conf, criteria as crit, events as ev, recipes as rec

Relaxed = tuple[frozenset[str], dict[str, int]]
AS_ASKED: Relaxed = (frozenset(), {})


def meets(one: conf.AgentConfig, asked: crit.Criteria, relaxed: Relaxed = AS_ASKED) -> bool:
    match asked:
        case crit.Anyone():
            return True
        case crit.Skill(skill, level):
            dropped, lowered = relaxed
            if skill in dropped:
                return True
            return dict(one.skills).get(skill, 0) >= min(level, lowered.get(skill, level))
        case crit.Language(language):
            return language in one.languages
        case crit.Site(site):
            return site == one.site
        case crit.Named(agents):
            return one.agent in agents
        case crit.Member(queue):
            return queue in one.queues
        case crit.AllOf(parts):
            return all(meets(one, part, relaxed) for part in parts)
        case crit.AnyOf(parts):
            return any(meets(one, part, relaxed) for part in parts)
        case crit.Not(part):
            return not meets(one, part)


def step_asks(call: dict[str, Any], steps: tuple[conf.Step, ...], number: int,
              one: conf.AgentConfig) -> bool:  # fmt: skip
    """Whether an agent meets what one step by itself asks; past the last, what is left of all."""
    dropped: set[str] = set()
    lowered: dict[str, int] = {}
    for step in steps[: number + 1]:
        dropped |= set(step.drop)
        for skill, level in step.lower:
            lowered[skill] = min(level, lowered.get(skill, level))
    own = all(meets(one, asked, (frozenset(dropped | off), lowered)) for asked, off in call["own"])
    member = call["queue"] in one.queues
    if number >= len(steps):
        return member and own
    step = steps[number]
    asked = meets(one, step.criteria, (frozenset(call["dropped"]), {}))
    return asked if not step.members else asked and own and member


def eligible(call: dict[str, Any], steps: tuple[conf.Step, ...], one: conf.AgentConfig) -> bool:
    at = call["step"]
    first = max((n for n in range(min(at + 1, len(steps))) if steps[n].replaces), default=0)
    return any(step_asks(call, steps, n, one) for n in range(first, at + 1))


def spare(agent: dict[str, Any], limits: conf.Capacity, blocks: Any, channel: ev.Channel) -> bool:
    """Whether an agent's hands leave room for one more on this channel."""
    load = in_hand(agent)
    if any(load.get(other, 0) and channel in blocked for other, blocked in blocks):
        return False
    return load.get(channel, 0) < getattr(limits, channel.value)


def in_hand(agent: dict[str, Any]) -> dict[ev.Channel, int]:
    load: dict[ev.Channel, int] = {}
    for channel in (*agent["rings"].values(), *agent["talks"].values()):
        load[channel] = load.get(channel, 0) + 1
    for channel, _ in (*agent["busy"].values(), *agent["wraps"].values()):
        load[channel] = load.get(channel, 0) + 1
    return load


def worth(strategy: str, agent: dict[str, Any], one: conf.AgentConfig, skills: Any) -> int:
    return {
        "longest_idle": 0,
        "least_occupied": agent["occupied"],
        "fewest_contacts": agent["contacts"],
        "best_skill": -sum(dict(one.skills).get(skill, 0) for skill in skills),
        "round_robin": agent["offered"],
    }[strategy]


def score(
    selection: conf.SelectionConfig | None,
    queue: conf.QueueConfig,
    key: tuple[int, ...],
    waiting: dict[str, int],
    now: int,
) -> tuple[int, ...]:
    if selection is None or selection.policy == "priority":
        return key
    weights = {name: dict(selection.weights).get(name, 1) for name in selection.queues}
    if selection.policy == "service_level":
        return -((now - key[0]) * 1_000_000 * weights[queue.name] // queue.target_ms), *key
    every = sum(waiting.get(name, 0) for name in selection.queues)
    excess = waiting.get(queue.name, 0) * sum(weights.values()) - weights[queue.name] * every
    return -excess, *key


def holds(condition: rec.Condition, facts: dict[str, Any]) -> bool:
    match condition:
        case rec.Waited(ms):
            return facts["waited"] >= ms
        case rec.PositionAtMost(place):
            return facts["place"] <= place
        case rec.PositionAtLeast(place):
            return facts["place"] >= place
        case rec.LengthAtLeast(length):
            return facts["length"] >= length
        case rec.NoAgents(staffing):
            return not facts["eligible"][staffing]
        case rec.NoMembers(staffing):
            return not facts["members"][staffing]
        case rec.TierIn(tiers):
            return facts["tier"] in tiers
