"""How a queue's callbacks are made: a checked value, read from what an admin wrote (`FIELDS`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from acd.policy import values
from acd.policy.faults import Faults, Wrong, shown
from crm import calendars
from crm.calendars import DAYS, Calendar
from crm.records import Callback, Queue
from pbx.port import can_be_shown

from .words import RETRIED, Outcome

T = TypeVar("T")

KEYS = tuple("1234567890*#")
MINUTE = 60_000
HOUR = 60 * MINUTE
_LONGEST_MS = 90 * 24 * HOUR
_DAYTIME = Calendar("calling", "UTC", tuple(((9 * 60, 20 * 60),) for _ in DAYS))
_SCREEN = 40
_PROMPT = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_RETRY: dict[Outcome, tuple[int, ...]] = {
    Outcome.BUSY: (5 * MINUTE, 15 * MINUTE),
    Outcome.NO_ANSWER: (15 * MINUTE, HOUR),
    Outcome.MACHINE: (HOUR,),
    Outcome.FAILED: (MINUTE, 10 * MINUTE),
    Outcome.REFUSED: (),
    Outcome.CONGESTION: (MINUTE, 5 * MINUTE),
    Outcome.HUNG_UP: (10 * MINUTE,),
    Outcome.NO_CHOICE: (15 * MINUTE,),
    Outcome.LOST: (MINUTE,),
    Outcome.GIVEN_UP: (MINUTE, 10 * MINUTE),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A queue's policy; times in ms. The defaults are those of a queue without one."""

    agent_first: bool = True
    ring_ms: int = 25_000
    ask: bool = False
    ask_ms: int = 15_000
    attempts: int = 3
    retry: dict[Outcome, tuple[int, ...]] = field(default_factory=lambda: dict(_RETRY))
    """By outcome: the pause when it comes of the first attempt, of the second …; the last holds for
    all that follow. Empty: no next attempt."""
    detect: bool = True
    """Whether it is listened whether a machine has answered, which takes a second or two."""
    leave_message: bool = False
    expires_ms: int = 72 * HOUR
    later_ms: int = 10 * MINUTE
    at_once: int = 10
    calling: Calendar = _DAYTIME
    """When customers may be called; its zone is that of numbers that do not tell theirs."""
    after_abandon_ms: int | None = None
    rescue: bool = True
    slot_ms: int = 30 * MINUTE
    slot_takes: int | None = None
    """None: as many as agents serve the queue."""
    book_ahead_ms: int = 7 * 24 * HOUR
    owner_wait_ms: int = 10 * MINUTE
    caller_id: str = ""
    whisper: str = "callback-agent"
    """The prompt that tells the agent who is held what it is about."""
    screen: str = "Callback"
    """What that agent's phone shows as the customer's name."""
    key: str = ""
    offer_over_ms: int | None = None

    @property
    def asks(self) -> bool:
        """Whether the customer is asked before they are connected."""
        return self.ask or not self.agent_first

    def expires(self, callback: Callback) -> int:
        """Return when a callback is not to be made any more, in ms."""
        if callback.expires_ms is not None:
            return callback.expires_ms
        return max(callback.requested_ms, callback.due_ms) + self.expires_ms

    def offers(self, expected_ms: int | None) -> bool:
        """Tell whether who is expected to wait so long is asked; None: not known."""
        over = self.offer_over_ms
        return over is not None and expected_ms is not None and expected_ms > over

    def slot_of(self, at: int) -> tuple[int, int]:
        """Return begin and end, in ms, of the slot that a time lies in."""
        begin = at - at % self.slot_ms
        return begin, begin + self.slot_ms

    def pause(self, outcome: Outcome, before: int) -> int | None:
        """Return the pause after an attempt before which there were so many; None: no next one."""
        plan = self.retry.get(outcome, ())
        return plan[min(before, len(plan) - 1)] if plan else None


