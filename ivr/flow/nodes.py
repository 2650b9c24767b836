"""The nodes of the flow language, version 1.

Every exit that a live call can need is required, so a missing one is found when the file is read.
Times in files are seconds; in the objects too (`…_s`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ivr.flow.parts import (
    DIGITS_PATTERN,
    Expression,
    Items,
    Language,
    MenuKey,
    Part,
    Path,
    QueueName,
    Retry,
    Seconds,
    SpokenTexts,
    Target,
    Text,
    ValueType,
    Variable,
    Word,
)
from pbx.port import Cause

Terminator: TypeAlias = Annotated[str, Field(pattern=DIGITS_PATTERN, max_length=2)]
SipAddress: TypeAlias = Annotated[
    str, Field(pattern=r"^sips?:[^\s@;?<>]+@[A-Za-z0-9.:\[\]-]+$", max_length=200)
]
Url: TypeAlias = Annotated[str, Field(pattern=r"^https?://[^\s/?#{}@]+(/\S*)?$", max_length=500)]


class Node(Part):
    """A step of a flow."""

    ASKS_DIGITS: ClassVar[bool] = False
    """Whether it begins by taking digits: then a key pressed before it counts."""
    SILENT: ClassVar[bool] = False
    """Whether it needs nothing from outside, so that what is to be heard goes on gathering."""


def _exactly_one(part: Part, *fields: str) -> None:
    if sum(getattr(part, field) is not None for field in fields) != 1:
        raise PydanticCustomError("one_of", "{fields}", {"fields": ", ".join(fields)})


class _Spoken(Node):
    EXITS = ("next", "failed")

    barge_in: bool = True
    """Whether a key may cut it short. Then the key goes to the menu that follows, if one does."""
    next: Target
    failed: Target | None = None
    """Where the caller goes when a value in its text cannot be said; needed if there is one."""


class PlayNode(_Spoken):
    """Plays prompts."""

    AUDIO = ("prompt",)

    type: Literal["play"]
    prompt: Items

    @property
    def items(self) -> Items:
        """What is heard."""
        return self.prompt


class SayNode(_Spoken):
    """Speaks a text."""

    type: Literal["say"]
    text: SpokenTexts

    @property
    def items(self) -> Items:
        """What is heard."""
        return (Text(say=self.text),)

    def audio(self) -> Iterator[tuple[Path, Items]]:
        """See `Part.audio`."""
        yield ("text",), self.items


class MenuNode(Node):
    """Plays prompts and takes one key (or a short code) of those listed."""

    EXITS = ("keys", "invalid", "timeout")
    AUDIO = ("prompt", "invalid", "timeout")
    ASKS_DIGITS = True

    type: Literal["menu"]
    prompt: Items
    keys: Annotated[dict[MenuKey, Target], Field(min_length=1, max_length=100)]
    invalid: Retry
    timeout: Retry
    first_digit_s: Seconds = 5.0
    """From the end of the prompt to the first key."""
    next_digit_s: Seconds = 3.0
    """Between keys, where codes have several."""


class CollectNode(Node):
    """Takes digits into a variable; they must fit length, pattern and checksum."""

    EXITS = ("next", "invalid", "timeout")
    AUDIO = ("prompt", "invalid", "timeout")
    ASKS_DIGITS = True

    type: Literal["collect"]
    prompt: Items
    into: Variable
    min_digits: Annotated[int, Field(ge=1, le=32)] = 1
    max_digits: Annotated[int, Field(ge=1, le=32)]
    terminator: Terminator = "#"
    pattern: Annotated[str, Field(max_length=200)] | None = None
    """A regular expression (RE2) that the digits as a whole must match."""
    checksum: Literal["luhn"] | None = None
    """Luhn: ISO/IEC 7812-1, annex B, as on bank cards."""
    secret: bool = False
    next: Target
    invalid: Retry
    timeout: Retry
    first_digit_s: Seconds = 7.0
    next_digit_s: Seconds = 4.0


class Review(Part):
    """Lets a caller judge a recording: keys to keep it or to speak again."""

    AUDIO = ("prompt",)

    prompt: Items
    accept: MenuKey = "1"
    again: MenuKey = "2"
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    """How often they may speak; the last is kept."""


class _Recording(Node):
    AUDIO = ("prompt", "review")
    EXITS = ("next", "empty", "failed")

    prompt: Items | None = None
    max_s: Annotated[float, Field(ge=1, le=3_600)] = 120.0
    min_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """A shorter one counts as nothing said."""
    silence_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    """Silence that ends it; 0: none does."""
    terminator: Terminator = "#"
    review: Review | None = None
    next: Target
    empty: Target
    """Where the caller goes who said nothing."""
    failed: Target


class RecordNode(_Recording):
    """Records the caller; the recording's name goes into a variable."""

    type: Literal["record"]
    into: Variable


class VoicemailNode(_Recording):
    """Records a message and leaves it in a mailbox."""

    type: Literal["voicemail"]
    mailbox: Word


