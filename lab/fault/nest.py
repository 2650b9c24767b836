"""`python -m lab.fault.nest`: services started by fork, so that each takes no time to be loaded.

Reads one JSON object a line, `{"environment", "skew_s", "output"}`, and answers each with the
process id of a new service: a process of its own that runs `sala serve` as the command does, with
these variables besides, its wall clock off by so much, and what it prints appended to a file.

Of its clocks only the wall's is off, as after a wrong `date -s` or by a bad time server; that of
time-outs (CLOCK_MONOTONIC) goes on, as it does then.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

import sala.cli
import sala.serve


def main() -> None:
    """Start services until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    for line in sys.stdin:
        order = json.loads(line)
        if (child := os.fork()) == 0:
            _serve(order)
        print(child, flush=True)


def _serve(order: dict[str, Any]) -> None:
    """Become a service; never returns."""
    status = 70
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, theirs in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(ours, theirs)
        os.environ.update(order["environment"])
        _skew(float(order["skew_s"]))
        sys.argv = ["sala", "serve"]
        sala.cli.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(status)


def _skew(seconds: float) -> None:
    if seconds:
        wall, wall_ns = time.time, time.time_ns
        time.time = lambda: wall() + seconds
        time.time_ns = lambda: wall_ns() + int(seconds * 1e9)


if __name__ == "__main__":
    main()
