"""What nodes are made of: names, prompts, texts, expressions, retries.

A part tells by three class variables which of its fields are exits, audio and expressions; `exits`,
`audio` and `expressions` walk them, through nested parts, lists and mappings. So a node added is
checked, drawn and covered without further work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
PROMPT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
QUEUE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
KEY_PATTERN = r"^[0-9*#]{1,4}$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$"
VARIABLE_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
DIGITS_PATTERN = r"^[0-9*#]*$"
MAX_EXPRESSION = 500

Path: TypeAlias = tuple[str | int, ...]

Target: TypeAlias = Annotated[str, Field(pattern=NAME_PATTERN)]
PromptId: TypeAlias = Annotated[str, Field(pattern=PROMPT_PATTERN)]
QueueName: TypeAlias = Annotated[str, Field(pattern=QUEUE_PATTERN)]
MenuKey: TypeAlias = Annotated[str, Field(pattern=KEY_PATTERN)]
Language: TypeAlias = Annotated[str, Field(pattern=LANGUAGE_PATTERN)]
Variable: TypeAlias = Annotated[str, Field(pattern=VARIABLE_PATTERN)]
Word: TypeAlias = Annotated[str, Field(pattern=QUEUE_PATTERN)]
Expression: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION)]
"""An expression of `ivr.flow.expressions`."""
Spoken: TypeAlias = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\w")]
Seconds: TypeAlias = Annotated[float, Field(ge=0.5, le=60)]
ValueType: TypeAlias = Literal["string", "int", "double", "bool", "secret"]
"""The type of a variable. A secret is a string that may be looked up and proved, never told."""

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
"""One text in the flow's language, or texts by language. Either may hold values: see `texts`."""


class Part(BaseModel):
    """Anything in a flow: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    EXITS: ClassVar[tuple[str, ...]] = ()
    AUDIO: ClassVar[tuple[str, ...]] = ()
    EXPRESSIONS: ClassVar[Mapping[str, str]] = {}
    """Fields that hold expressions, and the type each must have (`any`: any a variable has)."""

    def exits(self) -> Iterator[tuple[Path, str]]:
        """Yield each exit as (path of its field in the part, name of the node it leads to)."""
        for field in self.EXITS:
            yield from _exits((field,), getattr(self, field))

    def audio(self) -> Iterator[tuple[Path, tuple[Item, ...]]]:
        """Yield what the part may let the caller hear as (path of its field, items)."""
        for field in self.AUDIO:
            yield from _audio((field,), getattr(self, field))

    def expressions(self) -> Iterator[tuple[Path, str, str]]:
        """Yield each expression as (path of its field, expression, type wanted)."""
        for field, wanted in self.EXPRESSIONS.items():
            yield from _expressions((field,), getattr(self, field), wanted)


def _inside(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield (*path, key), item
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield (*path, index), item


def _exits(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Part):
        yield from (((*path, *below), target) for below, target in value.exits())
    else:
        for below, item in _inside(path, value):
            yield from _exits(below, item)


def _audio(path: Path, value: Any) -> Iterator[tuple[Path, tuple[Item, ...]]]:
    if isinstance(value, tuple) and value and isinstance(value[0], Recorded | Text):
        yield path, value
    elif isinstance(value, Part):
        yield from (((*path, *below), items) for below, items in value.audio())
    else:
        for below, item in _inside(path, value):
            yield from _audio(below, item)


def _expressions(path: Path, value: Any, wanted: str) -> Iterator[tuple[Path, str, str]]:
    if isinstance(value, str):
        yield path, value, wanted
    elif isinstance(value, Part):
        yield from (((*path, *below), text, kind) for below, text, kind in value.expressions())
    else:
        for below, item in _inside(path, value):
            yield from _expressions(below, item, wanted)


class Recorded(Part):
    """A prompt of the prompt store, by its id."""

    prompt: PromptId


class Text(Part):
    """Words spoken by the speech engine: one text, or one for each language."""

    say: SpokenTexts
    voice: Language | None = None
    """The language of a single text that is spoken so to everybody, such as `ภาษาไทย กด 8`."""

    def choose(self, language: str, default: str) -> tuple[str, str]:
        """Return (language, text) for a caller's language; `default` is the flow's own."""
        if isinstance(self.say, str):
            return self.voice or default, self.say
        for candidate in (language, default):
            if candidate in self.say:
                return candidate, self.say[candidate]
        return next(iter(self.say.items()))

    def all(self, default: str) -> Iterator[tuple[str, str]]:
        """Yield (language, text) of every text; `default` is the flow's own language."""
        if isinstance(self.say, str):
            yield self.voice or default, self.say
        else:
            yield from self.say.items()


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


class Retry(Part):
    """A failure exit: what is said before each further try, and where it ends."""

    EXITS = ("next",)
    AUDIO = ("prompt",)

    prompt: Items | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    next: Target
