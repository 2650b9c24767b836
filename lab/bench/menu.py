"""Callers in menus: how long after a key the next prompt is heard, and what a step costs.

The same menu of two prompts stands in a flow and in plain Asterisk dialplan, on one Asterisk, one
after the other: so many calls are in it at once, and each presses a key now and then, on average
every `EACH_S`, which lets it hear the other prompt. Time runs from the key's release, which is when
a PBX takes it, to the other prompt's first packet. A key after which the other prompt is not heard
within `LOST_S` is missed.

CPU of a step is what all processes use while keys are pressed, less what they use while the same
calls only listen.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab import ports
from lab.bench.cpu import cpu_seconds
from lab.bench.figures import Finding, Row, Spread, ms, spread_text
from lab.bench.ground import process_of
from lab.bench.keypad import TRUNK, Crowd, Keypad
from lab.errors import LabError
from lab.stack import Stack
from sala.settings import PROJECT

CALLS, QUICK_CALLS = 500, 60
PRESS_S, QUICK_PRESS_S = 30.0, 6.0
REST_S, QUICK_REST_S = 8.0, 2.0
EACH_S = 4.0
LOST_S = 2.0
HANDS = 25
"""Threads that press keys; each holds a key for 100 ms."""
RATE = 40.0
GOAL_P95_MS, GOAL_ADDED_MS = 60.0, 15.0
FLOW, DIALPLAN = "700", "701"
BYTES = {"bench-one": 0x91, "bench-two": 0x12}
PROMPT_S = 120

MENU = """\
sala: 1
title: Two prompts
start: one
nodes:
  one:
    type: menu
    prompt: bench-one
    keys: {1: two}
    first_digit_s: 60
    invalid: {retries: 0, next: end}
    timeout: {retries: 0, next: end}
  two: {type: menu, prompt: bench-two, keys: {1: one}, first_digit_s: 60,
    invalid: {retries: 0, next: end}, timeout: {retries: 0, next: end}}
  end: {type: hangup}
"""
PLAIN = """\
[from-trunk]
exten => {number},1,Answer(,i)
 same => n(one),Read(KEY,{media}/bench-one,1,,1,60)
 same => n,GotoIf($["${{KEY}}" = "1"]?two:end)
 same => n(two),Read(KEY,{media}/bench-two,1,,1,60)
 same => n,GotoIf($["${{KEY}}" = "1"]?one:end)
 same => n(end),Hangup()
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One menu's figures: times in ms, CPU in ms a step by process."""

    times: Spread
    missed: int
    pressed: int
    cpu: dict[str, float]


