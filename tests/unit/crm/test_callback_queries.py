"""The queries of callbacks that run while somebody waits are answered by an index."""

from __future__ import annotations

import pytest

from crm import queries
from crm.database import Database

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("callbacks_get", (ID,)),
        ("callbacks_ahead", ("support", 1_000, ID)),
        ("callbacks_open_of", ("support", "+14155550100")),
        ("deliveries_due", (0, 1_000, 10)),
    ],
)
async def test_no_query_reads_all_callbacks(
    database: Database, name: str, values: tuple[object, ...]
) -> None:
    async with database.transaction() as one:
        # The planner would read a small table whole.
        await one.execute("SET LOCAL enable_seqscan = off")
        plan = await one.fetch(f"EXPLAIN {queries.load()[name]}", *values)
    assert not [line[0] for line in plan if "Seq Scan on callbacks" in line[0]]
