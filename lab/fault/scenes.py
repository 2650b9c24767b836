"""Faults other than kills, each a scene of its own: the database, clocks, two services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from lab.errors import LabError
from lab.fault import clocks, losses, twins
from lab.fault.facts import Way
from lab.fault.report import Scene
from lab.fault.staging import Staging
from lab.fault.wire import Loss

Tell = Callable[[str], None]

PLAYED: Sequence[tuple[str, Callable[[Staging], Awaitable[Scene]]]] = (
    ("the database is killed before a caller presses the key", losses.key),
    *(
        (f"the database loses {loss}, in which a promise was made", losses.of(loss))
        for loss in Loss
    ),
    *((f"the database is away while results come in, {way}", losses.results(way)) for way in Way),
    ("the service comes back with a clock two hours slow", clocks.slow),
    ("the service comes back with a clock two hours fast", clocks.fast),
    ("clocks go forward over the begin of the calling hours", clocks.forward),
    ("clocks go back into calling hours that begin twice", clocks.back),
    ("a time is promised in the hour that comes twice", clocks.slot),
    ("a second service runs by mistake, under load", twins.load),
)
"""What happens, in words, and how it is played."""


async def play(staging: Staging, tell: Tell) -> list[Scene]:
    """Play all of them, one after the other."""
    played: list[Scene] = []
    for what, scene in PLAYED:
        tell(what)
        try:
            played.append(await scene(staging))
        except LabError as error:
            played.append((what, f"could not be played: {error}", False))
    return played
