"""Free ports of this machine, each held by one process at a time.

A port that is free when it is looked for may be another's before it is used: whatever brings up a
whole PBX takes seconds to get that far. So who takes a port here holds a lock on it (`fcntl`, on
the byte of a file whose offset is the port's number), which the kernel gives back with the process,
however that ends. Who does not ask here is seen by trying to bind.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.errors import LabError
from pbx.appliance.cache import cache_folder

_SINGLES = range(20_000, 32_000)
"""Below the range from which the kernel itself hands out ports."""
_ROWS = range(32_000, 60_000)
_TRIES = 500


class Ports:
    """The ports that this process holds, out of `singles` and of `rows`.

    All processes that must not get in each other's way lock the same `file`.
    """

    def __init__(
        self, file: Path, *, singles: Sequence[int] = _SINGLES, rows: range = _ROWS
    ) -> None:
        self._file = file
        self._singles = singles
        self._rows = rows
        self._open: int | None = None
        # The kernel knows processes only: it would lend this one the same port twice.
        self._held: set[int] = set()

    def free(self, count: int, address: str = "127.0.0.1") -> list[int]:
        """Take `count` different ports that are free for UDP and TCP alike."""
        found: list[int] = []
        for port in random.sample(self._singles, len(self._singles)):
            if len(found) == count:
                break
            if self._take(port, 1):
                if _is_free(port, address):
                    found.append(port)
                else:
                    self.give_back([port])
        if len(found) < count:
            self.give_back(found)
            raise LabError(f"fewer than {count} free ports on {address}")
        return found

    def free_range(self, count: int, address: str = "127.0.0.1") -> tuple[int, int]:
        """Take `count` ports in a row: the first (even, as RTP asks) and the last."""
        starts = range(self._rows.start, self._rows.stop - count, 2)
        for first in random.sample(starts, min(len(starts), _TRIES)):
            if self._take(first, count):
                row = range(first, first + count)
                if all(_is_free(port, address) for port in row[::16]):
                    return row[0], row[-1]
                self.give_back(row)
        raise LabError(f"no {count} free ports in a row on {address}")

    def give_back(self, ports: Iterable[int]) -> None:
        """Let others have ports that are no longer used."""
        for port in self._held.intersection(ports):
            self._held.remove(port)
            fcntl.lockf(self._locks(), fcntl.LOCK_UN, 1, port)

    def _take(self, first: int, count: int) -> bool:
        """Hold ports in a row, unless any of them is held already."""
        row = range(first, first + count)
        if not self._held.isdisjoint(row):
            return False
        try:
            fcntl.lockf(self._locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
        except BlockingIOError:
            return False
        self._held.update(row)
        return True

    def _locks(self) -> int:
        # Opened once: the kernel drops all of a process's locks when it closes the file anywhere.
        if self._open is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._open = os.open(self._file, flags, 0o600)
            except OSError as error:
                raise LabError(f"{self._file} cannot be opened to lock ports: {error}") from error
        return self._open


# Where the user's PBX lies, and not where files of a moment do: that may be any process's own.
_ours = Ports(cache_folder() / "lab-ports")
free = _ours.free
free_range = _ours.free_range
give_back = _ours.give_back


def _is_free(port: int, address: str) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
