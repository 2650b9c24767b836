"""Fields of queues, agents, selections and the floor, as a routing file has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acd.policy import values
from acd.router.selection import POLICIES
from acd.router.strategies import STRATEGIES
from crm.records import Agent, FloorPolicy, Queue, Selection
from sala.routing import readers as to


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in files, the record's attributes it stands for, and how it is told."""

    name: str
    attribute: str
    read: Callable[[Any], Any]
    """From the admin's value to the attribute's; of several attributes, to a mapping of them."""
    write: Callable[[Any], Any]
    """From the attribute (of several: the record) to the admin's value; None to leave it out."""
    meaning: str
    """For the reference."""
    whole: bool = False
    """Whether it stands for several attributes."""


_HOUR, _DAY = 3_600_000, 86_400_000

# fmt: off
QUEUE = (
    Field("strategy", "strategy", to.one_of(STRATEGIES, "strategy"), to.as_it_is,
          "Which of the free agents is offered a call: see the strategies below."),
    Field("ring", "ring_ms", to.lasting(1_000, 300_000), to.written_or_none,
          "How long a phone rings."),
    Field("ring_at_once", "ring_at_once", to.whole_number(1, 50), to.as_it_is,
          "How many agents ring for one call; the first to answer wins."),
    Field("wrap_up", "wrap_up_ms", to.lasting(0, _HOUR), to.written_or_none,
          "The agent's time after a contact."),
    Field("target", "target_ms", to.lasting(1, _DAY), to.written_or_none,
          "Service level: answered within this."),
    Field("short_abandon", "short_abandon_ms", to.lasting(0, _DAY), to.written_or_none,
          "Abandons before this are counted apart."),
    Field("max_wait", "max_wait_ms", to.or_none(to.lasting(1, _DAY)), to.written_or_none,
          "The longest wait; who has waited this long goes by `when_late`."),
    Field("when_late", "when_late", to.way, to.as_it_is,
          "`overflow QUEUE`, `voicemail` or `turn_away [REASON]`; so too the next ones."),
    Field("max_length", "max_length", to.or_none(to.whole_number(0, 1_000_000)), to.as_it_is,
          "How many may wait; who comes on top goes by `when_full`."),
    Field("when_full", "when_full", to.way, to.as_it_is,
          "What becomes of who finds the queue full."),
    Field("join_needs", "join_needs", to.staffing, to.as_it_is,
          "`logged_in`, `active` or `available`: who comes while no agent is so goes by "
          "`when_empty`."),
    Field("stay_needs", "stay_needs", to.staying, to.as_it_is,
          "`logged_in` or `active`: who waits while no agent is so goes by `when_empty`."),
    Field("when_empty", "when_empty", to.way, to.as_it_is,
          "What becomes of who finds nobody there."),
    Field("calendar", "calendar", to.name_or_none, to.as_it_is,
          "When it is open; none: always."),
    Field("when_closed", "when_closed", to.way, to.as_it_is,
          "What becomes of who finds it closed; `wait` lets them wait."),
    Field("closing_clears", "closing_clears", values.boolean, to.as_it_is,
          "Whether who waits at closing goes by `when_closed`, too; else they are served."),
    Field("tiers", "tiers", to.tiers, to.as_read,
          "Head start in line by the customer's tier."),
    Field("steps", "steps", to.entries, to.as_read,
          "Routing steps: see below."),
    Field("recipes", "recipes", to.entries, to.as_read,
          "What is done for who waits, and when: see below."),
    Field("callback", "callback", to.fields, to.as_read,
          "How callbacks are made: see below."),
)
AGENT = (
    Field("name", "name", to.one_word, to.as_it_is,
          "Shown to people; the id if not told."),
    Field("account", "address", to.one_word, to.as_it_is,
          "The SIP account that rings; the id if not told."),
    Field("queues", "queues", to.queues, to.write_queues,
          "A list, or a mapping to ranks: of rank 2 is served when nobody waits in those "
          "of rank 1.", whole=True),
    Field("skills", "skills", to.skills, dict,
          "A mapping to levels from 1 to 5."),
    Field("languages", "languages", to.names, list,
          "Tags such as `th` or `en-GB`."),
    Field("site", "site", lambda value: to.name_or_none(value) or "", lambda site: site or None,
          "Where they work."),
    Field("capacity", "voice", to.capacity, to.write_capacity,
          "How many at once by channel; the floor's where not told.", whole=True),
    Field("weight", "weight", to.whole_number(1, 1_000), to.as_it_is,
          "Share of offers under `weighted_random`."),
)
SELECTION = (
    Field("policy", "policy", to.one_of(POLICIES, "policy"), to.as_it_is,
          "How a freed agent's next call is chosen among the queues: see the policies below."),
    Field("queues", "queues",
          lambda value: tuple(sorted(to.named_numbers(value, 1, 1_000, "a weight", 1))), dict,
          "A list, or a mapping to weights (`service_level`) or shares (`fixed_ratio`)."),
)
FLOOR = (
    Field("busy_backoff", "busy_backoff_ms", to.lasting(1, _HOUR), to.written_or_none,
          "How long an agent whose phone was busy, or who declined, is left alone."),
    Field("capacity", "voice", to.floor_capacity, to.write_capacity,
          "How many at once by channel, of agents without their own.", whole=True),
    Field("blocks", "blocks", to.blocks, to.as_read,
          "By channel: on which others an agent is offered nothing while busy on it."),
)
# fmt: on
_PLAIN: dict[type, Any] = {
    Queue: lambda one: Queue(one.name),
    Agent: lambda one: Agent(one.id, one.id, one.id),
    Selection: lambda one: Selection(one.name),
    FloorPolicy: lambda one: FloorPolicy(),
}
_FIELDS: dict[type, tuple[Field, ...]] = {
    Queue: QUEUE,
    Agent: AGENT,
    Selection: SELECTION,
    FloorPolicy: FLOOR,
}


def of(record: Any) -> tuple[Field, ...]:
    """Return the fields of a record."""
    return _FIELDS[type(record)]


def plain(record: Any) -> Any:
    """Return the record of the same name with every field at its default."""
    return _PLAIN[type(record)](record)


def told(field: Field, record: Any) -> Any:
    """Return a record's field in the admin's words; None if it is not set."""
    return field.write(record if field.whole else getattr(record, field.attribute))


def changes(field: Field, value: Any) -> dict[str, Any]:
    """Read a value; return the record's attributes that it gives. Raises `Wrong`."""
    found = field.read(value)
    return dict(found) if field.whole else {field.attribute: found}