FIELDS: dict[str, tuple[str, str]] = {
    "first": ("agent", "`agent`: the customer is dialled when an agent is reserved. `customer`: "
              "when an agent is expected within `ring`."),
    "ring": ("25s", "How long the customer's phone rings."),
    "ask": ("false", "Ask who answers: 1 to talk, 2 later, 3 cancel. With `first: customer` "
            "always."),
    "answer_within": ("15s", "How long they are asked."),
    "attempts": ("3", "At most so many."),
    "retry": ("", "By outcome, the pause after the first attempt, the second …; `[]`: no other "
              "attempt."),
    "machine": ("retry", "`message`: leave one; the agent is free meanwhile. `connect`: nobody "
                "listens whether one answers, which takes a second or two."),
    "expires": ("72h", "After the request, or after the time that was chosen."),
    "later": ("10m", "The pause after \"later\"."),
    "at_once": ("10", "Most calls in progress for the queue, with `first: customer`."),
    "calling": ("{mon-sun: '09:00-20:00'}",
                "When customers are called, in their own time zone."),
    "timezone": ("UTC", "For numbers that do not tell theirs."),
    "key": ("none", "Who waits presses it to be called back. Keys of the flow's own go first."),
    "offer_over": ("none", "Who is expected to wait longer than this is asked, once, and told the "
                   "range."),
    "after_abandon": ("none", "Call back who hung up after this wait, once a day."),
    "rescue": ("true", "Call back who was cut off by a fault of PBX or trunk."),
    "slot": ("30m", "Length of the times that customers may choose."),
    "slot_takes": ("none", "So many for one time; none: as many as agents serve the queue."),
    "book_ahead": ("168h", "How far ahead times are offered."),
    "owner_wait": ("10m", "How long a personal callback waits for its agent; an absent one is not "
                   "waited for."),
    "caller_id": ("", "The number shown, of up to 15 digits; none: the trunk's."),
    "whisper": ("callback-agent", "Prompt that the agent who is held hears first."),
    "screen": ("Callback", "What that agent's phone shows as the customer's name."),
}  # fmt: skip
"""Fields by name: the default as an admin writes it (empty: see its meaning), and the meaning."""

MACHINE = ("retry", "message", "connect")


def read(given: Any, faults: Faults) -> Policy:
    """Read a policy from plain values, as JSON or YAML give them.

    Each fault is noted at its place; a faulty field has its default.
    """
    plain = Policy()
    try:
        known = values.mapping({} if given is None else given, FIELDS, "a callback policy")
    except Wrong as wrong:
        faults.note(str(wrong), wrong.below)
        known = {key: one for key, one in given.items() if key in FIELDS} if _maps(given) else {}

    def take(key: str, default: T, read_: Callable[[Any], T]) -> T:
        if known.get(key) is None:
            return default
        try:
            return read_(known[key])
        except Wrong as wrong:
            faults.at(key).note(str(wrong), wrong.below)
            return default

    first = take("first", "agent", lambda v: values.choice(v, ("agent", "customer"), "order"))
    machine = take("machine", "retry", lambda v: values.choice(v, MACHINE, "way"))
    abandoned: int | None = take("after_abandon", None, _or_none(_time(0, HOUR)))
    return Policy(
        agent_first=first == "agent",
        ring_ms=take("ring", plain.ring_ms, _time(5_000, 2 * MINUTE)),
        ask=take("ask", plain.ask, values.boolean),
        ask_ms=take("answer_within", plain.ask_ms, _time(3_000, 2 * MINUTE)),
        attempts=take("attempts", plain.attempts, lambda v: values.number(v, 1, 20)),
        retry={**plain.retry, **take("retry", {}, _retry)},
        detect=machine != "connect",
        leave_message=machine == "message",
        expires_ms=take("expires", plain.expires_ms, _time(MINUTE, _LONGEST_MS)),
        later_ms=take("later", plain.later_ms, _time(MINUTE, 24 * HOUR)),
        at_once=take("at_once", plain.at_once, lambda v: values.number(v, 1, 1000)),
        calling=replace(
            take("calling", plain.calling, _calling), timezone=take("timezone", "UTC", _zone)
        ),
        after_abandon_ms=abandoned,
        rescue=take("rescue", plain.rescue, values.boolean),
        slot_ms=take("slot", plain.slot_ms, _time(5 * MINUTE, 8 * HOUR)),
        slot_takes=take("slot_takes", None, _or_none(lambda v: values.number(v, 1, 10_000))),
        book_ahead_ms=take("book_ahead", plain.book_ahead_ms, _time(HOUR, _LONGEST_MS)),
        owner_wait_ms=take("owner_wait", plain.owner_wait_ms, _time(0, _LONGEST_MS)),
        caller_id=take("caller_id", plain.caller_id, _caller_id),
        whisper=take("whisper", plain.whisper, _prompt),
        screen=take("screen", plain.screen, _screen),
        key=take("key", "", lambda v: "" if v == "none" else values.choice(str(v), KEYS, "key")),
        offer_over_ms=take("offer_over", None, _or_none(_time(MINUTE, 24 * HOUR))),
    )


