"""Routing as an admin writes it: reads what is stored into what the router works with. Pure.

Nothing here raises for what an admin wrote. Readers return what is right and note a `Fault` for
each thing that is not, with the keys that lead to it, so that a file's reader can tell the line.
"""

from .faults import Fault, Path
from .reading import Reading, read

__all__ = ["Fault", "Path", "Reading", "read"]
