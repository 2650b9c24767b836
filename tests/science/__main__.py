"""Print every table of the literature and of calibration: `make science`.

Exit status 1 if a figure lies outside what is allowed for it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from calibration import scenes
from literature import (
    erlang_a_rows,
    erlang_c_rows,
    ratio_rows,
    wallace_whitt_rows,
)
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

COUNT = 24_000
TABLES = (
    ("M/M/s: Erlang-C, exact; waits in handling times", erlang_c_rows, 1),
    ("M/M/s+M: Erlang-A, exact; waits in minutes", erlang_a_rows, 1),
    ("Wallace & Whitt 2005, published and M/M/90/30 exact; minutes", wallace_whitt_rows, 2),
    ("Fixed queue ratio (Gurvich & Whitt), asked and published", ratio_rows, 3),
)
GAIN = 0.9


def main() -> int:
    """Run everything and print it."""
    console = Console(width=None if sys.stdout.isatty() else 132, highlight=False, markup=False)
    begun, missed = time.monotonic(), 0
    for title, rows, times in TABLES:
        table = Table("floor", "figure", title=title, box=box.SIMPLE_HEAD, title_justify="left")
        for column in ("known", "this run", "estimate", "off by", "allowed", ""):
            table.add_column(column, justify="right")
        for row in rows(COUNT * times):
            good = row.holds and (row.figure != "gain" or row.found >= GAIN)
            missed += not good
            allowed = f"≥ {GAIN:g}" if row.figure == "gain" else ""
            allowed = f"{row.within:.0%}" if row.within else allowed
            table.add_row(row.what, Text(row.figure), f"{row.known:.5f}", f"{row.raw:.5f}",
                          f"{row.found:.5f}", f"{row.off:+.2%}", allowed,
                          ("holds" if good else "MISSED") if allowed else "")  # fmt: skip
        console.print(table)
    title = "Estimates of waits: what came lay between P10 and P90"
    table = Table(Column("floor", no_wrap=True), title=title, box=box.SIMPLE_HEAD,
                  title_justify="left")  # fmt: skip
    for column in ("given", "held (75–85)", "below P10", "above P90", "mean off by",
                   "error² / QL (≤ 1.1)", "HOL / QL, published", ""):  # fmt: skip
        table.add_column(column, justify="right")
    for score in scenes(COUNT // 2):
        missed += not score.holds
        beside = score.beside_ql
        above = 1 - score.coverage - score.below / score.given
        table.add_row(
            score.name,
            str(score.given),
            f"{score.coverage:.1%}",
            f"{score.below / score.given:.1%}",
            f"{above:.1%}",
            f"{score.bias:+.1%}",
            "" if beside is None else f"{beside:.3f}",
            "" if beside is None else "2.00",
            "holds" if score.holds else "MISSED",
        )
    console.print(table)
    console.print(
        "'estimate' is known × this run / a plain queue fed with the same draws, which takes the "
        f"luck of the draw out.\n{time.monotonic() - begun:.0f} s; {missed} missed"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
