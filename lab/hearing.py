"""Whether people on the telephone hear each other: proved by the sounds they make."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

from lab import audio
from lab.errors import NotHeard
from lab.leg import Leg
from lab.softphone import Line

HEARD = 0.6
"""Normalised correlation of a voice that came through; of another's it is below 0.2."""

_SPEECH_S = 1.5
_CROSSING_S = 1.5
_SEEDS = itertools.count(50_000)


async def hear_each_other(*parties: Leg | Line, within: float = 15.0) -> None:
    """Wait until each has heard each other; raises `NotHeard` at the deadline, in seconds.

    A bridge that changes its kind, as when somebody leaves a conference, loses sound meanwhile:
    who was not heard speaks again, with another voice, and must be heard in full then.
    """
    turns = [
        heard_by(one, [other for other in parties if other is not one], within=within)
        for one in parties
    ]
    if len(parties) == 2:
        await asyncio.gather(*turns)
    else:  # those who speak at once would be heard mixed
        for turn in turns:
            await turn


async def heard_by(
    one: Leg | Line, others: Sequence[Leg | Line], *, within: float = 15.0, at_least: float = HEARD
) -> None:
    """Speak until all others have heard it; raises `NotHeard` at the deadline, in seconds.

    `at_least` is the normalised correlation with what was said, all of it.
    """
    deadline = time.monotonic() + within
    while True:
        sound = audio.voice(next(_SEEDS), _SPEECH_S)
        ears = [(other, len(other.heard())) for other in others]
        said = one.say(sound) if isinstance(one, Line) else await one.say(sound)
        within_s = _SPEECH_S + _CROSSING_S
        try:
            await asyncio.gather(
                *(
                    o.hears(said, within=within_s, at_least=at_least, since=heard)
                    for o, heard in ears
                )
            )
        except NotHeard:
            if time.monotonic() >= deadline:
                raise
        else:
            return
