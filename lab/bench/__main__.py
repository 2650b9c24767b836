"""`python -m lab.bench [--quick] [--only NAMES]`: names of `MEASUREMENTS` and `ALONE`, with commas.

Ends with 0 whatever the times are, with 1 when something could not be measured, with 2 for a
wrong option.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console

from crm.errors import CrmError
from lab.bench import callbacks, cpu, freed, idle, insight, machines, menu, rate, report, router
from lab.bench.figures import Finding
from lab.bench.ground import Ground
from lab.errors import LabError
from pbx.errors import PbxError

MEASUREMENTS: dict[str, tuple[str, Callable[..., Awaitable[Finding]]]] = {
    "idle": ("ringing idle agents", idle.measure),
    "freed": ("ringing freed agents", freed.measure),
    "cpu": ("CPU a call", cpu.measure),
    "rate": ("the call rate held", rate.measure),
    "router": ("the router by itself, against a linear scan", router.finding),
    "insight": ("replay, simulation, estimates and the journal's cost", insight.measure),
}
ALONE: dict[str, tuple[str, Callable[..., Awaitable[Finding]]]] = {
    "menu": ("callers in menus", menu.measure),
    "callbacks": ("10,000 waiting callbacks", callbacks.measure),
    "machines": ("whom it takes for an answering machine", machines.measure),
}
"""Those that stand on ground of their own."""
OUTPUT = Path(".sala") / "bench.json"
LIMIT_S = 1800.0


def main() -> int:
    """Measure what was asked for; give the exit status."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 132, soft_wrap=False)
    try:
        return asyncio.run(_run(console, options.only, quick=options.quick))
    except (LabError, PbxError, CrmError, TimeoutError, OSError) as error:
        console.print(f"could not measure: {error or 'it took too long'}", markup=False)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench", description="Measure Sala against app_queue on one Asterisk."
    )
    parser.add_argument("--quick", action="store_true", help="fewer samples: for a first look")
    parser.add_argument(
        "--only",
        type=_names,
        default=[*MEASUREMENTS, *ALONE],
        metavar="NAMES",
        help=f"some of {', '.join((*MEASUREMENTS, *ALONE))}, with commas between",
    )
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [*MEASUREMENTS, *ALONE]
    if not names or not set(names) <= set(known):
        raise argparse.ArgumentTypeError(f"choose from {', '.join(known)}")
    return [name for name in known if name in names]


async def _run(console: Console, names: list[str], *, quick: bool) -> int:
    begun = time.monotonic()
    if task := asyncio.current_task():
        # Told to end from outside, it takes down what it started, as with Ctrl-C.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    def tell(what: str) -> None:
        console.print(f"{time.monotonic() - begun:6.1f} s  {what}", markup=False, highlight=False)

    findings: list[Finding] = []
    where = report.machine()
    async with asyncio.timeout(LIMIT_S):
        tell("starting Sala, and app_queue on the same Asterisk")
        async with Ground() as ground:
            where |= await ground.versions()
            where["sipp"] = await asyncio.to_thread(report.sipp_version)
            for name in names:
                if name in MEASUREMENTS:
                    title, measure = MEASUREMENTS[name]
                    tell(f"measuring {title}")
                    findings.append(await measure(ground, quick=quick))
        for name in names:
            if name in ALONE:
                title, measure = ALONE[name]
                tell(f"measuring {title}")
                findings.append(await measure(quick=quick))
        tell("done")
    console.print()
    console.print(report.headline(where), markup=False, highlight=False)
    report.write(OUTPUT, findings, where, quick=quick, seconds=time.monotonic() - begun)
    report.show(console, findings, OUTPUT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
