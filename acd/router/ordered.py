"""A sorted list of line entries in blocks: ordered, with places, at any size."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

Entry = tuple[int, int, int, str]
"""(entered - priority, entered, arrival sequence, interaction): ms, ms, unique number, id."""

_BLOCK = 512


class Ordered:
    """Entries in order, held in blocks of at most `2 * _BLOCK`.

    `add` and `remove` move one block's pointers and search the blocks' last entries by bisection;
    `place` adds up block lengths. At 100,000 entries there are some 200 blocks.
    """

    __slots__ = ("_blocks", "_lasts", "_size")

    def __init__(self) -> None:
        self._blocks: list[list[Entry]] = []
        self._lasts: list[Entry] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Entry]:
        for block in self._blocks:
            yield from block

    def add(self, entry: Entry) -> None:
        """Put an entry at its place. It must not be in."""
        self._size += 1
        if not self._blocks:
            self._blocks.append([entry])
            self._lasts.append(entry)
            return
        at = min(bisect_left(self._lasts, entry), len(self._blocks) - 1)
        insort(self._blocks[at], entry)
        self._balance(at)

    def remove(self, entry: Entry) -> None:
        """Take an entry out. It must be in."""
        at = bisect_left(self._lasts, entry)
        block = self._blocks[at]
        del block[bisect_left(block, entry)]
        self._size -= 1
        if len(block) < _BLOCK // 2 and len(self._blocks) > 1:
            # Joining small neighbours keeps the number of blocks in proportion to the entries.
            left = at - 1 if at else 0
            self._blocks[left].extend(self._blocks.pop(left + 1))
            del self._lasts[left + 1]
            self._balance(left)
        elif block:
            self._lasts[at] = block[-1]
        else:
            del self._blocks[at], self._lasts[at]

    def place(self, entry: Entry) -> int:
        """Return the 1-based place of an entry that is in."""
        at = bisect_left(self._lasts, entry)
        before = sum(map(len, self._blocks[:at]))
        return before + bisect_left(self._blocks[at], entry) + 1

    def before(self, entry: Entry) -> int:
        """Return how many entries come before one that need not be in."""
        at = bisect_left(self._lasts, entry)
        if at == len(self._blocks):
            return self._size
        return sum(map(len, self._blocks[:at])) + bisect_left(self._blocks[at], entry)

    def slice(self, first: int, last: int) -> list[Entry]:
        """Return the entries at the 1-based places from `first` to `last`, as far as there are."""
        found: list[Entry] = []
        skip, want = first - 1, last - first + 1
        for block in self._blocks:
            if skip >= len(block):
                skip -= len(block)
                continue
            if len(found) >= want:
                break
            found += block[skip : skip + want - len(found)]
            skip = 0
        return found

    def _balance(self, at: int) -> None:
        block = self._blocks[at]
        if len(block) > 2 * _BLOCK:
            half = block[_BLOCK:]
            del block[_BLOCK:]
            self._blocks.insert(at + 1, half)
            self._lasts.insert(at + 1, half[-1])
        self._lasts[at] = block[-1]