def of_queues(queues: Iterable[Queue], faults: Faults) -> dict[str, Policy]:
    """Read the policies of stored queues, by queue; faults are noted as of a routing file."""
    return {
        one.name: read(one.callback, faults.at("queues", one.name, "callback")) for one in queues
    }


def _or_none(read_: Callable[[Any], int]) -> Callable[[Any], int | None]:
    return lambda value: None if value == "none" else read_(value)


def _maps(given: Any) -> bool:
    return isinstance(given, dict)


def _time(least: int, most: int) -> Callable[[Any], int]:
    def read_(value: Any) -> int:
        found = values.duration(value)
        if not least <= found <= most:
            raise Wrong(
                f"a time from {values.written(least)} to {values.written(most)} is needed, "
                f"not {shown(value)}"
            )
        return found

    return read_


def _retry(value: Any) -> dict[Outcome, tuple[int, ...]]:
    given = values.mapping(value, [str(one) for one in RETRIED], "retry")
    found: dict[Outcome, tuple[int, ...]] = {}
    for key, plan in given.items():
        pauses = plan if isinstance(plan, list | tuple) else [] if plan is None else [plan]
        try:
            found[Outcome(key)] = tuple(_time(0, 24 * HOUR)(one) for one in pauses)
        except Wrong as wrong:
            raise Wrong(str(wrong), (key,)) from None
    return found


def _calling(value: Any) -> Calendar:
    told: list[tuple[tuple[str, ...], str]] = []
    found = calendars.read(
        "calling", {"timezone": "UTC", "week": value}, lambda at, what: told.append((at, what))
    )
    if told:
        raise Wrong(told[0][1], told[0][0][1:])
    if not any(found.week):
        raise Wrong("at least one day with hours is needed, such as mon-fri: 09:00-20:00")
    return found


def _zone(value: Any) -> str:
    try:
        ZoneInfo(str(value))
    except (LookupError, ValueError, OSError):
        raise Wrong(f"{shown(value)} is no time zone, such as Asia/Bangkok") from None
    return str(value)


def _prompt(value: Any) -> str:
    name = str(value)
    if not _PROMPT.fullmatch(name):
        raise Wrong(f"a prompt's name is needed, such as callback-agent, not {shown(value)}")
    return name


def _screen(value: Any) -> str:
    text = str(value)
    if not (0 < len(text) <= _SCREEN and text.isprintable()):
        raise Wrong(f"a text of 1 to {_SCREEN} characters is needed, not {shown(value)}")
    return text


def _caller_id(value: Any) -> str:
    number = str(value)
    if number and not can_be_shown(number):
        raise Wrong(f"{shown(value)} is no number of up to 15 digits, such as +6621234567")
    return number
