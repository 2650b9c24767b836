"""Matching: who waits and who is free, brought together until no pair is left.

The next pair is always the one whose agent prefers the queue most (`AgentConfig.ranks`); then,
within a set of queues that share a selection policy, the head the policy scores best, and across
sets the one with the smallest key; then the agent whom the queue's strategy ranks first. When
nobody waits whom a free agent could take, agents join in ringing for those who ring at fewer than
their queue would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .agent import Agent
from .floor import Floor
from .interaction import Interaction
from .line import Line
from .ordered import Entry
from .selection import Policy, Score
from .strategies import Rank

Ring = Callable[[Interaction, Agent], None]


def match(floor: Floor, ring: Ring, now: int) -> None:
    """Ring until nobody free can serve anybody who waits.

    Only what changed is looked at: fresh agents, and dirty lines.
    """
    dirty = [line for line in floor.dirty if line.first() is not None]
    floor.dirty.clear()
    fresh = floor.fresh
    if fresh:
        if len(fresh) == 1 and not dirty:
            agent, _ = fresh.popitem()
            if _one_fresh(floor, agent, ring, now):
                return
            fresh[agent] = None
        found = dict.fromkeys(dirty)
        for agent in fresh:
            floor.pool(agent)
            for line in agent.lines:
                if line.bit & agent.open and (line.offerable or line.thin):
                    found[line] = None
        fresh.clear()
        dirty = list(found)
    if not dirty:
        return
    lines: Iterable[Line] = dirty
    several = [line for line in lines if line.thin or line.queue.config.ring_at_once > 1]
    while lines:
        lines, best = _next(lines, now)
        if best is not None:
            _serve(floor, best, ring)
    thin = [
        (floor.interactions[name].entry, line)
        for line in several
        if line.first() is not None
        for name in line.thin.names()
    ]
    for entry, line in sorted(thin, key=_entry):
        one = floor.interactions[entry[3]]
        while line.thin.has(one.id) and _one_more(floor, one, ring):
            pass


def _one_fresh(floor: Floor, agent: Agent, ring: Ring, now: int) -> bool:
    """Let a single fresh agent serve whom they may; False leaves it to the whole way.

    When no dirty line has anybody in its pool, nobody waits whom another free agent could take: the
    agent need not stand in any pool before it is known that nobody waits for them either.
    """
    while agent.open:
        best: Line | None = None
        winners: dict[Policy, tuple[Score, Entry, Line]] = {}
        preferred = 0
        ranks = agent.ranks
        for line in agent.lines:
            if not line.bit & agent.open:
                continue
            if line.thin:
                return False
            head = line.offerable.first()
            if head is None:
                continue
            queue = line.queue
            preference = ranks.get(queue.config.name, 1) if ranks else 1
            if preferred and preference > preferred:
                continue
            score = queue.policy.score(queue, head[0], now)
            if preference < preferred:
                winners.clear()
            preferred = preference
            winner = winners.get(queue.policy)
            if winner is None or score < winner[0]:
                winners[queue.policy] = (score, head[0], line)
        if not winners:
            break
        best = min(winners.values(), key=_key)[2]
        head = best.offerable.first()
        if head is None:
            break
        best.strategy.chosen(best.strategy.rank(agent, best))
        ring(floor.interactions[head[1]], agent)
        floor.fresh.pop(agent, None)
    if agent.open:
        floor.pool(agent)
    return True


def _key(winner: tuple[Score, Entry, Line]) -> Entry:
    return winner[1]


def _entry(thin: tuple[Entry, Line]) -> Entry:
    return thin[0]


def _next(lines: Iterable[Line], now: int) -> tuple[list[Line], Line | None]:
    """Return the lines that can still be served, and the one that is to be first."""
    able: list[Line] = []
    preferred: int | None = None
    winners: dict[Policy, tuple[Score, Entry, Line]] = {}
    for line in lines:
        first = line.first()
        if first is None:
            continue
        head = line.offerable.first()
        if head is None:
            continue
        able.append(line)
        preference = first[0][0]
        if preferred is None or preference < preferred:
            preferred = preference
            winners.clear()
        elif preference > preferred:
            continue
        policy = line.queue.policy
        score = policy.score(line.queue, head[0], now)
        winner = winners.get(policy)
        if winner is None or score < winner[0]:
            winners[policy] = (score, head[0], line)
    if not able:
        return able, None
    return able, min(winners.values(), key=_key)[2]


def _serve(floor: Floor, line: Line, ring: Ring) -> None:
    head = line.offerable.first()
    found = line.first()
    if head is None or found is None:
        return
    one = floor.interactions[head[1]]
    _take(floor, one, found, ring)
    for _ in range(1, one.queue.config.ring_at_once):
        if not _one_more(floor, one, ring):
            return


def _one_more(floor: Floor, one: Interaction, ring: Ring) -> bool:
    """Let one more agent ring; return whether there was one."""
    found = one.line.first_but(one.offers.values() if one.offers else ())
    if found is None:
        return False
    _take(floor, one, found, ring)
    return True


def _take(floor: Floor, one: Interaction, found: tuple[Rank, int, Agent], ring: Ring) -> None:
    one.line.strategy.chosen(found[0])
    ring(one, found[2])
    # With places left, they stand in the pools anew at once.
    for agent in floor.fresh:
        floor.pool(agent)
    floor.fresh.clear()
