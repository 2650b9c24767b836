"""What is known of the world around a flow when it is checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from crm.calendars import Calendar
from ivr.flow.load import Flow
from ivr.flow.problems import Problem


@dataclass(frozen=True, slots=True)
class Skilled:
    """An agent: the queues they serve, and their level in each skill."""

    queues: Collection[str]
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the world around a flow; None means not known, so not checked."""

    queues: Collection[str] | None = None
    prompts: Mapping[str, Collection[str]] | None = None
    """By language, the ids of the prompts that can be heard in it."""
    calendars: Mapping[str, Calendar] | None = None
    queue_hours: Mapping[str, Calendar] = field(default_factory=dict)
    """By queue, the calendar of those that close."""
    agents: Collection[Skilled] | None = None
    flows: Mapping[str, Flow] | None = None
    """By alias, the flows that subflows may name."""
    hosts: Collection[str] | None = None
    """Hosts that look-ups and webhooks may go to, as `host` or `host:port`."""
    queries: Collection[str] | None = None
    """Named queries that look-ups may run."""
    mailboxes: Collection[str] | None = None
    refuses: Callable[[str], str | None] | None = None
    """The dialling gate: why a number may not be dialled, or None."""
    refuses_sip: Callable[[str], str | None] | None = None
    """Likewise of a SIP address."""
    recorded: bool = False
    """Whether the dialplan records calls before a flow has them."""


Check: TypeAlias = Callable[[Flow, Context], Iterator[Problem]]
