"""Events as journal entries: a kind and a plain dict that any JSON library writes.

An entry holds every field under its own name, enums by value, so that a journal reads by itself.
Reading fills a field that an older entry lacks with the event's default and refuses what it does
not know. The writing side is on the live path: one function for each kind, nothing generic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import codec_values as values, events as ev
from .criteria import ANYONE
from .errors import JournalError

Entry = dict[str, Any]


def to_entry(event: ev.Event) -> tuple[str, Entry]:
    """Return the event's kind and its fields as strings, integers, booleans, lists and dicts."""
    kind, write = _WRITERS[type(event)]
    return kind, write(event)


def from_entry(kind: str, entry: Mapping[str, Any]) -> ev.Event:
    """Return the event that `to_entry` wrote. Raises `JournalError` for anything else."""
    read = _READERS.get(kind)
    if read is None:
        raise JournalError(f"journal entry of unknown kind {kind!r}")
    try:
        return read(**entry)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise JournalError(f"journal entry of kind {kind!r} cannot be read: {error}") from error


# --- writing ---------------------------------------------------------------------------------


def _write_config(event: ev.ConfigChanged) -> Entry:
    written: Entry = values.write(event.config)
    return written


def _write_arrived(event: ev.Arrived) -> Entry:
    entry = {
        "interaction": event.interaction,
        "queue": event.queue,
        "entered": event.entered,
        "priority": event.priority,
        "channel": event.channel.value,
        "criteria": None if event.criteria == ANYONE else values.write(event.criteria),
        "steps": [values.write(step) for step in event.steps],
        "tier": event.tier,
        "began": event.began,
        "rejoins": event.rejoins,
    }
    if event.dropped:
        entry["dropped"] = list(event.dropped)
    if event.done:
        entry["done"] = [values.write(one) for one in event.done]
    if event.step is not None:
        entry |= {"step": event.step, "stepped": list(event.stepped), "skipped": event.skipped}
    return entry


def _write_left(event: ev.Left) -> Entry:
    return {"interaction": event.interaction, "reason": event.reason.value}


def _write_agent_wants(event: ev.AgentWants) -> Entry:
    return {"agent": event.agent, "wanted": event.wanted.value, "reason": event.reason}


def _write_agent_reachable(event: ev.AgentReachable) -> Entry:
    return {"agent": event.agent, "reachable": event.reachable}


def _write_offer_accepted(event: ev.OfferAccepted) -> Entry:
    return {"offer": event.offer}


def _write_offer_failed(event: ev.OfferFailed) -> Entry:
    return {"offer": event.offer, "failure": event.failure.value}


def _write_ended(event: ev.Ended) -> Entry:
    return {"interaction": event.interaction, "agent": event.agent}


def _write_wrap_up_done(event: ev.WrapUpDone) -> Entry:
    return {"agent": event.agent, "interaction": event.interaction}


def _write_transferred(event: ev.Transferred) -> Entry:
    return {
        "interaction": event.interaction,
        "agent": event.agent,
        "arrived": _write_arrived(event.arrived),
    }


def _write_agent_busy(event: ev.AgentBusy) -> Entry:
    return {
        "agent": event.agent,
        "what": event.what,
        "channel": event.channel.value,
        "until": event.until,
    }


def _write_agent_free_again(event: ev.AgentFreeAgain) -> Entry:
    return {"agent": event.agent, "what": event.what, "wrap_up_ms": event.wrap_up_ms}


def _write_handed_over(event: ev.HandedOver) -> Entry:
    return {
        "interaction": event.interaction,
        "agent": event.agent,
        "to": event.to,
        "replaces": event.replaces,
    }


def _write_queue_opened(event: ev.QueueOpened) -> Entry:
    return {"queue": event.queue}


def _write_queue_closed(event: ev.QueueClosed) -> Entry:
    return {"queue": event.queue, "reason": event.reason}


def _write_adopted(event: ev.Adopted) -> Entry:
    return {
        "interaction": event.interaction,
        "queue": event.queue,
        "entered": event.entered,
        "agent": event.agent,
        "offer": event.offer,
        "answered": event.answered,
        "priority": event.priority,
        "channel": event.channel.value,
    }


def _write_agent_restored(event: ev.AgentRestored) -> Entry:
    return {
        "agent": event.agent,
        "wanted": event.wanted.value,
        "reason": event.reason,
        "reachable": event.reachable,
        "idle_since": event.idle_since,
        "wrap_up_until": event.wrap_up_until,
        "contacts_today": event.contacts_today,
        "busy_today": event.busy_today,
    }


def _write_nothing(event: ev.TimePassed | ev.DayStarted) -> Entry:
    return {}


def _write_batch(event: ev.Batch) -> Entry:
    return {"events": [list(to_entry(one)) for one in event.events]}