class Case(Part):
    """One condition of a branch."""

    EXITS = ("next",)
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"when": "bool"}

    when: Expression
    next: Target


class BranchNode(Node):
    """Goes the way of the first condition that holds."""

    EXITS = ("cases", "otherwise", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"cases": ""}
    SILENT = True

    type: Literal["branch"]
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=50)]
    otherwise: Target
    failed: Target


class SetNode(Node):
    """Sets variables."""

    EXITS = ("next", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"values": "any"}
    SILENT = True

    type: Literal["set"]
    values: Annotated[dict[Variable, Expression], Field(min_length=1, max_length=50)]
    next: Target
    failed: Target


class HoursNode(Node):
    """Goes the way of a calendar: open, closed, or a holiday."""

    EXITS = ("open", "closed", "holiday", "failed")
    SILENT = True

    type: Literal["hours"]
    calendar: Word
    open: Target
    closed: Target
    holiday: Target | None = None
    """Without it a holiday is closed."""
    failed: Target


class Http(Part):
    """A JSON document from an allow-listed host."""

    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"query": "any", "body": "any"}

    url: Url
    method: Literal["GET", "POST"] = "GET"
    query: dict[Word, Expression] = Field(default_factory=dict, max_length=20)
    body: dict[Word, Expression] = Field(default_factory=dict, max_length=20)
    """What a POST sends, as one JSON object."""
    retries: Annotated[int, Field(ge=0, le=3)] = 1


class Sql(Part):
    """One row of a named query."""

    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"values": "any"}

    query: Variable
    values: tuple[Expression, ...] = Field(default=(), max_length=10)


class Record(Part):
    """The customer with an identity; without one, the caller's own record."""

    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"identity": "string"}

    kind: Variable = "phone"
    identity: Expression | None = None


class LookupNode(Node):
    """Asks for data; each of `fields` becomes a variable `<into>.<field>`."""

    EXITS = ("next", "missing", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"http": "", "sql": "", "customer": ""}

    type: Literal["lookup"]
    http: Http | None = None
    sql: Sql | None = None
    customer: Record | None = None
    into: Variable
    fields: Annotated[dict[Variable, ValueType], Field(min_length=1, max_length=50)]
    timeout_s: Annotated[float, Field(ge=0.1, le=20)] = 3.0
    """For everything, tries again included: what the caller waits at most."""
    next: Target
    missing: Target
    """Where the caller goes when there is no such thing (404, no row, no customer)."""
    failed: Target

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one(self, "http", "sql", "customer")
        return self


class IdentifyNode(Node):
    """Proves who calls, by a PIN or by a code sent to them. Tries count across calls."""

    EXITS = ("next", "refused", "locked", "unknown", "failed", "timeout")
    AUDIO = ("prompt", "wrong", "timeout")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"subject": "string"}
    ASKS_DIGITS = True

    type: Literal["identify"]
    method: Literal["pin", "otp"] = "pin"
    subject: Expression = "customer.id"
    """Who is to be proved."""
    prompt: Items
    wrong: Items | None = None
    """Said after a wrong code, before the next try."""
    digits: Annotated[int, Field(ge=3, le=12)] = 4
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    """In this call; across calls the verifier's own limit holds."""
    next: Target
    refused: Target
    """Wrong too often in this call."""
    locked: Target
    """Wrong too often across calls: nothing is accepted for a while."""
    unknown: Target
    """Nothing is on record by which they could be proved."""
    timeout: Retry
    failed: Target
    first_digit_s: Seconds = 10.0
    next_digit_s: Seconds = 5.0


class LanguageNode(Node):
    """Sets the caller's language, and keeps it on their record."""

    EXITS = ("next",)
    SILENT = True

    type: Literal["language"]
    language: Language
    keep: bool = True
    next: Target


class RoutingStep(Part):
    """Skills with the least level of each, all needed, and how long they are insisted on."""

    skills: Annotated[dict[Word, Annotated[int, Field(ge=1, le=5)]], Field(max_length=20)]
    for_s: Annotated[float, Field(ge=1, le=86_400)] | None = None
    """Then the next step holds; None: for good."""


class QueueNode(Node):
    """Lets the caller wait in a queue for an agent."""

    EXITS = ("failed", "after", "keys")
    AUDIO = ("comfort",)
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"priority": "int"}

    type: Literal["queue"]
    queue: QueueName
    criteria: tuple[RoutingStep, ...] = Field(default=(), max_length=20)
    priority: Expression | None = None
    music: Word = "default"
    comfort: Items | None = None
    """Said now and then to who waits, in place of the house's own words."""
    keys: dict[MenuKey, Target] = Field(default_factory=dict, max_length=12)
    """Keys by which a waiting caller leaves the queue, and where they go."""
    failed: Target
    """Where the caller goes when the queue cannot take them."""
    after: Target | None = None
    """Where the caller goes when the agent has hung up; without it the call ends."""


