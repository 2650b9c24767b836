"""A whole flow file: the schema of the flow language, version 1. Everything is frozen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field

from ivr.flow.nodes import AnyNode
from ivr.flow.parts import Language, Part, Target, ValueType, Variable

SCHEMA_VERSION = 1
MAX_NODES = 1_000


class FlowDocument(Part):
    """A flow: named nodes, the one at which callers begin, and what the flow knows."""

    sala: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)]
    """The version of the flow language."""
    title: Annotated[str, Field(max_length=200)] = ""
    language: Language = "en"
    """The language of texts that name none, and of callers whose language is not known."""
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = ()
    """The languages the flow serves; none named: its own alone."""
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    """In which dates and times are said (a name of the IANA time zone database)."""
    variables: Annotated[dict[Variable, ValueType], Field(max_length=200)] = Field(
        default_factory=dict
    )
    """What the flow may set, and of which type; at first empty, zero or false."""
    start: Target
    failed: Target | None = None
    """Where a caller goes when the flow itself breaks, such as by an endless loop; without it the
    call ends."""
    nodes: Annotated[
        dict[Target, Annotated[AnyNode, Discriminator("type")]],
        Field(min_length=1, max_length=MAX_NODES),
    ]

    @property
    def served(self) -> tuple[Language, ...]:
        """The languages a caller may have, the flow's own first."""
        return tuple(dict.fromkeys((self.language, *self.languages)))
