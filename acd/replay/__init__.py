"""Replay: the journal fed to the router again, entry by entry, with what was decided then.

Pure but for `runs`, which reads the journal. The router is the one that routes live calls.
"""

from .errors import JournalUnfit, ReplayError
from .replay import Difference, Replayer, Turn, difference, turns

__all__ = [
    "Difference",
    "JournalUnfit",
    "ReplayError",
    "Replayer",
    "Turn",
    "difference",
    "turns",
]
