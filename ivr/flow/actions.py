"""What the interpreter asks for; `ivr.flow.outcomes` has what it is told then.

Every action bears the node it belongs to; `path`: the nodes entered since the action before; and
`effects`: what the flow told on the way that nobody waits for. So whoever drives a flow can note a
caller's way without asking. Nodes of a subflow are named `<subflow node>.<node>`.

Times are milliseconds. What is secret is marked so, and must reach no log, journal or carried fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ivr.flow.expressions import Scalar
from ivr.flow.nodes import Http, RoutingStep
from ivr.flow.parts import Recorded, Text
from pbx.port import Cause


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text with its values in words: pieces, each of which was rendered ahead of time."""

    language: str
    pieces: tuple[str, ...]


Heard: TypeAlias = Recorded | Text | Phrase
"""What a caller is to hear. A `Text` holds no values."""


# --- what nobody waits for -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tagged:
    """The interaction bears a tag from now on."""

    name: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Raised:
    """The world outside is told."""

    event: str
    data: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class LanguageKept:
    """The customer's record gets the caller's language."""

    language: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A survey's question was answered by a key."""

    survey: str
    question: str
    answer: str


Effect: TypeAlias = Tagged | Raised | LanguageKept | Answered


# --- actions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What all actions have."""

    node: str = ""
    path: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Play(Asked):
    """Let the caller hear all items; no key interrupts. Answer with `Played`."""

    items: tuple[Heard, ...] = ()
    language: str = ""
    keep: bool = False
    """Whether keys pressed meanwhile, or before, are for what takes digits next."""


@dataclass(frozen=True, slots=True)
class Collect(Asked):
    """Let the caller hear the items and key digits, which cut the items short.

    Answer with `Keyed`. The meaning of times is that of `pbx.port.Call.collect`.
    """

    items: tuple[Heard, ...] = ()
    language: str = ""
    max_digits: int = 1
    first_ms: int = 5_000
    next_ms: int = 3_000
    terminators: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class RecordVoice(Asked):
    """Record the caller; answer with `Spoke`."""

    max_ms: int = 0
    silence_ms: int = 0
    terminators: str = "#"


@dataclass(frozen=True, slots=True)
class KeepVoicemail(Asked):
    """Leave a recording in a mailbox, durably; answer with `Done`."""

    mailbox: str = ""
    recording: str = ""
    length_ms: int = 0


@dataclass(frozen=True, slots=True)
class LookUpHttp(Asked):
    """Fetch a JSON document; answer with `Found` or `NotFound`."""

    http: Http | None = None
    query: Mapping[str, Scalar] = field(default_factory=dict)
    body: Mapping[str, Scalar] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 3_000


@dataclass(frozen=True, slots=True)
class LookUpSql(Asked):
    """Run a named query; answer with `Found` (its first row) or `NotFound`."""

    query: str = ""
    values: tuple[Scalar, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 3_000


@dataclass(frozen=True, slots=True)
class LookUpCustomer(Asked):
    """Read a customer's record; answer with `Found` or `NotFound`. No identity: the caller's."""

    kind: str = "phone"
    identity: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 3_000


@dataclass(frozen=True, slots=True)
class SendCode(Asked):
    """Send a one-time code to the subject.

    Answer with `Done`, with `Refused` if there is no way, or with `Verdict("locked")`.
    """

    subject: str = ""
    digits: int = 6
    url: str = ""
    data: Mapping[str, Scalar] = field(default_factory=dict)
    timeout_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Verify(Asked):
    """Check a PIN or one-time code; answer with `Verdict`. The code is secret."""

    method: str = "pin"
    subject: str = ""
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Preferred:
    """An agent who is asked before the others: by name, or the last one the caller spoke to."""

    agent: str
    """Empty: the last one."""
    for_ms: int
    skip: bool
    """Whether the next is asked at once if this one is not there."""


@dataclass(frozen=True, slots=True)
class EnterQueue(Asked):
    """Let the caller wait for an agent.

    Answer with `Talked` when the agent has hung up, or with `Refused` and the reason when the queue
    does not take the caller, or not any longer.

    `resumes` tells whether the flow is needed again: after the talk, or while waiting.
    """

    queue: str = ""
    resumes: bool = False
    priority: int = 0
    """A head start in seconds."""
    preferred: tuple[Preferred, ...] = ()
    criteria: tuple[RoutingStep, ...] = ()
    music: str = "default"


@dataclass(frozen=True, slots=True)
class FindCallback(Asked):
    """Look for a number's open callback in a queue; answer with `Found` or `NotFound`.

    `Found` holds `callback`, its id, and its `place` in line.
    """

    queue: str = ""
    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CheckNumber(Asked):
    """Ask whether a number may be called back; answer with `Found` or `NotFound`.

    `Found` holds `number` in E.164 and the `digits` by which people say it.
    """

    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OfferTimes(Asked):
    """Ask which times are free; answer with `Found`: `times` (pairs in ms), and their `zone`."""

    queue: str = ""
    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AskCallback(Asked):
    """Promise a callback, durably; answer with `Done` or `Refused`.

    `due_ms` is the time that was chosen, `told_ms` the latest the caller was told.
    """

    queue: str = ""
    number: str = field(default="", repr=False)
    language: str = ""
    due_ms: int | None = None
    told_ms: int | None = None
    opening: bool = False
    """Whether it is for when the queue opens."""
    priority: int = 0
    """A head start in seconds."""
    preferred: tuple[Preferred, ...] = ()
    criteria: tuple[RoutingStep, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclineCallback(Asked):
    """Count a caller who was offered a callback and wanted none; answer with `Done`."""

    queue: str = ""


@dataclass(frozen=True, slots=True)
class ChangeCallback(Asked):
    """Have another number called; an empty one cancels. Answer with `Done` or `Refused`."""

    callback: str = ""
    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Transfer(Asked):
    """Send the caller on: `way` is `number`, `sip` or `agent`. Answer with `Refused` if not so."""

    way: str = ""
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AskWebhook(Asked):
    """Ask a service which of `targets` comes next; answer with `Directed`."""

    url: str = ""
    data: Mapping[str, Scalar] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    timeout_ms: int = 3_000


@dataclass(frozen=True, slots=True)
class HangUp(Asked):
    """End the call. Nothing follows."""

    cause: Cause = Cause.NORMAL


@dataclass(frozen=True, slots=True)
class Ended(Asked):
    """The caller is gone, or was sent on; nothing is to be done and nothing follows."""


Action: TypeAlias = (
    Play
    | Collect
    | RecordVoice
    | KeepVoicemail
    | LookUpHttp
    | LookUpSql
    | LookUpCustomer
    | SendCode
    | Verify
    | EnterQueue
    | FindCallback
    | CheckNumber
    | OfferTimes
    | AskCallback
    | DeclineCallback
    | ChangeCallback
    | Transfer
    | AskWebhook
    | HangUp
    | Ended
)
