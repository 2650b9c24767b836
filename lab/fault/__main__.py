"""`python -m lab.fault [--kills N] [--seed S] [--quick] [--report FILE]`.

Ends with 0 if every law held, with 1 if one was broken or something could not be tried, with 2 for
a wrong option.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import platform
import random
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from crm.errors import CrmError
from lab.errors import LabError
from lab.fault import kills, plan, report, scenes
from lab.fault.facts import Facts
from lab.fault.ground import Ground
from lab.fault.judge import Breach, judge
from lab.fault.load import Load
from lab.fault.report import Scene
from lab.fault.staging import Staging
from lab.fault.witness import Witness
from pbx.errors import PbxError

KILLS, QUICK_KILLS = 232, 14
OUTPUT = Path(".sala") / "fault.md"
LIMIT_S = 3600.0
SHOWN = 20


def main() -> int:
    """Run the fault tests; give the exit status."""
    options = _options()
    # The database is killed on purpose: what its driver has to say of that is no news.
    logging.getLogger("asyncpg").addHandler(logging.NullHandler())
    console = Console(width=None if sys.stdout.isatty() else 132, soft_wrap=False)
    try:
        return asyncio.run(_run(console, options))
    except (LabError, PbxError, CrmError, TimeoutError, OSError) as error:
        console.print(f"could not be tried: {error or 'it took too long'}", markup=False)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.fault", description="Kill the service at each step of callbacks."
    )
    parser.add_argument("--kills", type=_count, help=f"how many (default {KILLS})")
    parser.add_argument("--seed", type=int, help="draws kills and customers (default: any)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_KILLS} kills: a first look")
    parser.add_argument(
        "--report", type=Path, default=OUTPUT, help=f"where the page goes (default {OUTPUT})"
    )
    return parser.parse_args()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError("a number from 1 to 10000 is needed")
    return int(text)


async def _run(console: Console, options: argparse.Namespace) -> int:
    begun = time.monotonic()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    count = options.kills or (QUICK_KILLS if options.quick else KILLS)
    if task := asyncio.current_task():
        # Told to end from outside, it takes down what it started, as with Ctrl-C.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    def tell(what: str) -> None:
        console.print(f"{time.monotonic() - begun:6.1f} s  {what}", markup=False, highlight=False)

    async with asyncio.timeout(LIMIT_S):
        tell(f"seed {seed}: starting Sala and the world")
        async with Ground() as ground, Witness(ground) as witness:
            load = Load(ground, witness, plan.habits(seed, hasty=options.quick))
            tell(f"{count} kills")
            lives = kills.QUICK_LIVES if options.quick else kills.LIVES
            planned = plan.kills(seed, count)
            facts = await kills.run(ground, witness, load, seed, planned, tell, lives=lives)
            breaches = judge(facts)
            tell(f"{len(breaches)} laws broken")
            played = await scenes.play(Staging(ground, witness, load), tell)
    command = f'make fault ARGS="--kills {count} --seed {seed}"'
    text = report.page(facts, breaches, played, machine(), command)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(text, encoding="utf-8")
    _show(console, facts, breaches, played, options.report)
    return 0 if not breaches and all(good for _, _, good in played) else 1


def machine() -> str:
    """Describe this machine in a few words."""
    cores = len(os.sched_getaffinity(0))
    return f"Python {platform.python_version()}, {cores} cores"


def _show(
    console: Console, facts: Facts, breaches: list[Breach], played: list[Scene], where: Path
) -> None:
    lines = [f"{what:30} {figure}" for what, figure in report.figures(facts, breaches)]
    lines += [f"broken: {one.law}: {one.customer} {one.what}" for one in breaches[:SHOWN]]
    lines += [f"{'ok' if good else 'BROKEN':6} {what}: {came}" for what, came, good in played]
    for line in [*lines, f"report: {where}"]:
        console.print(line, markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
