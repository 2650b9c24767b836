"""One flow as it runs for one caller: where it is, its variables, what its texts say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crm.calendars import Calendar, State
from ivr.flow import expressions, texts
from ivr.flow.actions import Heard, Phrase
from ivr.flow.expressions import ExpressionFailed, Scalar
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import CallbackNode, HoursNode, QueueNode
from ivr.flow.parts import Item, Recorded
from ivr.saying import Unsayable, say


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the caller when the flow begins."""

    number: str = ""
    """In E.164; empty when withheld."""
    dialled: str = ""
    customer: str = ""
    """Id of the customer; empty when none is known."""
    name: str = ""
    language: str = ""
    """The customer's language, as kept on the record."""


@dataclass(frozen=True, slots=True)
class World:
    """What flows refer to by name."""

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    flow: Callable[[str], FlowDocument | None] = lambda _: None
    """The flow of an alias, for `subflow` nodes."""


class Frame:
    """A flow that runs. `at` is the node the caller is at; a subflow's frame lies on its caller's.

    `prefix` stands before its nodes' names in paths.
    """

    def __init__(
        self, document: FlowDocument, facts: Facts, language: str, prefix: str = "", alias: str = ""
    ) -> None:
        self.document = document
        self.alias = alias
        self.prefix = prefix
        self.at = ""
        self.language = language
        self.now_ms = 0
        self.may_follow = ""
        """Terminators that a caller may press yet, though the digits taken last were complete."""
        self._facts = facts
        self._scope = expressions.scope_of(document)
        self._kinds = expressions.variables_of(document)
        self.variables: dict[str, Scalar] = {
            name: expressions.ZERO[kind] for name, kind in self._kinds.items()
        }

    def label(self, node: str) -> str:
        """Return a node's name as paths have it."""
        return self.prefix + node

    def set(self, name: str, value: object) -> None:
        """Set a variable. Raises ExpressionFailed if it does not exist or is of another type."""
        kind = self._kinds.get(name, "")
        fit = fitted(value, kind)
        if fit is None:
            raise ExpressionFailed(f"`{name}` cannot be set: it is no {kind or 'variable'}")
        self.variables[name] = fit

    def evaluate(self, expression: str) -> Any:
        """Return an expression's value. Raises ExpressionFailed."""
        return expressions.evaluate(expression, self._values(), self._scope)

    def evaluate_all(self, wanted: Mapping[str, str]) -> dict[str, Scalar]:
        """Return each expression's value. Raises ExpressionFailed."""
        return {name: self.evaluate(expression) for name, expression in wanted.items()}

    def shareable(self) -> dict[str, Scalar]:
        """Return the variables that are neither secret nor at their first value."""
        return {
            name: value
            for name, value in self.variables.items()
            if self._kinds[name] != "secret" and value != expressions.ZERO[self._kinds[name]]
        }

    def heard(self, items: tuple[Item, ...] | None) -> tuple[Heard, ...]:
        """Return items with their values in words. Raises ExpressionFailed."""
        return tuple(self._heard(item) for item in items or ())

    def hours(self, node: HoursNode, world: World) -> str:
        """Return the exit of an `hours` node that holds now."""
        calendar = world.calendars.get(node.calendar)
        if calendar is None:
            return node.failed
        state = calendar.at(self.now_ms)
        if state is State.HOLIDAY and node.holiday is not None:
            return node.holiday
        return node.open if state is State.OPEN else node.closed

    def _heard(self, item: Item) -> Heard:
        if isinstance(item, Recorded):
            return item
        language, text = item.choose(self.language, self.document.language)
        if not texts.has_values(text):
            return item
        pieces: list[str] = []
        try:
            zone = ZoneInfo(self.document.timezone)
            for part in texts.split(text):
                if isinstance(part, str):
                    pieces.append(part)
                else:
                    value = self.evaluate(part.expression)
                    pieces += say(part.kind, value, language, detail=part.detail, zone=zone)
        except (texts.TextWrong, Unsayable, LookupError, ValueError) as error:
            raise ExpressionFailed(str(error)) from None
        return Phrase(language, tuple(pieces))

    def _values(self) -> dict[str, Any]:
        facts = self._facts
        return {
            **self.variables,
            "caller.number": facts.number,
            "caller.known": bool(facts.customer),
            "customer.id": facts.customer,
            "customer.name": facts.name,
            "customer.language": facts.language,
            "dialled": facts.dialled,
            "language": self.language,
            "now": datetime.fromtimestamp(self.now_ms / 1000, UTC),
        }


def fitted(value: object, kind: str) -> Scalar | None:
    """Return a value as one of a type of `parts.ValueType`, or None if it is not."""
    match kind, value:
        case "bool", bool():
            return value
        case (_, bool()) | (_, None):
            return None
        case (("string" | "secret"), str()) if len(value) <= expressions.MAX_TEXT:
            return value
        case "int", int() if abs(value) < 2**63:
            return value
        case "int", float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case "double", int() | float():
            return float(value)
        case _:
            return None


LAST_AGENT = "last_agent"
"""Among what a flow goes by: the agent whom the caller spoke to last."""


def asked(documents: Iterable[FlowDocument]) -> frozenset[str]:
    """Return the names of all that flows go by.

    `customer` too if they choose the language, `LAST_AGENT` if a queue asks for that agent first.
    """
    told: list[str] = []
    names: set[str] = set()
    for document in documents:
        if len(document.served) > 1:
            names.add("customer")
        for node in document.nodes.values():
            if isinstance(node, QueueNode | CallbackNode) and any(
                one.last_agent for one in node.prefer
            ):
                names.add(LAST_AGENT)
            told += [text for _, text, _ in node.expressions()]
            for _, items in node.audio():
                texts_ = [item for item in items if not isinstance(item, Recorded)]
                told += [text for item in texts_ for _, text in item.all("")]
    return frozenset(names.union(*(expressions.names(text) for text in told)))
