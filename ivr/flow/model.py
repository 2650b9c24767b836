"""What a flow file may hold: the schema of the flow language, version 1.

A flow is a set of named nodes. Each node's fields that are of type `Target` are its exits; `exits`
lists them for the checks, so a node added here is checked without further work. Every exit that a
live call can need is required, so a missing one is found when the file is read.

Times in files are seconds; in the objects too (`…_s`). Everything is frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from pbx.port import Cause

SCHEMA_VERSION = 1
MAX_NODES = 1_000

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
PROMPT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
QUEUE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
KEY_PATTERN = r"^[0-9*#]{1,4}$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$"

Target: TypeAlias = Annotated[str, Field(pattern=NAME_PATTERN)]
PromptId: TypeAlias = Annotated[str, Field(pattern=PROMPT_PATTERN)]
QueueName: TypeAlias = Annotated[str, Field(pattern=QUEUE_PATTERN)]
MenuKey: TypeAlias = Annotated[str, Field(pattern=KEY_PATTERN)]
Language: TypeAlias = Annotated[str, Field(pattern=LANGUAGE_PATTERN)]
Spoken: TypeAlias = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\w")]

# Tags by which pydantic chooses between forms of one value; they show up in its error paths.
_WORDS, _LANGUAGES, _RECORDED, _TEXT = FORM_TAGS = (
    "<words>",
    "<languages>",
    "<recorded>",
    "<text>",
)


def _text_form(value: Any) -> str:
    return _LANGUAGES if isinstance(value, dict) else _WORDS


SpokenTexts: TypeAlias = Annotated[
    Annotated[Spoken, Tag(_WORDS)]
    | Annotated[dict[Language, Spoken], Field(min_length=1), Tag(_LANGUAGES)],
    Discriminator(_text_form),
]
"""One text in the flow's language, or texts by language."""


class Part(BaseModel):
    """Anything in a flow: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recorded(Part):
    """A prompt of the prompt store, by its id."""

    prompt: PromptId


class Text(Part):
    """Words spoken by the speech engine: one text, or one for each language."""

    say: SpokenTexts

    def choose(self, language: str, default: str) -> tuple[str, str]:
        """Return (language, text) for a caller's language; `default` is the flow's own."""
        if isinstance(self.say, str):
            return default, self.say
        for candidate in (language, default):
            if candidate in self.say:
                return candidate, self.say[candidate]
        return next(iter(self.say.items()))


def _item_kind(value: Any) -> str:
    if isinstance(value, Text) or (isinstance(value, dict) and "say" in value):
        return _TEXT
    return _RECORDED


def _as_items(value: Any) -> Any:
    """Let `prompt: welcome` and `prompt: {say: …}` stand for lists of one."""
    items = value if isinstance(value, list | tuple) else [value]
    return [{"prompt": item} if isinstance(item, str) else item for item in items]


Item: TypeAlias = Recorded | Text
Items: TypeAlias = Annotated[
    tuple[
        Annotated[
            Annotated[Recorded, Tag(_RECORDED)] | Annotated[Text, Tag(_TEXT)],
            Discriminator(_item_kind),
        ],
        ...,
    ],
    BeforeValidator(_as_items),
    Field(min_length=1, max_length=20),
]


class _Node(Part):
    def exits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield each exit as (path of its field in the node, name of the node it leads to)."""
        yield from ()

    def audio(self) -> Iterator[tuple[tuple[str, ...], tuple[Item, ...]]]:
        """Yield what the node may let the caller hear as (path of its field, items)."""
        yield from ()


class _Spoken(_Node):
    barge_in: bool = True
    """Whether a key may cut it short. Then the key goes to the menu that follows, if one does."""
    next: Target

    def exits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        yield ("next",), self.next


class PlayNode(_Spoken):
    """Plays prompts."""

    type: Literal["play"]
    prompt: Items

    @property
    def items(self) -> tuple[Item, ...]:
        """What is heard."""
        return self.prompt

    def audio(self) -> Iterator[tuple[tuple[str, ...], tuple[Item, ...]]]:
        """See `_Node.audio`."""
        yield ("prompt",), self.prompt


class SayNode(_Spoken):
    """Speaks a text."""

    type: Literal["say"]
    text: SpokenTexts

    @property
    def items(self) -> tuple[Item, ...]:
        """What is heard."""
        return (Text(say=self.text),)

    def audio(self) -> Iterator[tuple[tuple[str, ...], tuple[Item, ...]]]:
        """See `_Node.audio`."""
        yield ("text",), self.items


class Retry(Part):
    """A menu's failure exit: what is said before each further try, and where it ends."""

    prompt: Items | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    next: Target


class MenuNode(_Node):
    """Plays prompts and takes one key (or a short code) of those listed."""

    type: Literal["menu"]
    prompt: Items
    keys: Annotated[dict[MenuKey, Target], Field(min_length=1, max_length=100)]
    invalid: Retry
    timeout: Retry
    first_digit_s: Annotated[float, Field(ge=0.5, le=60)] = 5.0
    """From the end of the prompt to the first key."""
    next_digit_s: Annotated[float, Field(ge=0.5, le=60)] = 3.0
    """Between keys, where codes have several."""

    def exits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """See `_Node.exits`."""
        for key, target in self.keys.items():
            yield ("keys", key), target
        yield ("invalid", "next"), self.invalid.next
        yield ("timeout", "next"), self.timeout.next

    def audio(self) -> Iterator[tuple[tuple[str, ...], tuple[Item, ...]]]:
        """See `_Node.audio`."""
        yield ("prompt",), self.prompt
        if self.invalid.prompt:
            yield ("invalid", "prompt"), self.invalid.prompt
        if self.timeout.prompt:
            yield ("timeout", "prompt"), self.timeout.prompt


class QueueNode(_Node):
    """Lets the caller wait in a queue for an agent."""

    type: Literal["queue"]
    queue: QueueName
    failed: Target
    """Where the caller goes when the queue cannot take them."""
    after: Target | None = None
    """Where the caller goes when the agent has hung up; without it the call ends."""

    def exits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """See `_Node.exits`."""
        yield ("failed",), self.failed
        if self.after is not None:
            yield ("after",), self.after


class GotoNode(_Node):
    """Goes on at another node."""

    type: Literal["goto"]
    next: Target

    def exits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """See `_Node.exits`."""
        yield ("next",), self.next


class HangupNode(_Node):
    """Ends the call."""

    type: Literal["hangup"]
    cause: Cause = Cause.NORMAL


Node: TypeAlias = PlayNode | SayNode | MenuNode | QueueNode | GotoNode | HangupNode

NODE_TYPES: dict[str, type[_Node]] = {
    "play": PlayNode,
    "say": SayNode,
    "menu": MenuNode,
    "queue": QueueNode,
    "goto": GotoNode,
    "hangup": HangupNode,
}


class FlowDocument(Part):
    """A whole flow file."""

    sala: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)]
    """The version of the flow language."""
    title: Annotated[str, Field(max_length=200)] = ""
    language: Language = "en"
    """The language of texts that name none, and of callers whose language is not known."""
    start: Target
    failed: Target | None = None
    """Where a caller goes when the flow itself breaks, such as by an endless loop; without it the
    call ends."""
    nodes: Annotated[
        dict[Target, Annotated[Node, Discriminator("type")]],
        Field(min_length=1, max_length=MAX_NODES),
    ]
