"""Nodes that need somebody outside: data, proof, agents, other numbers, services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from ivr.flow.nodes.base import Node, exactly_one
from ivr.flow.parts import (
    Expression,
    Items,
    MenuKey,
    Part,
    QueueName,
    Retry,
    Seconds,
    Target,
    ValueType,
    Variable,
    Word,
)

SipAddress: TypeAlias = Annotated[
    str, Field(pattern=r"^sip:[^\s@;?<>]+@[A-Za-z0-9.:\[\]-]+$", max_length=200)
]
Url: TypeAlias = Annotated[str, Field(pattern=r"^https?://[^\s/?#{}@]+(/\S*)?$", max_length=500)]


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
        exactly_one(self, "http", "sql", "customer")
        return self


class SendBy(Part):
    """How a one-time code is sent: by a service on an allow-listed host. The request is signed.

    The service is posted `{interaction, subject, code, data}` as JSON, and answers with a JSON
    object, or with 404 or 410 when there is no way to reach the subject.
    """

    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"data": "any"}

    url: Url
    data: dict[Variable, Expression] = Field(default_factory=dict, max_length=20)
    """What the service needs besides, such as a number or a language."""
    timeout_s: Annotated[float, Field(ge=0.1, le=20)] = 5.0


class IdentifyNode(Node):
    """Proves who calls, by a PIN or by a code sent to them. Tries count across calls."""

    EXITS = ("next", "refused", "locked", "unknown", "failed", "timeout")
    AUDIO = ("prompt", "wrong", "timeout")
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"subject": "string", "send": ""}
    ASKS_DIGITS = True

    type: Literal["identify"]
    method: Literal["pin", "otp"] = "pin"
    send: SendBy | None = None
    """By what a one-time code (`method: otp`) is sent."""
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
    """Wrong too often across calls, or too many codes sent: nothing is accepted for a while."""
    unknown: Target
    """Nothing is on record by which they could be proved, or no way to send them a code."""
    timeout: Retry
    failed: Target
    first_digit_s: Seconds = 10.0
    next_digit_s: Seconds = 5.0

    @model_validator(mode="after")
    def _a_way_to_send(self) -> Self:
        if (self.method == "otp") != (self.send is not None):
            raise ValueError("needs `send` with `method: otp`, and no other")
        return self


class RoutingStep(Part):
    """Skills with the least level of each, all needed, and how long they are insisted on."""

    skills: Annotated[dict[Word, Annotated[int, Field(ge=1, le=5)]], Field(max_length=20)]
    for_s: Annotated[float, Field(ge=1, le=86_400)] | None = None
    """Then the next step holds; None: for good."""


class Prefer(Part):
    """An agent who is asked before all others: the last one spoken to, or an account's owner."""

    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"agent": "string"}

    last_agent: bool = False
    agent: Expression | None = None
    """Whose value is the agent's id; empty: nobody."""
    for_s: Annotated[float, Field(ge=1, le=86_400)] = 20.0
    absent: Literal["skip", "wait"] = "skip"
    """Whether the others are asked at once while that agent is logged out, paused or away."""

    @model_validator(mode="after")
    def _one_agent(self) -> Self:
        if self.last_agent == (self.agent is not None):
            raise ValueError("needs either `last_agent: true` or `agent`")
        return self


class QueueNode(Node):
    """Lets the caller wait in a queue for an agent."""

    EXITS = ("failed", "after", "keys", "turned_away")
    AUDIO = ("comfort",)
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"priority": "int", "prefer": ""}

    type: Literal["queue"]
    queue: QueueName
    prefer: Annotated[tuple[Prefer, ...], Field(max_length=5)] = ()
    """Agents who are asked first, one after the other, whatever queues they serve."""
    criteria: tuple[RoutingStep, ...] = Field(default=(), max_length=20)
    priority: Expression | None = None
    """A head start in seconds."""
    music: Word = "default"
    comfort: Items | None = None
    """Said now and then to who waits, in place of the house's own words."""
    keys: dict[MenuKey, Target] = Field(default_factory=dict, max_length=12)
    """Keys by which a waiting caller leaves the queue, and where they go."""
    turned_away: dict[Word, Target] = Field(default_factory=dict, max_length=20)
    """Where the caller goes whom the queue does not take, or not any longer, by why: `closed`,
    `full`, `empty`, `max_wait`, `voicemail`, or a reason of the queue's own."""
    failed: Target
    """Where the caller goes for any other reason, and when there is no such queue."""
    after: Target | None = None
    """Where the caller goes when the agent has hung up; without it the call ends."""


class CallbackNode(Node):
    """Offers to call back: one key accepts, another declines.

    The number is said back digit by digit; another may be typed in, and must be where it is
    withheld. Who has an open callback in the queue is told their place, and may keep it, change the
    number or cancel.
    """

    EXITS = ("accepted", "declined", "failed", "unstored")
    AUDIO = ("prompt",)
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {"number": "string", "priority": "int", "prefer": ""}
    ASKS_DIGITS = True

    type: Literal["callback"]
    queue: QueueName
    prompt: Items
    number: Expression = "caller.number"
    accept: MenuKey = "1"
    decline: MenuKey = "2"
    tries: Annotated[int, Field(ge=1, le=5)] = 2
    first_digit_s: Seconds = 5.0
    confirm: bool = True
    """Whether the number is said back."""
    typed: bool = True
    """Whether another number may be typed in."""
    when: Literal["turn", "opening", "chosen"] = "turn"
    """When they are called: in their turn, from when the queue opens, or at a time they choose."""
    prefer: Annotated[tuple[Prefer, ...], Field(max_length=5)] = ()
    """As of a queue node; so too the next ones."""
    criteria: tuple[RoutingStep, ...] = Field(default=(), max_length=20)
    priority: Expression | None = None
    accepted: Target
    """Only once the promise is stored."""
    declined: Target
    """Also who keys nothing, or cancels the callback they had."""
    failed: Target
    """No number that may be dialled, or no time that is free."""
    unstored: Target | None = None
    """Where the caller goes when the promise cannot be stored, such as a queue; else `failed`."""


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
        exactly_one(self, "number", "sip", "agent")
        return self


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
