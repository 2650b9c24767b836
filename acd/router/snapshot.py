"""A router's whole state as plain data, and the router made of it again.

One made again decides as the first would have, whatever comes: that is the law, and its property
test runs over random floors. What follows from the rest (who is eligible, open and in which line,
which timers run) is not written but worked out anew; ranks in pools are, where they were drawn.

A friend of the router's parts: it reads and sets what they keep to themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heapify
from typing import Any

from . import codec_values as values
from .agent import Agent, Hold
from .codec import from_entry, to_entry
from .configuration import Channel, Configuration
from .errors import JournalError, RouterError
from .events import ConfigChanged, Presence, Wanted
from .floor import Floor
from .interaction import Interaction, InteractionState
from .line import Line
from .queue import Queue
from .router import Router
from .selection import POLICIES
from .strategies.weighted_random import WeightedRandom

FORMAT = 1
"""Written now; no other is read."""

Data = dict[str, Any]


def take(router: Router) -> Data:
    """Return the state between two events, as JSON has it: strings, integers, lists, dicts."""
    floor = router.floor
    return {
        "format": FORMAT,
        "now": router._handling.now,
        "offers": router._offers,
        "sequence": floor._sequence,
        "config": to_entry(ConfigChanged(floor.config))[1],
        "agents": [_agent(one) for one in floor.agents.values()],
        "queues": [_queue(one) for one in floor.queues.values()],
        "interactions": [_interaction(one, floor) for one in floor.interactions.values()],
    }


def restore(
    data: Mapping[str, Any], epoch: str, make: Callable[[Configuration, str], Router] = Router
) -> Router:
    """Make the router of `take`. Raises `JournalError` for anything else."""
    if data.get("format") != FORMAT:
        raise JournalError(f"a state of format {data.get('format')!r}; this version reads {FORMAT}")
    try:
        return _restored(data, epoch, make)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise JournalError(f"a state that cannot be read: {error!r}") from error
    except JournalError:
        raise
    except RouterError as error:
        raise JournalError(f"a state whose configuration is refused: {error}") from error


# --- writing -----------------------------------------------------------------------------------


def _agent(one: Agent) -> Data:
    return {
        "agent": one.id,
        "order": one.order,
        "since": one.since,
        "presence": one.presence.value,
        "reason": one.reason,
        "until": one.until,
        "idle_since": one.idle_since,
        "wanted": one.wanted.value,
        "wanted_reason": one.wanted_reason,
        "registered": one.registered,
        "lost": one.lost,
        "backs_off": None if one.backs_off is None else list(one.backs_off),
        "ringing": list(one.ringing),
        "contacts": list(one.contacts),
        "busy": _holds(one.busy),
        "wraps": _holds(one.wraps),
        "load": list(one.load),
        "stamp": one.stamp,
        "contacts_today": one.contacts_today,
        "busy_today": one.busy_today,
        "busy_from": one.busy_from,
        "offered_at": one.offered_at,
    }


def _holds(holds: Mapping[str, Hold]) -> list[list[Any]]:
    return [[name, hold.channel.value, hold.until] for name, hold in holds.items()]


def _queue(one: Queue) -> Data:
    return {
        "config": values.write(one.config),
        "configured": one.configured,
        "closed": one.closed,
        "length_seen": one.length_seen,
        "lines": [_line(line) for line in one.lines.values()],
    }


def _line(one: Line) -> Data:
    data: Data = {
        "channel": one.channel.value,
        "need": values.write(one.need),
        "watched": one.watched,
        "skips": one.skips,
    }
    if isinstance(one.strategy, WeightedRandom):
        data["clock"] = one.strategy._clock
        ranks = [[list(rank), agent.id] for rank, stamp, agent in one._pool if agent.stamp == stamp]
        data["pool"] = sorted(ranks)
    return data


def _interaction(one: Interaction, floor: Floor) -> Data:
    due = floor.due.rank(one.id)
    return {
        "interaction": one.id,
        "queue": one.queue.config.name,
        "entry": list(one.entry[:3]),
        "priority": one.priority,
        "channel": one.channel.value,
        "began": one.began,
        "criteria": values.write(one.criteria),
        "own_steps": [values.write(step) for step in one.own_steps],
        "dropped": list(one.dropped),
        "tier": one.tier,
        "state": one.state.value,
        "agent": None if one.agent is None else one.agent.id,
        "offer": one.offer,
        "offers": [[offer, agent.id] for offer, agent in (one.offers or {}).items()],
        "offered": one.offered,
        "step": one.step,
        "step_ends": one.step_ends,
        "skipped": one.skipped,
        "step_began": list(one.step_began),
        "cooked": [[queue, values.write(recipe), at]
                   for (queue, recipe), at in (one.cooked or {}).items()],
        "tier_ms": one.tier_ms,
        "due": None if due is None else due[0],
    }  # fmt: skip


# --- reading -----------------------------------------------------------------------------------


def _restored(
    data: Mapping[str, Any], epoch: str, make: Callable[[Configuration, str], Router]
) -> Router:
    event = from_entry("config_changed", data["config"])
    assert isinstance(event, ConfigChanged)
    router = make(event.config, epoch)
    floor = router.floor
    router._offers, router._handling.now = data["offers"], data["now"]
    made = floor.agents
    floor.agents = {}
    for row in data["agents"]:
        agent = made.get(row["agent"]) or Agent(row["agent"], row["order"], None, row["since"])
        floor.agents[agent.id] = agent
        _set_agent(floor, agent, row)
    _queues(floor, data["queues"])
    for row in data["interactions"]:
        _add(floor, row)
    for row in data["agents"]:
        agent = floor.agents[row["agent"]]
        agent.ringing = {offer: floor.offers[offer] for offer in row["ringing"]}
        agent.contacts = {name: floor.interactions[name] for name in row["contacts"]}
    floor._sequence = data["sequence"]
    for agent in floor.agents.values():
        _open(floor, agent)
    for row in data["queues"]:
        _pools(floor, row)
    floor.dirty, floor.fresh, floor.review = {}, {}, {}
    floor.touched, floor.unstaffed, floor.altered = {}, {}, {}
    return router


def _set_agent(floor: Floor, agent: Agent, row: Mapping[str, Any]) -> None:
    agent.since, agent.presence = row["since"], Presence(row["presence"])
    agent.reason, agent.until, agent.idle_since = row["reason"], row["until"], row["idle_since"]
    agent.wanted, agent.wanted_reason = Wanted(row["wanted"]), row["wanted_reason"]
    agent.registered, agent.lost = row["registered"], row["lost"]
    agent.backs_off = None if row["backs_off"] is None else tuple(row["backs_off"])
    agent.busy, agent.wraps = _read_holds(row["busy"]), _read_holds(row["wraps"])
    agent.load = list(row["load"])
    agent.limits_from(floor.config.capacity)
    agent.take_stock(floor.blocks)
    agent.contacts_today, agent.busy_today = row["contacts_today"], row["busy_today"]
    agent.busy_from, agent.offered_at = row["busy_from"], row["offered_at"]
    agent.stamp = row["stamp"]


def _read_holds(rows: list[Any]) -> dict[str, Hold]:
    return {name: Hold(Channel(channel), until) for name, channel, until in rows}


def _queues(floor: Floor, rows: list[Any]) -> None:
    made = floor.queues
    floor.queues = {}
    for row in rows:
        config = values.queue(row["config"])
        queue = made.get(config.name)
        if queue is None:
            queue = Queue(config, configured=row["configured"])
            queue.policy = POLICIES["priority"]((queue,), {})
        floor.queues[config.name] = queue
        queue.closed, queue.length_seen = row["closed"], row["length_seen"]
        for line in row["lines"]:
            found = queue._line(
                Channel(line["channel"]), values.criteria(line["need"]), floor.supply, floor.ordered
            )
            found.watched, found.skips = line["watched"], line["skips"]


def _add(floor: Floor, row: Mapping[str, Any]) -> None:
    queue = floor.queues[row["queue"]]
    first, entered, sequence = row["entry"]
    one = Interaction(
        row["interaction"],
        queue,
        (first, entered, sequence, row["interaction"]),
        row["priority"],
        Channel(row["channel"]),
        row["began"],
        values.criteria(row["criteria"]),
        tuple(values.step(step) for step in row["own_steps"]),
        tuple(row["dropped"]),
        row["tier"],
        state=InteractionState(row["state"]),
        agent=None if row["agent"] is None else floor.agents[row["agent"]],
        offer=row["offer"],
        offers={offer: floor.agents[agent] for offer, agent in row["offers"]},
        offered=row["offered"],
        step=row["step"],
        step_ends=row["step_ends"],
        skipped=row["skipped"],
        step_began=tuple(row["step_began"]),
        cooked={(name, values.recipe(recipe)): at for name, recipe, at in row["cooked"]},
        tier_ms=row["tier_ms"],
    )
    floor.interactions[one.id] = one
    queue.live += 1
    floor.offers.update(dict.fromkeys(one.offers or (), one))
    if one.state is InteractionState.ON_CONTACT:
        floor.offers[one.offer] = one
        return
    queue.waiting += one.state is InteractionState.WAITING
    queue.unanswered.add(one.entry)
    floor.seat(one)
    if row["due"] is not None:
        floor.due.put(one.id, (row["due"], sequence))


def _open(floor: Floor, agent: Agent) -> None:
    """Bring sets, timer and pools to what the agent is."""
    floor.time(agent)
    stamp = agent.stamp
    floor.refresh(agent)
    agent.stamp = stamp
    if agent.open:
        floor.pool(agent)


def _pools(floor: Floor, row: Mapping[str, Any]) -> None:
    """Bring drawn ranks back as they were drawn."""
    queue = floor.queues[row["config"]["name"]]
    for data, line in zip(row["lines"], queue.lines.values(), strict=False):
        if isinstance(line.strategy, WeightedRandom):
            line.strategy._clock = data["clock"]
            pool = [(tuple(rank), floor.agents[name]) for rank, name in data["pool"]]
            line._pool = [(rank, agent.stamp, agent) for rank, agent in pool]
            heapify(line._pool)
