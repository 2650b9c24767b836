"""What flows need from outside beside the PBX, the floor and the prompts: one protocol each.

A `Services` holds those that there are; a node that needs one that is not there takes its failure
exit. Errors other than those told here, and time-outs, do so too. Nothing that a method is given
may be logged: it may be secret, or a phone number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ivr.flow.actions import AskCallback, Effect, Preferred, SendCode
from ivr.flow.expressions import Scalar
from ivr.flow.nodes import Http, RoutingStep


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller waits: the queue, and how they are to be routed in it."""

    queue: str
    priority: int = 0
    """A head start in seconds."""
    criteria: tuple[RoutingStep, ...] = ()
    preferred: tuple[Preferred, ...] = ()


class HttpLookups(Protocol):
    """JSON over HTTP from allow-listed hosts."""

    async def fetch(
        self,
        http: Http,
        query: Mapping[str, Scalar],
        body: Mapping[str, Scalar],
        *,
        timeout_ms: int,
    ) -> Mapping[str, object] | None:
        """Return the JSON object, or None when there is no such thing (404, 410).

        Raises ivr.errors.LookupFailed.
        """


class SqlLookups(Protocol):
    """Named queries."""

    async def row(
        self, query: str, values: Sequence[Scalar], *, timeout_ms: int
    ) -> Mapping[str, object] | None:
        """Return the first row, or None. Raises ivr.errors.LookupFailed."""


class CustomerRecord(Protocol):
    """The customer record."""

    async def find(
        self, interaction: str, kind: str, identity: str | None
    ) -> Mapping[str, object] | None:
        """Return a customer's fields by identity (None: the interaction's own customer)."""


class Verifier(Protocol):
    """Proves who somebody is. Counts tries, and codes sent, by subject, over all calls."""

    async def send_code(self, interaction: str, asked: SendCode) -> str:
        """Send a one-time code; return `sent`, `locked`, or `unknown` if there is no way.

        Raises ivr.errors.LookupFailed.
        """

    async def verify(self, method: str, subject: str, code: str) -> str:
        """Return `proved`, `wrong`, `locked` or `unknown`."""


class Callbacks(Protocol):
    """Promises of callbacks."""

    async def check(self, number: str) -> Mapping[str, object] | None:
        """Return `number` in E.164, and its `digits` as they are said.

        None: it may not be dialled.
        """

    async def waits(self, queue: str, number: str) -> Mapping[str, object] | None:
        """Return the open `callback` of a number, and its `place` in line; None: there is none."""

    async def times(self, queue: str, number: str) -> Mapping[str, object]:
        """Return the `times` that may be chosen (a tuple of pairs, in ms), and the `zone` they are
        said in."""

    async def promise(self, interaction: str, asked: AskCallback) -> bool:
        """Store a promise; return only when it is on disk.

        False: the number may not be dialled, or the time is taken. The place in line is the
        interaction's own; one that is in none gets what is asked for.
        """

    async def declined(self, interaction: str, queue: str) -> None:
        """Count a caller who was offered a callback and wanted none. Must not wait for disk."""

    async def change(self, callback: str, number: str) -> bool:
        """Have another number called; an empty one cancels the callback. False: it may not be."""


class Voicemail(Protocol):
    """Mailboxes."""

    async def keep(self, interaction: str, mailbox: str, recording: str, length_ms: int) -> None:
        """Leave a recording in a mailbox; return only when that is stored."""


class Gate(Protocol):
    """The dialling gate."""

    async def address(self, interaction: str, way: str, address: str) -> str | None:
        """Return what `pbx.port.Call.transfer` takes, or None if it may not be dialled.

        `way` is `number`, `sip` or `agent`. What passes is counted as dialled.
        """


class Webhooks(Protocol):
    """Services outside that steer flows."""

    async def ask(
        self,
        interaction: str,
        url: str,
        data: Mapping[str, Scalar],
        targets: Sequence[str],
        *,
        timeout_ms: int,
    ) -> str:
        """Return the target chosen. Raises ivr.errors.LookupFailed."""


class Notes(Protocol):
    """Takes what flows tell that nobody waits for. Must not block."""

    def ivr_told(self, interaction: str, effect: Effect) -> None:
        """A tag, an event, the caller's language, or a survey's answer."""


@dataclass(frozen=True, slots=True)
class Services:
    """Those there are."""

    http: HttpLookups | None = None
    sql: SqlLookups | None = None
    customers: CustomerRecord | None = None
    verifier: Verifier | None = None
    callbacks: Callbacks | None = None
    voicemail: Voicemail | None = None
    gate: Gate | None = None
    webhooks: Webhooks | None = None
    notes: Notes | None = None
