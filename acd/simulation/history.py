"""What history knows: arrivals by hour, talk and patience of each queue, and who was there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from crm.database import Database

from .plan import ENOUGH, Learnt, Period, QueuePlan, Spread

_HOUR_MS = 3_600_000


async def learn(database: Database, first_ms: int, last_ms: int, zone: str) -> Learnt:
    """Read the plans of queues with enough talks in a span of time; hours are in `zone`.

    Arrivals are those of an average day with any, patience is time waited over how many hung up.
    """
    arrivals: dict[str, list[Period]] = {}
    for row in await database.rows("history_arrivals", first_ms, last_ms, zone):
        begins = row["hour"] * _HOUR_MS
        period = Period(begins, begins + _HOUR_MS, row["calls"] / max(row["days"], 1))
        arrivals.setdefault(row["queue"], []).append(period)
    found = {}
    thin = dict.fromkeys(arrivals, 0)
    for row in await database.rows("history_queues", first_ms, last_ms):
        queue = row["queue"]
        if row["talks"] < ENOUGH or queue not in arrivals:
            thin[queue] = row["talks"]
            continue
        del thin[queue]
        talk = Spread(float(row["talk_ms"]), float(row["deviation_ms"] / row["talk_ms"]))
        patience = row["waited_ms"] / row["abandoned"] if row["abandoned"] else None
        found[queue] = QueuePlan(
            tuple(arrivals[queue]), talk, None if patience is None else float(patience)
        )
    rows = await database.rows("history_presence", first_ms, last_ms)
    stays = [(row["agent"], row["begins"], row["ends"]) for row in rows]
    return Learnt(found, thin, usual(stays, ZoneInfo(zone)))


def usual(
    stays: Iterable[tuple[str, int, int]], zone: tzinfo
) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return when agents are there on a usual day, from when they were (agent, from, to in ms).

    In each hour as many as were on average, of all days with anybody, and the likeliest of them.
    Spans are in ms since midnight, whole hours.
    """
    there: dict[int, dict[str, int]] = {}
    days = set()
    for agent, begins, ends in stays:
        at = begins
        while at < ends:
            local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
            minute_ms = (local.minute * 60 + local.second) * 1000 + at % 1000
            until = min(ends, at - minute_ms + _HOUR_MS)
            hour = there.setdefault(local.hour, {})
            hour[agent] = hour.get(agent, 0) + until - at
            days.add(local.date())
            at = until
    spans: dict[str, list[tuple[int, int]]] = {}
    for number in sorted(there):
        hour = there[number]
        count = round(sum(hour.values()) / (len(days) * _HOUR_MS))
        for agent in sorted(hour, key=lambda one: (-hour[one], one))[:count]:
            mine = spans.setdefault(agent, [])
            begins = number * _HOUR_MS
            if mine and mine[-1][1] == begins:
                begins = mine.pop()[0]
            mine.append((begins, (number + 1) * _HOUR_MS))
    return {agent: tuple(mine) for agent, mine in spans.items()}
