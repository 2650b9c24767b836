"""What all nodes have."""

from __future__ import annotations

from typing import ClassVar

from pydantic_core import PydanticCustomError

from ivr.flow.parts import Part


class Node(Part):
    """A step of a flow."""

    ASKS_DIGITS: ClassVar[bool] = False
    """Whether it begins by taking digits: then a key pressed before it counts."""
    SILENT: ClassVar[bool] = False
    """Whether it needs nothing from outside, so that what is to be heard goes on gathering."""


def exactly_one(part: Part, *fields: str) -> None:
    """Refuse a part in which not exactly one of some fields is given."""
    if sum(getattr(part, field) is not None for field in fields) != 1:
        raise PydanticCustomError("one_of", "{fields}", {"fields": ", ".join(fields)})
