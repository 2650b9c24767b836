"""Callbacks of a queue at noon: promised, dialled, and how their agents are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from callback_floor import CallbackFloor

from acd.callbacks import Policy
from acd.callbacks.words import Stage
from crm.calendars import Calendar

ALWAYS = Calendar("always", "UTC", (((0, 24 * 60),),) * 7)

NOON = round(datetime(2026, 7, 1, 17, tzinfo=UTC).timestamp() * 1000)

PLAIN = replace(Policy(), calling=ALWAYS)

ASKS = replace(PLAIN, ask=True)


def floor(policy: Policy = PLAIN, agents: int = 1) -> CallbackFloor:
    return CallbackFloor(policy, agents, NOON)


def dialled(here: CallbackFloor, name: str = "cb") -> CallbackFloor:
    here.promise(name, NOON - 1)
    (offer,) = here.offers
    here.answer(offer)
    here.claim()
    assert here.book.stage(name) is Stage.DIALLING
    return here


def presence(here: CallbackFloor) -> str:
    agent = here.router.agent("a0")
    assert agent is not None
    return agent.presence.value
