"""What history knows of each queue, as plans: arrivals by hour, talk, patience."""

from __future__ import annotations

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
    return Learnt(found, thin)
