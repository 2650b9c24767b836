"""Scenes of a database that dies, or stops to answer, at a bad moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from lab import audio
from lab.errors import Deadline, LabError, NotHeard
from lab.fault.facts import Customer, Habit, Way
from lab.fault.load import PRESS_AFTER_S, PRESS_EVERY_S
from lab.fault.queues import LINES
from lab.fault.report import Scene, fate
from lab.fault.staging import WAITS_S, Staging
from lab.fault.wire import Loss, Wire
from lab.fault.witness import now
from lab.leg import Leg

TOLD_S = 10.0
"""How long a caller who has pressed the key listens for an answer."""
PRESSES = 4
NOT_PROMISED = "wait-callback-failed"
LATE_S = 20.0
AWAY_S = 3.0
"""How long the database stays away once all calls of the moment are over."""
TRIED = (Habit.ANSWERS, Habit.BUSY_FIRST, Habit.AWAY_FIRST, Habit.ANSWERS)


async def key(staging: Staging) -> Scene:
    """Kill the database when a caller is about to press the key."""
    ground, what = staging.ground, "database killed before the key: told to stay in line"
    await staging.agents("offline")
    customer, _, leg = await _calls(staging)
    try:
        await ground.kill_database()
        try:
            await _presses(leg, audio.read_sound(ground.stack.media(NOT_PROMISED)))
            await leg.hears_music(within=WAITS_S)
        finally:
            await ground.start_database()
            await staging.witness.hear()
        await _served(staging, customer)
    finally:
        await leg.hang_up()
    return await _over(staging, what, customer, leg)


def of(loss: Loss) -> Callable[[Staging], Awaitable[Scene]]:
    """Return the scene in which the commit of a promise is lost, or its answer, or it is late."""

    async def scene(staging: Staging) -> Scene:
        ground = staging.ground
        what = f"{loss} of a promise lost: told to stay in line, served once"
        await ground.kill()
        async with Wire(ground.stack.database_url()) as wire:
            await ground.start(environment={"SALA_DATABASE_URL": wire.url})
            await staging.agents("offline")
            customer, number, leg = await _calls(staging)
            try:
                wire.lose = loss
                await _promises(leg, wire)
                if loss is not Loss.TIME:
                    await ground.kill_database()
                told = audio.read_sound(ground.stack.media(NOT_PROMISED))
                await leg.hears(told, within=TOLD_S)
                await leg.hears_music(within=WAITS_S)
                if loss is not Loss.TIME:
                    await ground.start_database()
                    await staging.witness.hear()
                await _served(staging, customer)
            finally:
                await leg.hang_up()
            if loss is Loss.TIME:
                # What is late comes when the driver has given up, too.
                with contextlib.suppress(Deadline):
                    await staging.until(lambda: number in staging.witness.ended, "its end", LATE_S)
            scene = await _over(staging, what, customer, leg)
            await ground.kill()
        await ground.start()
        return scene

    return scene


async def _calls(staging: Staging) -> tuple[Customer, str, Leg]:
    """A customer calls, and waits in line; gives their number, too."""
    customer, number = staging.load.known(Habit.ANSWERS)
    customer.called = now()
    leg = await staging.ground.world.caller.dial(LINES[Way.AGENT].number, number=number)
    await leg.answered()
    with contextlib.suppress(Deadline):
        await leg.ended(PRESS_AFTER_S)
    return customer, number, leg


async def _presses(leg: Leg, answer: audio.Sound) -> None:
    """Press the key until an answer is heard: the question may not have been asked yet."""
    for left in reversed(range(PRESSES)):
        await leg.press("1")
        try:
            await leg.hears(answer, within=TOLD_S)
        except NotHeard:
            if not left:
                raise
        else:
            return


async def _promises(leg: Leg, wire: Wire) -> None:
    """Press the key until a promise is lost on the wire."""
    for _ in range(2 * PRESSES):
        await leg.press("1")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wire.lost.wait(), PRESS_EVERY_S)
            return
    raise LabError("no promise was made")


async def _served(staging: Staging, customer: Customer) -> None:
    """Let agents come, and the customer talk with one."""
    await staging.agents("available")
    await staging.until(lambda: bool(customer.talks), "a talk on the line")
    with contextlib.suppress(Deadline):
        await staging.until(lambda: len(customer.talks) > 1, "another", PRESS_EVERY_S)


async def _over(staging: Staging, what: str, customer: Customer, leg: Leg) -> Scene:
    """Tell how it ended with a customer who was served on the line; nobody may call them."""
    customer.left = int((await leg.ended()).when.wall * 1000)
    with contextlib.suppress(Deadline):
        await staging.until(lambda: bool(customer.rings), "an INVITE", AWAY_S)
    await staging.witness.read()
    breaches = staging.judged([customer])
    broken = "".join(f"; broken: {one.law} ({one.what})" for one in breaches)
    rows = f"{len(customer.rows)} rows, {len(customer.rings)} INVITEs"
    good = not (breaches or customer.rings) and len(customer.talks) == 1
    return what, f"told so, music on, {fate(customer)}; {rows}{broken}", good


def results(way: Way) -> Callable[[Staging], Awaitable[Scene]]:
    """Return the scene in which the database is away while attempts come to their results."""

    async def scene(staging: Staging) -> Scene:
        ground = staging.ground
        async with staging.waiting(way, TRIED) as customers:
            await staging.agents("available")
            await staging.until(lambda: any(one.rings for one in customers), "a dial")
            await ground.kill_database()
            try:
                await staging.until(lambda: _quiet(customers), "the end of what was dialled")
                dialled = sum(len(one.rings) for one in customers)
                with contextlib.suppress(Deadline):
                    await staging.until(lambda: not _quiet(customers), "another", AWAY_S)
                more = sum(len(one.rings) for one in customers) - dialled
            finally:
                await ground.start_database()
                await staging.witness.hear()
            await staging.all_end(customers)
        what, came, good = staging.told(f"database away while attempts are made, {way}", customers)
        return what, f"{dialled} dialled before, {more} meanwhile; {came}", good and not more

    return scene


def _quiet(customers: list[Customer]) -> bool:
    rung = [ring for one in customers for ring in one.rings]
    return bool(rung) and all(ring.until is not None for ring in rung)
