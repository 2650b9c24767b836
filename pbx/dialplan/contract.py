"""What the service needs of a dialplan: the contexts `sala-*`, as this Sala ships them.

An admin's copy goes its own ways from the day on which it is made. A context, an extension or an
include that it lacks is an error, and so is an `h` of its own where the shipped one sees to what
is left of a call; a step that differs may be meant, and is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from pbx.dialplan.match import extension_of
from pbx.dialplan.read import Context, Dialplan, Extension, Fault, Step, read

PREFIX = "sala-"
OVER = "h"
"""Where Asterisk goes with a call that is hung up."""


def departures(own: Path, shipped: Path) -> list[Fault]:
    """Compare an admin's dialplan with the shipped one; gives where it departs, by place.

    Contexts and extensions that only the admin's has are the admin's own affair, as are the ways
    in (`from-trunk`, `from-agents`).
    """
    mine, ours = read(own), read(shipped)
    if not mine.contexts:
        return []  # What cannot be read at all is told by `checks`.
    needed = [context for name, context in ours.contexts.items() if name.startswith(PREFIX)]
    found: list[Fault] = []
    for context in needed:
        there = mine.contexts.get(context.name)
        if there is None:
            what = f"there is no context {context.name}, which the service needs"
            found.append(Fault(str(own), 1, what))
            continue
        file, line = _place(there) or (str(own), 1)
        found += [Fault(file, line, what) for what in _lacking(there, context)]
        found += _ends_otherwise(mine, there, ours, context)
        for pattern, extension in context.extensions.items():
            found += _differing(context.name, there.extensions.get(pattern), extension)
    return sorted(found, key=lambda fault: (fault.file, fault.line, fault.message))


def _lacking(mine: Context, ours: Context) -> Iterator[str]:
    included = {name for name, _, _ in mine.includes}
    for name, _, _ in ours.includes:
        if name not in included:
            yield f"{ours.name} has to say `include => {name}`"
    lacking = [pattern for pattern in ours.extensions if pattern not in mine.extensions]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        yield f"{ours.name} has no extension {lacking[0]}{more}, which the service needs"


def _ends_otherwise(
    mine: Dialplan, there: Context, ours: Dialplan, context: Context
) -> Iterator[Fault]:
    """An extension before the one that is included takes its place."""
    meant = extension_of(ours, context, OVER)
    found = extension_of(mine, there, OVER)
    if OVER in context.extensions or meant is None or meant.pattern != OVER:
        return
    if found is None or not found.steps:
        return  # Told as an include that is lacking, or as a line that cannot be read.
    if [_said(one) for one in found.ordered] != [_said(one) for one in meant.ordered]:
        first = found.ordered[0]
        what = f"takes the place of the {OVER} that {context.name} includes, which has to be run"
        yield Fault(first.file, first.line, f"`{found.pattern}` {what}")


def _differing(context: str, mine: Extension | None, ours: Extension) -> Iterator[Fault]:
    """Only the first step that differs is told: behind one more, all others do."""
    if mine is None or not mine.steps:
        return
    for one, other in zip_longest(mine.ordered, ours.ordered):
        if one is None or other is None or _said(one) != _said(other):
            place, shipped = one or mine.ordered[-1], other or ours.ordered[-1]
            what = f"line {shipped.line} of the shipped {Path(shipped.file).name}"
            yield Fault(
                place.file,
                place.line,
                f"{context}, {ours.pattern} is not as in {what}: see whether you need that, too",
                warning=True,
            )
            return


def _said(step: Step) -> tuple[int, str, str, str]:
    return step.priority, step.application, step.data, step.label


def _place(context: Context) -> tuple[str, int] | None:
    for extension in context.extensions.values():
        for step in extension.ordered:
            return step.file, step.line
    return None
