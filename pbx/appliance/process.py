"""Child processes of a set-up: they end when it ends, and speak one language."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dies_with_parent(by: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return a `preexec_fn` after which the child is sent a signal when its parent dies."""
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def apply() -> None:
        prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return apply


def environment() -> dict[str, str]:
    """Return an environment in which tools speak English and ask no questions."""
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
