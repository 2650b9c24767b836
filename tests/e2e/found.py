"""Where digits are that should be nowhere."""

from __future__ import annotations

import contextlib

from house import House


async def in_state(house: House, digits: str) -> list[str]:
    """The files of the state folder that hold some digits: logs, journal, database, recordings."""
    wanted = digits.encode()
    found = []
    for path in (house.stack.home / "state").rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the PBX and the database drop files
            if path.is_file() and wanted in path.read_bytes():
                found.append(str(path))
    return found


async def in_rows(house: House, digits: str) -> list[str]:
    """The tables whose rows hold some digits."""
    tables = await house.stack.db.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return [
        table
        for (table,) in tables
        if await house.stack.db.fetchval(
            f"SELECT count(*) FROM {table} AS one WHERE one::text LIKE '%' || $1 || '%'", digits
        )
    ]
