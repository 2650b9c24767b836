"""Reasons: why an agent is not the one, why one interaction goes before another."""

from __future__ import annotations

from collections.abc import Callable

from acd.router.agent import Agent
from acd.router.criteria import (
    AllOf,
    AnyOf,
    Criteria,
    Language,
    Member,
    Named,
    Skill,
    text,
)
from acd.router.events import Presence, Wanted
from acd.router.floor import Floor
from acd.router.interaction import Interaction
from acd.router.line import Line
from acd.router.strategies import Rank

Clock = Callable[[int], str]
"""Writes a time in ms for people."""

_WORTH = {
    "least_occupied": "occupied so far today",
    "fewest_contacts": "contacts answered today",
    "best_skill": "sum of skill levels",
    "round_robin": "number of the last offer",
}


def unmet(floor: Floor, need: Criteria, agent: Agent) -> str:
    """Return which clauses of criteria an agent fails; empty if they meet them."""
    return " and ".join(dict.fromkeys(_unmet(floor, need, agent)))


def _unmet(floor: Floor, need: Criteria, agent: Agent) -> list[str]:
    if agent.config is None or floor.supply.of(need) >> agent.order & 1:
        return []
    match need:
        case AllOf(parts) | AnyOf(parts):
            return [found for part in parts for found in _unmet(floor, part, agent)]
        case Skill(skill, _):
            has = agent.skills.get(skill)
            level = f"has level {has}" if has else "does not have it"
            return [f"{text(need)} ({level})"]
        case Member(queue):
            return [f"queue {queue} (does not serve it)"]
        case Language(_):
            return [f"{text(need)} (does not speak it)"]
        case Named(_):
            return [f"{text(need)} (is not named)"]
        case _:
            return [text(need)]


def doing(agent: Agent, clock: Clock) -> str:
    """Return what an agent is doing, in words."""
    match agent.presence:
        case Presence.OFFLINE:
            return "offline"
        case Presence.PAUSED:
            until = f" until {clock(agent.until)}" if agent.until is not None else ""
            return f"paused ({agent.reason or 'no reason given'}){until}"
        case Presence.WRAP_UP:
            return f"wrapping up until {clock(agent.until)}" if agent.until else "wrapping up"
        case Presence.RINGING:
            return f"ringing for {', '.join(one.id for one in agent.ringing.values())}"
        case Presence.ON_CONTACT:
            talks = ", ".join(agent.contacts)
            return f"on contact with {talks}" if talks else "on the phone otherwise"
        case Presence.AVAILABLE:
            return "available" if agent.reachable else "available, but the phone is not reachable"


def hindrance(floor: Floor, line: Line, agent: Agent, clock: Clock) -> str:
    """Return why an agent cannot be offered what waits in a line now; empty if they can."""
    if agent.config is None:
        return "is not configured any more"
    if not line.eligible >> agent.order & 1:
        return f"does not meet {unmet(floor, line.need, agent) or line.label}"
    if agent.open & line.bit:
        return ""
    if agent.wanted is Wanted.AVAILABLE and not agent.reachable:
        return "has a phone that is not reachable"
    if agent.presence is Presence.AVAILABLE:
        return "has no place left on this channel"
    return f"was {doing(agent, clock)}"


def behind(line: Line, loser: Rank, winner: Rank, clock: Clock) -> str:
    """Return by which part of the rank an agent came after another, both free."""
    strategy = line.queue.config.strategy
    at = next(n for n, (a, b) in enumerate(zip(loser, winner, strict=True)) if a != b)
    named = ["preference for the queue"]
    if strategy == "weighted_random":
        named.append("draw")
    else:
        named += [_WORTH[strategy]] if strategy in _WORTH else []
        named += ["contacts in hand", "idle since"]
    name = named[at] if at < len(named) else "order in the configuration"

    def shown(rank: Rank) -> str:
        value = abs(rank[at]) if name == "sum of skill levels" else rank[at]
        if name == "idle since":
            return clock(value)
        return f"{value / 1000:g} s" if name == "occupied so far today" else str(value)

    return f"{name} ({strategy}): {shown(loser)} against {shown(winner)}"


def before(floor: Floor, first: Interaction, second: Interaction, agent: Agent, now: int) -> str:
    """Return why an agent was offered `first` and not `second`, both waiting."""
    failed = unmet(floor, second.line.need, agent)
    if failed or not second.line.eligible >> agent.order & 1:
        return f"{agent.id} may not take {second.id}: does not meet {failed or second.line.label}"
    one, other = first.queue, second.queue
    ranks = [agent.ranks.get(queue.config.name, 1) for queue in (one, other)]
    if ranks[0] != ranks[1]:
        return (
            f"{agent.id} takes from {one.config.name} (preference {ranks[0]}) before "
            f"{other.config.name} (preference {ranks[1]})"
        )
    if one is not other and one.policy is other.policy:
        scores = [queue.policy.score(queue, x.entry, now) for queue, x in
                  ((one, first), (other, second))]  # fmt: skip
        if scores[0][0] != scores[1][0] and scores[0] != first.entry:
            policy = type(one.policy).__name__
            return (
                f"by {policy} {one.config.name} came before {other.config.name} "
                f"(score {scores[0][0]} against {scores[1][0]}, less is first)"
            )
    return key(first, second)


def key(first: Interaction, second: Interaction) -> str:
    """Return by what part of the key one interaction stands before another."""
    if first.entry[0] != second.entry[0]:
        if first.priority > second.priority:
            start = (first.priority - second.priority) / 1000
            return f"its priority gives it a head start of {start:g} s"
        return "it has waited longer"
    if first.entered != second.entered:
        return "with priority counted in they came at the same time, and it has waited longer"
    return "they came at the same time, and it was told first"
