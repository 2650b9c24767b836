"""Customers who call, ask to be called back, and answer when they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from functools import partial

from lab.errors import Deadline, LabError
from lab.fault.facts import Customer, Habit, Step, Way
from lab.fault.ground import Ground
from lab.fault.judge import TALK_MS
from lab.fault.queues import LINES
from lab.fault.witness import FOREVER_S, Witness, now
from lab.leg import Leg

RINGS_S = 0.5
"""How long a customer lets it ring."""
TALK_S = 1.5
"""From when both are in one bridge to when the customer hangs up."""
HOLD_S = 40.0
"""How long a customer who has answered waits for somebody to talk to."""
PRESS_AFTER_S = 1.0
"""From the answer to the first press; the question comes after `queues.OFFER_AFTER`."""
PRESS_EVERY_S = 1.2
PRESS_AGAIN_S = 6.0
"""Who is being told that they will be called back presses once more only if that goes on."""
TOLD_S = 0.6
"""How long a caller who is being told listens before they hang up, content."""
LISTENS = 4
"""One of so many listens to the end."""
PATIENCE_S = 45.0
"""Who is neither sent off nor served by then hangs up."""
CALLED_BACK_S = 300.0
"""How long a callback is waited for."""
CHOOSE_AFTER_S = 0.9
"""How long a customer who is asked listens before they press a key."""
CHOOSE_EVERY_S = 2.5
KEYS = {Habit.LATER_FIRST: "2", Habit.CANCELS: "3"}
TALK_KEY = "1"

FIRST_ONLY = frozenset({Habit.BUSY_FIRST, Habit.AWAY_FIRST, Habit.DECLINES_FIRST})


class Load:
    """So many customers at a time, each anew when one is done, until `close`."""

    def __init__(
        self, ground: Ground, witness: Witness, habits: Mapping[Way, Iterator[Habit]]
    ) -> None:
        self._ground = ground
        self._witness = witness
        self._habits = habits
        self._made = 0
        self._closing = False
        self._lives: list[asyncio.Task[None]] = []
        self.faults: list[str] = []
        """What the load itself could not do."""

    def open(self, lives: int) -> None:
        """Begin; half of them in each queue."""
        self._closing = False
        ways = list(Way)
        self._lives = [
            asyncio.create_task(self._anew(turn / 2, ways[turn % len(ways)]))
            for turn in range(lives)
        ]

    async def close(self) -> None:
        """Let nobody new call, and wait until all are done."""
        self._closing = True
        await asyncio.gather(*self._lives)

    async def cancel(self) -> None:
        """Stop at once."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _anew(self, after_s: float, way: Way) -> None:
        await asyncio.sleep(after_s)
        while not self._closing:
            await self.see(*self.known(next(self._habits[way]), way))

    def known(self, habit: Habit, way: Way = Way.AGENT) -> tuple[Customer, str]:
        """Make one customer, whose phone is watched from now on; give it with its number."""
        self._made += 1
        number = f"+1415555{self._made + 999:04d}"
        customer = self._witness.customers[number] = Customer(f"c{self._made:03d}", habit, way)
        self._witness.follow(self._witness.customer(number))
        return customer, number

    async def see(self, customer: Customer, number: str) -> None:
        """Let a customer call, and see it through to its end."""
        with self._on_the_phone(customer, number):
            await self._first_habit(number, customer.habit)
            await self._call_in(customer, number)

    async def is_called(self, customer: Customer, number: str) -> None:
        """See a customer through who is to be called, and has not called."""
        with self._on_the_phone(customer, number):
            await self._first_habit(number, customer.habit)
            await self._called_back(customer, number)

    @contextlib.contextmanager
    def _on_the_phone(self, customer: Customer, number: str) -> Iterator[None]:
        """Have a customer talk, and press keys when they are asked."""
        beside = [self._witness.follow(self._talks(customer, number))]
        if customer.way is Way.CUSTOMER:
            beside.append(self._witness.follow(self._chooses(customer, number)))
        try:
            yield
        except LabError as error:
            self.faults.append(f"{customer.name}: {error}")
        finally:
            for one in beside:
                one.cancel()

    async def _call_in(self, customer: Customer, number: str) -> None:
        await self._call(customer, number)
        if not any(talk.until and talk.until - talk.at > TALK_MS for talk in customer.talks):
            # The promise and an agent may come at once.
            with contextlib.suppress(Deadline):
                await self._witness.watch.until(
                    lambda: number in self._witness.promised, "a promise", PRESS_AFTER_S
                )
        if customer.sent_off or number in self._witness.promised:
            await self._called_back(customer, number)

    async def _first_habit(self, number: str, habit: Habit) -> None:
        phone = self._ground.world.outside(number)
        match habit:
            case Habit.BUSY_FIRST:
                await phone.behave("busy")
            case Habit.AWAY_FIRST:
                await phone.behave("ring")
            case Habit.DECLINES_FIRST:
                await phone.behave("reject")
            case Habit.GONE:
                await phone.behave("unknown")
            case _:
                await phone.behave("answer", after_s=RINGS_S, talk_s=HOLD_S)

    async def _call(self, customer: Customer, number: str) -> None:
        dialled = LINES[customer.way].number
        leg = await self._ground.world.caller.dial(dialled, number=number, record=False)
        customer.called = now()
        await leg.answered(PATIENCE_S)
        begun = asyncio.get_running_loop().time()
        pause = PRESS_AFTER_S
        while leg.live and asyncio.get_running_loop().time() - begun < PATIENCE_S:
            if await self._waits(leg, number, pause):
                break
            pause = PRESS_EVERY_S
            if customer.habit is not Habit.STAYS:
                await self._press(customer, number, leg)
                if number in self._witness.promised:
                    pause = PRESS_AGAIN_S
                    if self._made % LISTENS and not await self._waits(leg, number, TOLD_S):
                        customer.told = True
                        break
        served = bool(customer.talks)
        if leg.live:
            customer.gave_up = not (served or customer.told)
            if served:
                with contextlib.suppress(Deadline):
                    await leg.ended(TALK_S)
            await leg.hang_up()
        ending = await leg.ended(10)
        customer.left = int(ending.when.wall * 1000)
        customer.sent_off = not (served or customer.gave_up or customer.talks or customer.told)
        if number in self._witness.promised and not customer.talks:
            self._witness.tell(Step.WAITING, number)
        self._witness.watch.changed()

    async def _waits(self, leg: Leg, number: str, for_s: float) -> bool:
        """Wait a moment; whether the call is over, or an agent is there."""
        customer = self._witness.customers[number]
        with contextlib.suppress(Deadline):
            await self._witness.watch.until(lambda: bool(customer.talks), "a talk", for_s)
        return bool(customer.talks) or not leg.live

    async def _press(self, customer: Customer, number: str, leg: Leg) -> None:
        customer.pressed = now()
        if number not in self._witness.promised:
            self._witness.tell(Step.PRESSED, number)
        with contextlib.suppress(LabError):  # it may have ended this moment
            await leg.press("1")

    async def _called_back(self, customer: Customer, number: str) -> None:
        """See a callback through: most habits hold for the first time only."""
        witness = self._witness
        if customer.habit in FIRST_ONLY:
            with contextlib.suppress(Deadline):
                await witness.watch.until(
                    lambda: number in witness.ended or bool(customer.rings), "a ring", CALLED_BACK_S
                )
                await witness.watch.until(
                    lambda: number in witness.ended or customer.rings[0].until is not None,
                    "its end",
                    CALLED_BACK_S,
                )
            phone = self._ground.world.outside(number)
            await phone.behave("answer", after_s=RINGS_S, talk_s=HOLD_S)
        with contextlib.suppress(Deadline):
            await witness.watch.until(
                lambda: number in witness.ended and not _in_call(customer),
                "its end",
                CALLED_BACK_S,
            )

    async def _chooses(self, customer: Customer, number: str) -> None:
        """Press a key whenever the customer is asked, until that has led somewhere."""
        watch = self._witness.watch
        key = KEYS.get(customer.habit, TALK_KEY)
        while True:
            await watch.until(partial(_is_asked, customer), "a question", FOREVER_S)
            ring = len(customer.rings)
            pause = CHOOSE_AFTER_S
            while _is_asked(customer) and len(customer.rings) == ring:
                with contextlib.suppress(Deadline):
                    await watch.until(lambda: not _is_asked(customer), "the question's end", pause)
                    break
                pause = CHOOSE_EVERY_S
                self._witness.tell(Step.CHOSE, number)
                for leg in self._ground.world.outside(number).legs[-1:]:
                    with contextlib.suppress(LabError):  # it may have ended this moment
                        await leg.press(key)
            if customer.habit is Habit.LATER_FIRST:
                key = TALK_KEY

    async def _talks(self, customer: Customer, number: str) -> None:
        """Hang up the customer's phone a while after a talk has begun."""
        watch = self._witness.watch
        while True:
            begun = len(customer.talks)
            await watch.until(partial(_more_talks, customer, begun), "a talk", FOREVER_S)
            await asyncio.sleep(TALK_S)
            for leg in self._ground.world.outside(number).legs:
                await leg.hang_up()


def _more_talks(customer: Customer, than: int) -> bool:
    return len(customer.talks) > than


def _is_asked(customer: Customer) -> bool:
    """Whether the customer is on the phone, called back, and neither in line nor talking yet."""
    if not customer.rings:
        return False
    ring = customer.rings[-1]
    if ring.up is None or ring.until is not None:
        return False
    return not any(one.at >= ring.up for one in (*customer.waits, *customer.talks))


def _in_call(customer: Customer) -> bool:
    return any(ring.until is None for ring in customer.rings) or any(
        talk.until is None for talk in customer.talks
    )