class CallbackNode(Node):
    """Offers to call back: one key accepts, another declines."""

    EXITS = ("accepted", "declined", "failed")
    AUDIO = ("prompt",)
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"number": "string"}
    ASKS_DIGITS = True

    type: Literal["callback"]
    queue: QueueName
    prompt: Items
    number: Expression = "caller.number"
    accept: MenuKey = "1"
    decline: MenuKey = "2"
    tries: Annotated[int, Field(ge=1, le=5)] = 2
    first_digit_s: Seconds = 5.0
    accepted: Target
    """Only once the promise is stored."""
    declined: Target
    """Also who keys nothing."""
    failed: Target
    """No number that may be dialled, or the promise cannot be stored."""


class TransferNode(Node):
    """Sends the caller on: to a number through the dialling gate, a SIP address, an agent."""

    EXITS = ("failed",)
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"number": "string"}

    type: Literal["transfer"]
    number: Expression | None = None
    sip: SipAddress | None = None
    agent: Word | None = None
    failed: Target

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _exactly_one(self, "number", "sip", "agent")
        return self


class Question(Part):
    """One question of a survey, answered by one key of `keys`."""

    AUDIO = ("prompt",)

    prompt: Items
    keys: Annotated[str, Field(pattern=r"^[0-9]+$", max_length=10)] = "12345"


class SurveyNode(Node):
    """Asks questions and keeps the answers; who does not answer is asked the next."""

    EXITS = ("next", "unanswered")
    AUDIO = ("questions", "invalid")
    ASKS_DIGITS = True

    type: Literal["survey"]
    survey: Word
    questions: Annotated[dict[Variable, Question], Field(min_length=1, max_length=20)]
    invalid: Items | None = None
    tries: Annotated[int, Field(ge=1, le=5)] = 2
    first_digit_s: Seconds = 6.0
    next: Target
    unanswered: Target
    """Where the caller goes who answered nothing at all."""


class TagNode(Node):
    """Marks the interaction, for reports and routing."""

    EXITS = ("next", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"tags": "any"}
    SILENT = True

    type: Literal["tag"]
    tags: Annotated[dict[Variable, Expression], Field(min_length=1, max_length=20)]
    next: Target
    failed: Target


class EventNode(Node):
    """Tells the world outside; nobody waits for an answer."""

    EXITS = ("next", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"data": "any"}
    SILENT = True

    type: Literal["event"]
    event: Word
    data: dict[Variable, Expression] = Field(default_factory=dict, max_length=20)
    next: Target
    failed: Target


class WebhookNode(Node):
    """Lets a service outside choose the next node, among those listed. Requests are signed."""

    EXITS = ("targets", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"data": "any"}

    type: Literal["webhook"]
    url: Url
    data: dict[Variable, Expression] = Field(default_factory=dict, max_length=20)
    targets: Annotated[tuple[Target, ...], Field(min_length=1, max_length=50)]
    timeout_s: Annotated[float, Field(ge=0.1, le=20)] = 3.0
    failed: Target
    """Also for an answer that names none of `targets`."""


class SubflowNode(Node):
    """Runs another flow, with variables of its own, and goes on where its `return` says."""

    EXITS = ("returns", "failed")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"give": "any"}
    SILENT = True

    type: Literal["subflow"]
    flow: Target
    give: dict[Variable, Expression] = Field(default_factory=dict, max_length=50)
    """Variables of that flow, and what they are set to."""
    take: dict[Variable, Variable] = Field(default_factory=dict, max_length=50)
    """Variables of this flow, and those of that one they get their values from."""
    returns: Annotated[dict[Target, Target], Field(min_length=1, max_length=50)]
    """Exits of that flow, and where this one goes on behind each."""
    failed: Target


class ReturnNode(Node):
    """Ends a subflow by one of its exits; in a flow by itself it ends the call."""

    type: Literal["return"]
    exit: Target


class GotoNode(Node):
    """Goes on at another node."""

    EXITS = ("next",)
    SILENT = True

    type: Literal["goto"]
    next: Target


class HangupNode(Node):
    """Ends the call."""

    type: Literal["hangup"]
    cause: Cause = Cause.NORMAL


AnyNode: TypeAlias = (
    PlayNode
    | SayNode
    | MenuNode
    | CollectNode
    | RecordNode
    | BranchNode
    | SetNode
    | HoursNode
    | LookupNode
    | IdentifyNode
    | LanguageNode
    | QueueNode
    | CallbackNode
    | VoicemailNode
    | TransferNode
    | SurveyNode
    | TagNode
    | EventNode
    | WebhookNode
    | SubflowNode
    | ReturnNode
    | GotoNode
    | HangupNode
)

NODE_TYPES: dict[str, type[Node]] = {
    kind.model_fields["type"].annotation.__args__[0]: kind  # type: ignore[union-attr]
    for kind in AnyNode.__args__  # type: ignore[attr-defined]
}

ENDS = (HangupNode, ReturnNode, TransferNode)
"""Nodes at which a caller's way through a flow can end; a queue is one too, if not `after`."""
