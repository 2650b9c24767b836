"""What happens, seen from outside of Sala: by the world's phones, the PBX and the database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Collection, Coroutine
from dataclasses import replace
from typing import Any

import asyncpg

from lab.ami import AmiEvent, Moment
from lab.errors import Deadline
from lab.fault.facts import Attempt, Customer, Row, Span, Step, Way
from lab.fault.ground import Ground
from lab.fault.queues import AGENTS
from lab.leg import Leg
from lab.phone import Phone
from lab.watch import Watch

FOREVER_S = 86_400.0
INVITE_MS = 32_000
"""How long an INVITE is sent again that gets no answer (RFC 3261, timer B)."""
TOLD_MS = 500
"""A PBX stamps its events when it writes them down: as much may one lag behind another's."""
CHANNEL = "lab_fault"
TRIGGERS = f"""
CREATE FUNCTION {CHANNEL}_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{CHANNEL}', TG_ARGV[0] || ' ' || NEW.number || ' ' || NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION {CHANNEL}_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{CHANNEL}', TG_ARGV[0] || ' ' || number)
        FROM callbacks WHERE id = NEW.callback;
    RETURN NULL;
END $$;
CREATE TRIGGER {CHANNEL}_promised AFTER INSERT ON callbacks
    FOR EACH ROW EXECUTE FUNCTION {CHANNEL}_row('promised');
CREATE TRIGGER {CHANNEL}_ended AFTER UPDATE OF state, sealed ON callbacks
    FOR EACH ROW WHEN (NEW.state <> 'waiting' AND NOT NEW.sealed)
    EXECUTE FUNCTION {CHANNEL}_row('ended');
CREATE TRIGGER {CHANNEL}_claimed AFTER INSERT ON callback_attempts
    FOR EACH ROW EXECUTE FUNCTION {CHANNEL}_attempt('claimed');
CREATE TRIGGER {CHANNEL}_finished AFTER UPDATE OF outcome ON callback_attempts
    FOR EACH ROW EXECUTE FUNCTION {CHANNEL}_attempt('finished');
"""
STATES = """
SELECT id::text, number, CASE WHEN sealed THEN 'waiting' ELSE state END AS state FROM callbacks
"""
ROWS = """
SELECT callbacks.id::text, number, to_ms(created_at) AS made,
    coalesce((place::jsonb ->> 'entered')::bigint, to_ms(requested_at)) AS entered,
    state, reason, to_ms(ended_at) AS ended,
    (SELECT coalesce(json_agg(json_build_array(
            fence, to_ms(started_at), to_ms(one.ended_at), outcome) ORDER BY fence), '[]')
        FROM callback_attempts AS one WHERE callback = callbacks.id)::text AS attempts
FROM callbacks ORDER BY requested_at, id
"""
ENTERED = """
SELECT identity_value AS number, to_ms(min(segments.started_at)) AS entered
FROM interactions JOIN segments ON segments.interaction = interactions.id
WHERE segments.kind = 'queue' GROUP BY 1
"""


Kind = tuple[Way, Step]
_ON_THE_LINE = frozenset({Step.PRESSED, Step.PROMISED})
"""Steps that come before the caller is gone."""
_CALL, _WAIT = "callback-", "sala-wait"
"""What the ids of customers' calls begin with, and where Sala's PBX lets callers wait."""
_QUESTION = "callback-question"


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def ms(moment: Moment) -> int:
    """Tell a moment in milliseconds since the epoch."""
    return int(moment.wall * 1000)


