"""Nodes that speak, take keys and record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ivr.flow.nodes.base import Node
from ivr.flow.parts import (
    DIGITS_PATTERN,
    Items,
    MenuKey,
    Part,
    Path,
    Retry,
    Seconds,
    SpokenTexts,
    Target,
    Text,
    Variable,
    Word,
)

Terminator: TypeAlias = Annotated[str, Field(pattern=DIGITS_PATTERN, max_length=2)]


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
