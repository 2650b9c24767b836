"""Progress for people: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str, float | None], None]
"""Told what is being done, and how much of it is done (0 to 1; None if that is not known)."""

_PLAIN_EVERY_S = 2.0


class Steps:
    """Shows steps one after another.

    On a terminal each is a line with a spinner or bar, which stays as one line when done. Elsewhere
    a step that lasts is told about every two seconds, one that is quick not at all.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[Tell]:
        """Show one step while the context lasts; what is yielded tells how it goes on."""
        if self._console.is_terminal:
            with self._moving(what) as tell:
                yield tell
        else:
            yield self._plain(what)

    @contextlib.contextmanager
    def _moving(self, what: str) -> Iterator[Tell]:
        progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        with progress:
            task = progress.add_task(what, total=None)

            def tell(now: str, fraction: float | None) -> None:
                progress.update(
                    task,
                    description=now,
                    total=None if fraction is None else 1.0,
                    completed=fraction or 0.0,
                )

            yield tell

    def _plain(self, what: str) -> Tell:
        begun = last = time.monotonic()
        said = ""

        def tell(now: str, fraction: float | None) -> None:
            nonlocal last, said
            moment = time.monotonic()
            line = now if fraction is None else f"{now} ({fraction:.0%})"
            new = now.split(":")[0] != said
            if (new and moment - begun > 0.5) or moment - last >= _PLAIN_EVERY_S:
                last, said = moment, now.split(":")[0]
                self._console.print(f"• {line}")

        return tell
