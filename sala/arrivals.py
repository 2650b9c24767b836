"""How a flow's wish for a place in line is told to the router."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from acd.contacts import Contact
from acd.router.configuration import Step
from acd.router.criteria import AllOf, Named, Skill
from acd.router.events import Arrived
from acd.router.recipes import Staffing
from ivr.flow.nodes import RoutingStep
from ivr.services import Place

MOST_PRIORITY_S = 10**7
"""A head start is at most this, either way: about four months."""


def arrival(contact: Contact, place: Place) -> Arrived:
    """Return the arrival of a caller; when they enter is for the floor to say.

    Preferred agents are asked first, then the flow's own steps hold, then the queue's.
    """
    priority = max(min(place.priority, MOST_PRIORITY_S), -MOST_PRIORITY_S)
    return Arrived(
        contact.interaction,
        place.queue,
        0,
        priority=priority * 1000,
        steps=tuple(_steps(contact, place)),
        tier=contact.tier,
    )


def _steps(contact: Contact, place: Place) -> Iterator[Step]:
    for one in place.preferred:
        if agent := one.agent or contact.last_agent:
            absent = Staffing.ACTIVE if one.skip else None
            yield Step(Named((agent,)), one.for_ms, skip_without=absent, members=False)
    yield from own_steps(place.criteria)


def own_steps(criteria: Iterable[RoutingStep]) -> Iterator[Step]:
    """Yield a queue node's criteria as routing steps."""
    for wanted in criteria:
        skills = tuple(Skill(skill, level) for skill, level in wanted.skills.items())
        yield Step(AllOf(skills), None if wanted.for_s is None else round(wanted.for_s * 1000))