async def measure(*, quick: bool) -> Finding:
    """Measure. Raises `LabError` when calls cannot be made."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="sala-menu-"))
    first, last = ports.free_range(4 * CALLS)
    settings = {
        "trunk_hosts": TRUNK,
        "trunk_silent_s": "0",
        "rtp_first": str(first),
        "rtp_last": str(last),
        **{key: str(folder / key) for key in ("dialplans", "flows", "media")},
    }
    try:
        await asyncio.to_thread(_configure, folder)
        async with Stack(settings) as stack:
            media = stack.home / "state" / "media" / "en"
            await asyncio.to_thread(_lay, media)
            plain = PLAIN.format(number=DIALPLAN, media=media)
            (folder / "dialplans" / "asterisk" / "local.conf").write_text(plain, encoding="utf-8")
            await stack.run("number", "add", FLOW, "bench")
            await stack.run("reload")
            await asyncio.to_thread(_lay, media)
            sala = await _side(stack, FLOW, quick)
            dialplan = await _side(stack, DIALPLAN, quick)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return _finding(sala, dialplan, QUICK_CALLS if quick else CALLS)


def _configure(folder: Path) -> None:
    for name in ("dialplans", "media"):
        shutil.copytree(PROJECT / name, folder / name)
    (folder / "flows").mkdir()
    (folder / "flows" / "bench.yaml").write_text(MENU, encoding="utf-8")
    texts = folder / "media" / "prompts" / "en.yaml"
    with texts.open("a", encoding="utf-8") as file:
        file.writelines(f"{name}: This is a prompt of the bench.\n" for name in BYTES)


def _lay(media: Path) -> None:
    """Put sounds of one byte each where the rendered prompts lie."""
    for name, byte in BYTES.items():
        for suffix in (".alaw", ".wav"):
            (media / f"{name}{suffix}").unlink(missing_ok=True)
        (media / f"{name}.ulaw").write_bytes(bytes([byte]) * 8000 * PROMPT_S)


async def _side(stack: Stack, number: str, quick: bool) -> Side:
    state = stack.home / "state"
    processes = {
        "asterisk": process_of(state / "asterisk" / "run" / "asterisk.pid"),
        "service": stack.service(),
        "postgres": process_of(state / "pg" / "data" / "postmaster.pid"),
    }
    return await asyncio.to_thread(_press, stack.sip, number, processes, quick)


def _press(
    sala: tuple[str, int], number: str, processes: dict[str, psutil.Process], quick: bool
) -> Side:
    """Bring the crowd in, let it listen, let it press keys."""
    count, seconds = (QUICK_CALLS, QUICK_PRESS_S) if quick else (CALLS, PRESS_S)
    with Crowd(sala) as crowd:
        crowd.call(number, count, RATE)
        rest_s = QUICK_REST_S if quick else REST_S
        rest = _spent(processes, lambda: time.sleep(rest_s))
        times: list[float] = []
        lost: list[Keypad] = []
        busy = _spent(processes, lambda: _hands(crowd, seconds, times, lost))
    pressed = len(times) + len(lost)
    if not pressed:
        raise LabError(f"no key was pressed in {number}")
    cpu = {
        name: max(busy[0][name] - rest[0][name] / rest[1] * busy[1], 0.0) / pressed * 1000
        for name in processes
    }
    return Side(Spread.of(times, f"keys in {number}"), len(lost), pressed, cpu)


def _hands(crowd: Crowd, seconds: float, times: list[float], lost: list[Keypad]) -> None:
    calls = crowd.calls
    over = time.monotonic() + seconds

    def hand(mine: list[Keypad], draw: random.Random) -> None:
        for call, at in _plan(mine, draw, seconds):
            # Callers press at moments drawn before, whatever the PBX does.
            time.sleep(max(0.0, at - (time.monotonic() - begun)))
            if time.monotonic() > over:
                return
            released = crowd.press(call, "1")
            if call.switched.wait(LOST_S):
                times.append((call.ear.since_ns - released) / 1e6)
            else:
                lost.append(call)

    begun = time.monotonic()
    hands = min(HANDS, len(calls))
    threads = [
        threading.Thread(target=hand, args=(calls[one::hands], random.Random(one)))
        for one in range(hands)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _plan(
    calls: list[Keypad], draw: random.Random, seconds: float
) -> Iterator[tuple[Keypad, float]]:
    """Yield who presses when, each on average every `EACH_S`."""
    at = 0.0
    order = list(calls)
    while at < seconds:
        draw.shuffle(order)
        for call in order:
            at += draw.uniform(0.5, 1.5) * EACH_S / len(calls)
            yield call, at


def _spent(
    processes: dict[str, psutil.Process], work: Callable[[], None]
) -> tuple[dict[str, float], float]:
    """Do some work; return each process's CPU seconds meanwhile, and how long it took."""
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    begun = time.monotonic()
    work()
    took = time.monotonic() - begun
    return {name: cpu_seconds(processes[name]) - before[name] for name in before}, took


def _finding(sala: Side, plain: Side, calls: int) -> Finding:
    added = sala.times.median - plain.times.median
    added_p95 = sala.times.p95 - plain.times.p95
    ours, theirs = sum(sala.cpu.values()), sum(plain.cpu.values())
    return Finding(
        "menu",
        (
            Row(
                f"{calls} calls in menus: key to next prompt, ms, median / p95",
                spread_text(sala.times),
                f"{spread_text(plain.times)} (dialplan)",
                "",
                f"p95 ≤ {GOAL_P95_MS:g}",
                sala.times.p95 <= GOAL_P95_MS,
            ),
            Row(
                "… added to plain dialplan, ms, median / p95",
                f"{added:.1f} / {added_p95:.1f}",
                "",
                "",
                f"≤ {GOAL_ADDED_MS:g}",
                max(added, added_p95) <= GOAL_ADDED_MS,
            ),
            Row(
                "… keys missed",
                f"{sala.missed} of {sala.pressed}",
                f"{plain.missed} of {plain.pressed}",
                "",
                "0",
                sala.missed == 0,
            ),
            Row("… CPU a menu step, ms", ms(ours), ms(theirs)),
        ),
        {
            "menu_p50_ms": round(sala.times.median, 2),
            "menu_p95_ms": round(sala.times.p95, 2),
            "menu_dialplan_p50_ms": round(plain.times.median, 2),
            "menu_dialplan_p95_ms": round(plain.times.p95, 2),
            "menu_missed": sala.missed,
            "menu_cpu_ms": round(ours, 3),
            "menu_dialplan_cpu_ms": round(theirs, 3),
        },
        {
            "calls": calls,
            "sala": {**sala.times.to_json(), "cpu_ms": sala.cpu},
            "dialplan": {**plain.times.to_json(), "cpu_ms": plain.cpu},
        },
    )
