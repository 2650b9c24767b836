"""Callbacks that people order: by a command, by the control socket, for a call in progress."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from acd.callbacks.calling import Calling
from acd.callbacks.place import SLOT
from acd.contacts import Contact
from acd.gate import Refusal
from acd.promises import Asked, Known, Made, Promises
from acd.roster import Roster
from crm import callbacks, interactions
from crm.calendars import State
from crm.callbacks import Answer
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.interactions import Spoken
from ivr.flow.parts import LANGUAGE_PATTERN
from ivr.flow.problems import excerpt
from sala.errors import UserError

API, AGENT = "api", "agent"
"""Sources of callbacks that people order; an agent's is personal."""
_WHY = {
    Answer.FULL: "no more callbacks fit into that time",
    Answer.ONCE: "the customer was promised one today",
}


class CallbackRefused(UserError):  # noqa: N818 - an answer, told as such
    """A callback that may not be: the message says why."""


class StoredLines:
    """The floor as it is stored, for commands while no service is asked."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster

    def queue(self, name: str) -> Known | None:
        """See `acd.promises.Floor`."""
        return known(self.roster, name)

    def place(self, interaction: str) -> int | None:
        """See `acd.promises.Floor`."""
        return None

    def kept(self, interaction: str, queue: str) -> Mapping[str, Any] | None:
        """See `acd.promises.Floor`."""
        return None

    def called_back(self, interaction: str) -> None:
        """See `acd.promises.Floor`."""


def known(roster: Roster, queue: str) -> Known | None:
    """Return what promises need to know of a queue; None if there is none."""
    if roster.queue(queue) is None:
        return None
    serving = sum(queue in agent.queues for agent in roster.configuration.agents)
    return Known(roster.callbacks[queue], roster.hours.get(queue), serving)


class Orders:
    """Takes orders of callbacks. `roster` gives who works here now, `clock` ms since the epoch."""

    def __init__(
        self,
        promises: Promises,
        database: Database,
        roster: Callable[[], Roster],
        clock: Callable[[], int],
    ) -> None:
        self._promises = promises
        self._database = database
        self._roster = roster
        self._clock = clock

    async def add(
        self,
        wish: Mapping[str, Any],
        contact: Contact | None = None,
        *,
        force: bool = False,
        source: str | None = None,
    ) -> Made:
        """Promise a callback: `number`, `queue`, and if wanted `agent`, `due_ms`, `language`.

        With the `contact` of a call in progress, what is not told is the call's. `force`: also at
        an hour at which nobody is called. `source`: what else than these it is of; nobody was told
        a time then. Raises `CallbackRefused` with the reason.
        """
        number = str(wish.get("number") or (contact.caller.number if contact else "") or "")
        queue = str(wish.get("queue") or (contact.queue if contact else ""))
        agent = str(wish.get("agent") or (contact.talking_to if contact else ""))
        due: int | None = wish.get("due_ms")
        here = known(self._roster(), queue)
        if here is None:
            raise CallbackRefused(f"there is no queue {queue}" if queue else "name a queue")
        if agent and agent not in set(self._roster().agents()):
            raise CallbackRefused(f"there is no agent {agent}")
        checked = self._promises.check(number)
        if isinstance(checked, Refusal):
            raise CallbackRefused(f"the number cannot be called: {checked.value}")
        language = str(wish.get("language") or "")
        if language and not re.fullmatch(LANGUAGE_PATTERN, language):
            raise CallbackRefused(f"{excerpt(language)} is no language; write it such as th")
        now = self._clock()
        if due is not None:
            if source is None and due > now + here.policy.book_ahead_ms:
                raise CallbackRefused("that is further ahead than the queue's book_ahead")
            here_hours = here.hours
            closed = here_hours is not None and here_hours.at(due) is not State.OPEN
            if closed and not (force or agent):
                raise CallbackRefused("the queue is closed at that time")
            if not force and Calling().next(here.policy.calling, checked, max(due, now)) > max(
                due, now
            ):
                raise CallbackRefused("customers are not called at that hour")
        made = await self._promises.make(
            Asked(
                queue,
                checked,
                # A call in progress ends as what it is; the callback is an interaction of its own.
                None,
                source=source
                or (SLOT if due is not None else AGENT if contact is not None else API),
                due_ms=due,
                told_ms=None if due is None or source else due + here.policy.slot_ms,
                owner=agent or None,
                language=language or None,
            )
        )
        if not made.kept:
            why = made.refusal.value if made.refusal else _WHY.get(made.answer or Answer.FULL, "")
            raise CallbackRefused(f"no callback is promised: {why}")
        return made

    async def own(self, agent: str, spoken: Spoken, due_ms: int) -> str:
        """Promise that an agent calls back whom they spoke to; return the number.

        `due_ms` is the soonest. One that the customer waits for already becomes the agent's own at
        that time, unless it is another agent's. Raises `CallbackRefused`.
        """
        wish = {
            "number": spoken.number,
            "queue": spoken.queue,
            "agent": agent,
            "language": spoken.language,
            "due_ms": due_ms,
        }
        made = await self.add(wish, source=AGENT, force=True)
        if made.answer is Answer.FOUND:
            there = await callbacks.get(self._database, made.callback)
            if there.owner not in (None, agent):
                raise CallbackRefused("the customer waits for another agent's call")
            with contextlib.suppress(NotFound):  # it has just ended: there is nothing to do
                await callbacks.reassign(self._database, made.callback, owner=agent)
                await callbacks.reschedule(self._database, made.callback, due_ms)
            return there.number
        return str(self._promises.check(spoken.number or ""))

    async def change(self, callback: str, number: str) -> str:
        """Have another number called, or with an empty one cancel; return the number.

        Raises `CallbackRefused`, `LookupError` for one that is not open.
        """
        try:
            if not number:
                if not await self._promises.cancel(callback, "agent"):
                    raise LookupError(callback)
                return ""
            found = await self._promises.change(callback, number)
        except NotFound as error:
            raise LookupError(callback) from error
        except DataRefused as error:
            raise CallbackRefused(str(error)) from error
        if isinstance(found, Refusal):
            raise CallbackRefused(f"the number cannot be called: {found.value}")
        return found

    async def open(self, queue: str, customer: str, interaction: str = "") -> list[dict[str, Any]]:
        """Return open callbacks, the latest first: all, a queue's, a customer's (oldest first).

        An `interaction` of any channel stands for its customer: so whoever handles it sees them.
        """
        try:
            if interaction:
                customer = await interactions.customer_of(self._database, interaction) or ""
                if not customer:
                    return []
            if customer:
                rows = await callbacks.open_of_customer(self._database, customer)
            else:
                rows = await callbacks.find(self._database, queue=queue or None, limit=1_000)
        except DataRefused:  # no such id
            return []
        shown = [one for one in rows if not queue or one.queue == queue]
        return [{**asdict(one), "place": None} for one in shown]
