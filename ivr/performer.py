"""Does what flows ask of `ivr.services`, within the time given, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from crm.errors import CrmError
from ivr.errors import IvrError
from ivr.flow.actions import (
    Action,
    AskCallback,
    AskWebhook,
    ChangeCallback,
    CheckNumber,
    DeclineCallback,
    FindCallback,
    KeepVoicemail,
    LookUpCustomer,
    LookUpHttp,
    LookUpSql,
    OfferTimes,
    SendCode,
    Verify,
)
from ivr.flow.outcomes import Broken, Directed, Done, Found, NotFound, Outcome, Refused, Verdict
from ivr.services import Services

PATIENCE_MS = 5_000
"""For what has no time-out of its own in a flow: promises, proofs, messages."""

Complain = Callable[[str, str], None]
"""Told (event, why) of what did not work; neither holds a caller's data."""


async def perform(
    action: Action, services: Services, interaction: str, complain: Complain
) -> Outcome:
    """Do an action; return `Broken` for what fails or does not end in time."""
    work = _work(action, services, interaction)
    if work is None:
        complain("service_missing", f"there is no service for {type(action).__name__}")
        return Broken()
    try:
        async with asyncio.timeout(getattr(action, "timeout_ms", PATIENCE_MS) / 1000):
            return await work
    except TimeoutError:
        complain("service_slow", f"{type(action).__name__} was not done in time")
    except (IvrError, CrmError, OSError) as error:
        complain("service_failed", f"{type(action).__name__}: {type(error).__name__}")
    return Broken()


def _work(action: Action, services: Services, interaction: str) -> Awaitable[Outcome] | None:
    match action:
        case LookUpHttp() if services.http and action.http:
            return _found(
                services.http.fetch(
                    action.http, action.query, action.body, timeout_ms=action.timeout_ms
                )
            )
        case LookUpSql() if services.sql:
            return _found(
                services.sql.row(action.query, action.values, timeout_ms=action.timeout_ms)
            )
        case LookUpCustomer() if services.customers:
            return _found(services.customers.find(interaction, action.kind, action.identity))
        case SendCode() if services.verifier:
            return _sent(services.verifier.send_code(interaction, action))
        case Verify() if services.verifier:
            return _verdict(services.verifier.verify(action.method, action.subject, action.code))
        case AskCallback() if services.callbacks:
            return _allowed(services.callbacks.promise(interaction, action))
        case CheckNumber() if services.callbacks:
            return _found(services.callbacks.check(action.number))
        case FindCallback() if services.callbacks:
            return _found(services.callbacks.waits(action.queue, action.number))
        case OfferTimes() if services.callbacks:
            return _found(services.callbacks.times(action.queue, action.number))
        case DeclineCallback() if services.callbacks:
            return _done(services.callbacks.declined(interaction, action.queue))
        case ChangeCallback() if services.callbacks:
            return _allowed(services.callbacks.change(action.callback, action.number))
        case KeepVoicemail() if services.voicemail:
            return _done(
                services.voicemail.keep(
                    interaction, action.mailbox, action.recording, action.length_ms
                )
            )
        case AskWebhook() if services.webhooks:
            return _directed(
                services.webhooks.ask(
                    interaction,
                    action.url,
                    action.data,
                    action.targets,
                    timeout_ms=action.timeout_ms,
                )
            )
        case _:
            return None


async def _found(work: Awaitable[Any]) -> Outcome:
    values = await work
    return NotFound() if values is None else Found(values)


async def _allowed(work: Awaitable[bool]) -> Outcome:
    return Done() if await work else Refused()


async def _sent(work: Awaitable[str]) -> Outcome:
    told = await work
    if told == "sent":
        return Done()
    return Refused() if told == "unknown" else Verdict(told)


async def _verdict(work: Awaitable[str]) -> Outcome:
    return Verdict(await work)


async def _directed(work: Awaitable[str]) -> Outcome:
    return Directed(await work)


async def _done(work: Awaitable[None]) -> Outcome:
    await work
    return Done()
