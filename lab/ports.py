"""Free ports of this machine."""

from __future__ import annotations

import random
import socket

from lab.errors import LabError

_RANGE = range(20_000, 32_000)
"""Below the range from which the kernel itself hands out ports."""


def free(count: int, address: str = "127.0.0.1") -> list[int]:
    """Find `count` different ports that are free for UDP and TCP alike."""
    found: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if _is_free(port, address):
            found.append(port)
            if len(found) == count:
                return found
    raise LabError(f"fewer than {count} free ports on {address}")


def free_range(count: int, address: str = "127.0.0.1") -> tuple[int, int]:
    """Find `count` UDP ports in a row: the first (even, as RTP asks) and the last."""
    for first in random.sample(range(32_000, 60_000 - count, 2), 500):
        if all(_is_free(port, address) for port in range(first, first + count, 16)):
            return first, first + count - 1
    raise LabError(f"no {count} free ports in a row on {address}")


def _is_free(port: int, address: str) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
