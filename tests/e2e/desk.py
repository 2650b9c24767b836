"""The sales desk of the routing tests: its policy, its agents' skills, and how both are undone."""

from __future__ import annotations

import json
from typing import Any

from house import WRAP_UP_MS, House, of_kind, until

DESK, URGENT, FAMILIAR, EARLY, LATE = "641", "642", "643", "644", "645"
FLOWS = {DESK: "desk", URGENT: "urgent", FAMILIAR: "familiar", EARLY: "early", LATE: "late"}
JSON = frozenset({"steps", "recipes", "tiers"})
POLICY = {
    "wrap_up_ms": WRAP_UP_MS,
    "ring_at_once": 1,
    "short_abandon_ms": 0,
    "max_wait_ms": None,
    "when_late": "turn_away",
    "max_length": None,
    "when_full": "turn_away",
    "join_needs": None,
    "stay_needs": None,
    "when_empty": "turn_away",
    "calendar": None,
    "when_closed": "turn_away",
    "closing_clears": False,
    "tiers": {},
    "steps": [],
    "recipes": [],
}


class Desk:
    """Queue `sales`, as a test wants it; changes hold at once."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._db = house.stack.db

    async def open(self) -> None:
        for number, flow in FLOWS.items():
            await self._db.execute(
                "INSERT INTO entry_points VALUES ($1, $2) ON CONFLICT DO NOTHING", number, flow
            )
        await self.house.stack.reload()

    async def close(self) -> None:
        """Undo all that a test changed."""
        await self._db.execute("DELETE FROM agent_skills")
        await self.policy(**POLICY)
        await self._db.execute("DELETE FROM skills")
        await self._db.execute("DELETE FROM calendars")
        await self._db.execute("DELETE FROM entry_points WHERE number = ANY($1)", list(FLOWS))
        await self.house.stack.reload()

    async def policy(self, **columns: Any) -> None:
        """Change the queue's policy."""
        values = [json.dumps(v) if k in JSON else v for k, v in columns.items()]
        sets = ", ".join(
            f"{name} = ${at}{'::text::json' if name in JSON else ''}"
            for at, name in enumerate(columns, 1)
        )
        await self._db.execute(f"UPDATE queues SET {sets} WHERE name = 'sales'", *values)
        await self.house.stack.reload()

    async def skill(self, agent: str, skill: str, level: int) -> None:
        """Give an agent a skill."""
        await self._db.execute("INSERT INTO skills VALUES ($1) ON CONFLICT DO NOTHING", skill)
        await self._db.execute("INSERT INTO agent_skills VALUES ($1, $2, $3)", agent, skill, level)
        await self.house.stack.reload()

    async def calendar(self, name: str, source: dict[str, Any]) -> None:
        """Store a calendar."""
        await self._db.execute(
            "INSERT INTO calendars VALUES ($1, $2::text::json)", name, json.dumps(source)
        )

    async def line(self, queue: str = "sales") -> list[dict[str, Any]]:
        """Who waits, as the service tells it."""
        rows = (await self.house.stack.status())["queues"]
        return next(row["waiting"] for row in rows if row["queue"] == queue)

    async def stranded(self) -> list[str]:
        """Why those who are stranded are."""
        return [row["reason"] for row in (await self.house.stack.status())["stranded"]]

    async def decided(self, kind: str, interaction: str) -> int:
        """How often the journal says that something was decided for an interaction."""
        return int(
            await self._db.fetchval(
                "SELECT count(*) FROM journal, json_array_elements((body -> 'decided')::text::json)"
                " AS one WHERE one ->> 0 = $1 AND one ->> 1 = $2",
                kind,
                interaction,
            )
        )

    async def wraps(self, agent: str, since: int) -> list[int]:
        """When an agent's wrap-up is to end, in ms: each time a router decided so, behind a row."""
        rows = await self._db.fetch(
            "SELECT (one ->> 4)::bigint AS until FROM journal,"
            " json_array_elements((body -> 'decided')::text::json) AS one WHERE journal.id > $1"
            " AND one ->> 0 = 'moved' AND one ->> 1 = $2 AND one ->> 2 = 'wrap_up'"
            " ORDER BY journal.id",
            since,
            agent,
        )
        return [row["until"] for row in rows]

    async def waits(self, number: str) -> str:
        """A caller's interaction, once the service says that it waits."""
        found = await self.house.queued(number)

        async def names() -> list[str]:
            return [one["interaction"] for one in await self.line()]

        await until(names, lambda them: found["id"] in them, "it waits")
        return str(found["id"])


def waited(interaction: dict[str, Any]) -> int:
    """How long a caller was in the queue before the first phone rang, in ms."""
    ringing, queued = of_kind(interaction, "ringing")[0], of_kind(interaction, "queue")[0]
    return int(ringing["started_ms"]) - int(queued["started_ms"])
