"""Batches: rows that are written together, as one statement."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import orjson

from crm.encoding import encode

Tables = tuple[str, ...]
"""A batch as `record_batch` takes it: a JSON array of rows for each table, parents first."""

INTERACTIONS, SEGMENTS, JOURNAL, PRESENCE = range(4)
_KEYS = (("id",), ("interaction", "seq"), ("epoch", "seq"), ("agent",))


class Batch:
    """Rows by table and key, in the order they came; `born` is the loop's time of the first."""

    __slots__ = ("_tables", "born")

    def __init__(self, born: float) -> None:
        self.born = born
        self._tables: tuple[dict[Hashable, object], ...] = ({}, {}, {}, {})

    def put(self, table: int, key: Hashable, row: object) -> None:
        """Add a row, in place of one with the same key."""
        self._tables[table][key] = row

    def has(self, table: int, key: Hashable) -> bool:
        """Tell whether there is a row of that key."""
        return key in self._tables[table]

    def __len__(self) -> int:
        return sum(map(len, self._tables))

    def encoded(self) -> Tables:
        """Return the batch as it is written."""
        return tuple(
            "[" + b",".join(map(encode, table.values())).decode() + "]" for table in self._tables
        )


def apart(tables: Tables) -> Iterator[tuple[str, Tables]]:
    """Yield a batch for each row, parents first, with the row's key for the log."""
    for index, table in enumerate(tables):
        for row in orjson.loads(table):
            key = " ".join(str(row.get(name)) for name in _KEYS[index])
            alone = ["[]"] * len(tables)
            alone[index] = orjson.dumps([row]).decode()
            yield key, tuple(alone)