class Witness:
    """Writes down what reaches customers, and tells each step as it happens."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._connection: asyncpg.Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[Collection[Kind], asyncio.Future[tuple[Kind, str]]]] = []
        self._bridges: dict[str, dict[str, str]] = {}
        """Bridge → channel → number: a customer's own, or whom an agent is shown."""
        self._talking: dict[str, str] = {}
        """Bridge → customer's number."""
        self._numbers: dict[str, str] = {}
        """Callback → customer's number."""
        self._offers: list[tuple[str, str, int]] = []
        """Customer's number, agent, and when the INVITE came to the agent's phone."""
        self._legs_made: dict[str, list[int]] = {}
        """SIP account → when Sala's PBX made its channels."""
        self._served: dict[str, Leg] = {}
        """Agent → their phone's latest leg."""
        self.customers: dict[str, Customer] = {}
        self.promised: set[str] = set()
        """Numbers that have a callback."""
        self.ended: set[str] = set()
        """Numbers whose callback has ended."""
        self.watch = Watch()

    async def __aenter__(self) -> Witness:
        ground = self._ground
        await ground.stack.db.execute(TRIGGERS)
        await self.hear()
        await ground.listen(self._on_pbx)
        for agent in AGENTS:
            self.follow(self._agent(ground.world.phones[agent]))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            with contextlib.suppress(Exception):
                await self._connection.close()

    async def hear(self) -> None:
        """Listen to the database; again after it was away."""
        self._connection = await asyncpg.connect(self._ground.stack.database_url())
        await self._connection.add_listener(CHANNEL, self._told)
        # What happened before is told by the rows.
        for callback, number, state in await self._connection.fetch(STATES):
            if number not in self.promised:
                self._told(None, 0, CHANNEL, f"promised {number} {callback}")
            if state != "waiting" and number not in self.ended:
                self._told(None, 0, CHANNEL, f"ended {number} {callback}")

    def follow(self, what: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine until the witness leaves, or it is cancelled."""
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- steps ------------------------------------------------------------------------------

    def tell(self, step: Step, number: str) -> None:
        """A step has happened to a customer; it counts as a callback's once they are promised one.

        Agents are offered callers on the line too, and talk with them: such steps nobody waits for.
        """
        customer = self.customers.get(number)
        if customer is not None and (step in _ON_THE_LINE or self._called_back(customer, number)):
            kind = customer.way, step
            for wanted, future in self._waiting:
                if kind in wanted and not future.done():
                    future.set_result((kind, number))
        self.watch.changed()

    def _called_back(self, customer: Customer, number: str) -> bool:
        return customer.left > 0 and number in self.promised

    async def next(self, wanted: Collection[Kind], within: float) -> tuple[Kind, str] | None:
        """Wait for the next of these that happens to a callback; give it and whose, or None."""
        future: asyncio.Future[tuple[Kind, str]] = asyncio.get_running_loop().create_future()
        entry = (wanted, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(within):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waiting.remove(entry)

    def _told(self, *what: object) -> None:
        word, number, *callback = str(what[3]).split(" ")
        match word:
            case "promised":
                self._numbers[callback[0]] = number
                self.promised.add(number)
                self.tell(Step.PROMISED, number)
            case "ended":
                self.ended.add(number)
                if customer := self.customers.get(number):
                    customer.over = now()
                self.watch.changed()
            case _:
                self.tell(Step(word), number)

    # --- phones -----------------------------------------------------------------------------

    async def _agent(self, phone: Phone) -> None:
        while True:
            leg = await phone.ringing(FOREVER_S)
            self._served[phone.account] = leg
            self._offered(phone.account, leg.shown_number, ms(leg.invited or Moment.now()))
            self.follow(self._agent_leg(leg))

    def _offered(self, agent: str, number: str, at: int) -> None:
        if number in self.customers:
            self._offers.append((number, agent, at))
        self.tell(Step.OFFERED, number)

    def _made(self, agent: str, at: int, behind: int) -> int:
        """When Sala's PBX made the leg whose INVITE came at some time: packets may be lost.

        No leg up to `behind` is it, for such are those of INVITEs that came before.
        """
        first = max(behind + 1, at - INVITE_MS)
        made = [one for one in self._legs_made.get(agent, ()) if first <= one <= at + TOLD_MS]
        return max(made, default=at)

    async def _agent_leg(self, leg: Leg) -> None:
        with contextlib.suppress(Deadline):
            await leg.answered(FOREVER_S)
            self.tell(Step.RESERVED, leg.shown_number)

    async def customer(self, number: str) -> None:
        """Follow a customer's phone: every INVITE that reaches it."""
        customer = self.customers[number]
        phone = self._ground.world.outside(number)
        while True:
            leg = await phone.ringing(FOREVER_S)
            customer.rings.append(Span(ms(leg.invited or Moment.now())))
            self.tell(Step.DIALLED, number)
            self.tell(Step.RINGING, number)
            self.follow(self._ring(customer, len(customer.rings) - 1, number, leg))

    async def _ring(self, customer: Customer, at: int, number: str, leg: Leg) -> None:
        with contextlib.suppress(Deadline):
            up = await leg.answered(FOREVER_S)
            customer.rings[at] = replace(customer.rings[at], up=ms(up))
            self.tell(Step.ANSWERED, number)
        ending = await leg.ended(FOREVER_S)
        customer.rings[at] = replace(customer.rings[at], until=ms(ending.when))
        waits_no_more(customer, ms(ending.when))
        self.watch.changed()

    def serves(self, number: str) -> bool:
        """Whether an agent's phone is up for a customer."""
        return any(
            leg.live and leg.up is not None and leg.shown_number == number
            for leg in self._served.values()
        )

    # --- the PBX ----------------------------------------------------------------------------

    def _on_pbx(self, event: AmiEvent) -> None:
        if event.name in ("Newexten", "AGIExecStart"):
            self._on_call(event)
        elif event.name == "BridgeEnter":
            bridge = event.get("bridgeuniqueid")
            inside = self._bridges.setdefault(bridge, {})
            called = self._called(event.get("uniqueid"))
            inside[event.get("channel")] = called or event.get("calleridnum")
            self._bridged(bridge, inside, ms(event.when))
        elif event.name == "Newchannel":
            self._legs_made.setdefault(_account(event.get("channel")), []).append(ms(event.when))
        elif event.name == "Hangup":
            # Nobody leaves a bridge otherwise: here no call is handed on.
            channel = event.get("channel")
            for bridge in [name for name, inside in self._bridges.items() if channel in inside]:
                del self._bridges[bridge]
                self._parted(bridge, ms(event.when))

    def _on_call(self, event: AmiEvent) -> None:
        """Something happens in the dialplan: to customers who are called, and are called first."""
        number = self._called(event.get("uniqueid"))
        customer = self.customers.get(number)
        if customer is None or customer.way is not Way.CUSTOMER:
            return
        if event.name == "AGIExecStart":
            if _QUESTION in event.get("command"):
                self.tell(Step.ASKED, number)
        elif event.get("extension") == "h":
            return  # Asterisk goes there in whatever context a call has ended.
        elif event.get("context") == _WAIT and not (
            customer.waits and customer.waits[-1].until is None
        ):
            customer.waits.append(Span(ms(event.when)))
            self.tell(Step.HOLDING, number)

    def _called(self, call: str) -> str:
        """The number of the customer who is called by this call; empty if it is no callback's."""
        if not call.startswith(_CALL):
            return ""
        return self._numbers.get(call.removeprefix(_CALL).rpartition("-")[0], "")

    def _bridged(self, bridge: str, inside: dict[str, str], at: int) -> None:
        agents = [shown for one, shown in inside.items() if _account(one) in AGENTS]
        others = [number for one, number in inside.items() if _account(one) not in AGENTS]
        if len(agents) != 1 or len(others) != 1 or bridge in self._talking:
            return
        (shown,), (number,) = agents, others
        if customer := self.customers.get(number):
            self._talking[bridge] = number
            customer.talks.append(Span(at))
            customer.mistaken += shown != number
            waits_no_more(customer, at)
            self.tell(Step.BRIDGED, number)
            self.tell(Step.TALKING, number)

    def _parted(self, bridge: str, at: int) -> None:
        number = self._talking.pop(bridge, "")
        if customer := self.customers.get(number):
            customer.talks[-1] = replace(customer.talks[-1], until=at)
            self.tell(Step.WRAP_UP, number)

    # --- the database -----------------------------------------------------------------------

    def settle(self) -> None:
        """Give each customer their offers: when Sala's PBX made the legs, once all is told."""
        for customer in self.customers.values():
            customer.offers = []
        behind: dict[str, int] = {}
        for number, agent, at in self._offers:
            made = behind[agent] = self._made(agent, at, behind.get(agent, 0))
            self.customers[number].offers.append(made)

    async def read(self) -> None:
        """Read the rows of all customers."""
        self.settle()
        for customer in self.customers.values():
            customer.rows = []
        for row in await self._ground.stack.db.fetch(ROWS):
            if found := self.customers.get(row["number"]):
                attempts = tuple(Attempt(*one) for one in json.loads(row["attempts"]))
                found.rows.append(
                    Row(
                        row["id"], row["entered"], row["made"], row["state"], row["reason"],
                        row["ended"], attempts,
                    )
                )  # fmt: skip
        for row in await self._ground.stack.db.fetch(ENTERED):
            if found := self.customers.get(row["number"]):
                found.entered = row["entered"]
        for customer in self.customers.values():
            # Who was promised one before the queue never waited in it by themselves.
            customer.entered = customer.entered or (
                customer.rows[0].entered if customer.rows else 0
            )


def waits_no_more(customer: Customer, at: int) -> None:
    """Close the time in line that is open, if there is one; `at` is in ms."""
    if customer.waits and customer.waits[-1].until is None:
        customer.waits[-1] = replace(customer.waits[-1], until=at)


def _account(channel: str) -> str:
    """The SIP account of a channel's name, such as PJSIP/1001-0000002a."""
    return channel.removeprefix("PJSIP/").rpartition("-")[0]
