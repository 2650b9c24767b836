"""Nodes that need nothing from outside: conditions, variables, calendars, subflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow.nodes.base import Node
from ivr.flow.parts import Expression, Language, Part, Target, Variable, Word
from pbx.port import Cause


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


class LanguageNode(Node):
    """Sets the caller's language, and keeps it on their record."""

    EXITS = ("next",)
    SILENT = True

    type: Literal["language"]
    language: Language
    keep: bool = True
    next: Target


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
