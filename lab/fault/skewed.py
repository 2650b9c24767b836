"""`python -m lab.fault.skewed SECONDS serve`: `sala`, run by a clock that is off by so much.

Only the wall clock is off, as after a wrong `date -s` or a bad time server; the clock of time-outs
(CLOCK_MONOTONIC) goes on, as it does then.
"""

from __future__ import annotations

import sys
import time


def main() -> None:
    """Skew the clock, then run the command that follows."""
    skew = float(sys.argv.pop(1))
    wall, wall_ns = time.time, time.time_ns
    time.time = lambda: wall() + skew
    time.time_ns = lambda: wall_ns() + int(skew * 1e9)
    from sala.cli import main as command

    command()


if __name__ == "__main__":
    main()