_WRITERS: dict[type[Any], tuple[str, Callable[[Any], Entry]]] = {
    ev.ConfigChanged: ("config_changed", _write_config),
    ev.Arrived: ("arrived", _write_arrived),
    ev.Left: ("left", _write_left),
    ev.AgentWants: ("agent_wants", _write_agent_wants),
    ev.AgentReachable: ("agent_reachable", _write_agent_reachable),
    ev.OfferAccepted: ("offer_accepted", _write_offer_accepted),
    ev.OfferFailed: ("offer_failed", _write_offer_failed),
    ev.Ended: ("ended", _write_ended),
    ev.WrapUpDone: ("wrap_up_done", _write_wrap_up_done),
    ev.Transferred: ("transferred", _write_transferred),
    ev.AgentBusy: ("agent_busy", _write_agent_busy),
    ev.AgentFreeAgain: ("agent_free_again", _write_agent_free_again),
    ev.HandedOver: ("handed_over", _write_handed_over),
    ev.QueueOpened: ("queue_opened", _write_queue_opened),
    ev.QueueClosed: ("queue_closed", _write_queue_closed),
    ev.DayStarted: ("day_started", _write_nothing),
    ev.Adopted: ("adopted", _write_adopted),
    ev.AgentRestored: ("agent_restored", _write_agent_restored),
    ev.TimePassed: ("time_passed", _write_nothing),
    ev.Batch: ("batch", _write_batch),
}


# --- reading ---------------------------------------------------------------------------------


def _read_config(queues: list[Entry], agents: list[Entry], **fields: Any) -> ev.ConfigChanged:
    return ev.ConfigChanged(values.configuration({"queues": queues, "agents": agents, **fields}))


def _read_arrived(
    channel: str = ev.Channel.VOICE,
    criteria: Entry | None = None,
    steps: list[Entry] | tuple[()] = (),
    dropped: list[str] | tuple[()] = (),
    done: list[Entry] | tuple[()] = (),
    stepped: list[int] | tuple[()] = (),
    **fields: Any,
) -> ev.Arrived:
    return ev.Arrived(
        channel=ev.Channel(channel),
        criteria=ANYONE if criteria is None else values.criteria(criteria),
        steps=tuple(values.step(step) for step in steps),
        dropped=tuple(dropped),
        done=tuple(ev.Done(**{**one, "recipe": values.recipe(one["recipe"])}) for one in done),
        stepped=tuple(stepped),
        **fields,
    )


def _read_transferred(arrived: Entry, **fields: Any) -> ev.Transferred:
    return ev.Transferred(arrived=_read_arrived(**arrived), **fields)


def _read_agent_busy(channel: str = ev.Channel.VOICE, **fields: Any) -> ev.AgentBusy:
    return ev.AgentBusy(channel=ev.Channel(channel), **fields)


def _read_left(reason: str = ev.LeaveReason.ABANDONED, **fields: Any) -> ev.Left:
    return ev.Left(reason=ev.LeaveReason(reason), **fields)


def _read_agent_wants(wanted: str, **fields: Any) -> ev.AgentWants:
    return ev.AgentWants(wanted=ev.Wanted(wanted), **fields)


def _read_offer_failed(failure: str, **fields: Any) -> ev.OfferFailed:
    return ev.OfferFailed(failure=ev.Failure(failure), **fields)


def _read_adopted(channel: str = ev.Channel.VOICE, **fields: Any) -> ev.Adopted:
    return ev.Adopted(channel=ev.Channel(channel), **fields)


def _read_agent_restored(wanted: str, **fields: Any) -> ev.AgentRestored:
    return ev.AgentRestored(wanted=ev.Wanted(wanted), **fields)


def _read_batch(events: list[tuple[str, Entry]]) -> ev.Batch:
    return ev.Batch(tuple(from_entry(kind, entry) for kind, entry in events))


_READERS: dict[str, Callable[..., ev.Event]] = {
    "config_changed": _read_config,
    "arrived": _read_arrived,
    "left": _read_left,
    "agent_wants": _read_agent_wants,
    "agent_reachable": ev.AgentReachable,
    "offer_accepted": ev.OfferAccepted,
    "offer_failed": _read_offer_failed,
    "ended": ev.Ended,
    "wrap_up_done": ev.WrapUpDone,
    "transferred": _read_transferred,
    "agent_busy": _read_agent_busy,
    "agent_free_again": ev.AgentFreeAgain,
    "handed_over": ev.HandedOver,
    "queue_opened": ev.QueueOpened,
    "queue_closed": ev.QueueClosed,
    "day_started": ev.DayStarted,
    "adopted": _read_adopted,
    "agent_restored": _read_agent_restored,
    "time_passed": ev.TimePassed,
    "batch": _read_batch,
}
