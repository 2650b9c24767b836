"""What the service needs of a dialplan: the contexts `sala-*`, as this Sala ships them.

An admin's copy goes its own ways from the day on which it is made. A context, an extension or an
include that it lacks is an error; a step that differs may be meant, and is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from pbx.dialplan.read import Context, Dialplan, Extension, Fault, Step, read

PREFIX = "sala-"


def departures(own: Path, shipped: Path) -> list[Fault]:
    """Compare an admin's dialplan with the shipped one; gives where it departs, by place.

    Contexts and extensions that only the admin's has are the admin's own affair, as are the ways
    in (`from-trunk`, `from-agents`).
    """
    mine, ours = read(own), read(shipped)
    if not mine.contexts:
        return []  # What cannot be read at all is told by `checks`.
    found = [
        fault
        for name, context in ours.contexts.items()
        if name.startswith(PREFIX)
        for fault in _context(own, mine, context)
    ]
    return sorted(found, key=lambda fault: (fault.file, fault.line, fault.message))


def _context(own: Path, mine: Dialplan, ours: Context) -> Iterator[Fault]:
    there = mine.contexts.get(ours.name)
    if there is None:
        yield Fault(str(own), 1, f"there is no context {ours.name}, which the service needs")
        return
    file, line = _place(own, there)
    needed = [name for name, _, _ in ours.includes]
    included = [name for name, _, _ in there.includes if name in needed]
    if included != needed:
        lines = ", ".join(f"`include => {name}`" for name in needed)
        yield Fault(file, line, f"{ours.name} has to say {lines}, in this order")
    lacking = [pattern for pattern in ours.extensions if pattern not in there.extensions]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        what = f"{ours.name} has no extension {lacking[0]}{more}, which the service needs"
        yield Fault(file, line, what)
    for pattern, extension in ours.extensions.items():
        if pattern in there.extensions:
            yield from _extension(ours.name, there.extensions[pattern], extension)


def _extension(context: str, mine: Extension, ours: Extension) -> Iterator[Fault]:
    """Only the first step that differs is told: behind one more, all others do."""
    last = mine.ordered[-1] if mine.ordered else None
    for one, other in zip_longest(mine.ordered, ours.ordered):
        if one is None or other is None or _said(one) != _said(other):
            place, shipped = one or last, other or ours.ordered[-1]
            what = f"line {shipped.line} of the shipped {Path(shipped.file).name}"
            yield Fault(
                place.file if place else shipped.file,
                place.line if place else shipped.line,
                f"{context}, {ours.pattern} is not as in {what}: see whether you need that, too",
                warning=True,
            )
            return


def _said(step: Step) -> tuple[int, str, str, str]:
    return step.priority, step.application, step.data, step.label


def _place(own: Path, context: Context) -> tuple[str, int]:
    for extension in context.extensions.values():
        for step in extension.ordered:
            return step.file, step.line
    return str(own), 1
