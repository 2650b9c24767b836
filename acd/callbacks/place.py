"""The place of a callback: the arrival that brings it into the router's line.

It is the same interaction as the call that asked for it, with the same entry time, priority, tier,
criteria and steps, as `Router.kept` gave them. Two things differ. Recipes meant for a live ear or
for a live caller's patience (exits after a wait, offers of a callback, announcements) are marked
as done, so that the router does not do them again: a callback has its own expiry. And one of an
agent's own comes with a first step that names them.
"""

from __future__ import annotations

from dataclasses import replace

from acd.router.codec import from_entry
from acd.router.configuration import QueueConfig, Step
from acd.router.criteria import ANYONE, Named
from acd.router.errors import JournalError
from acd.router.events import Arrived, Done
from acd.router.recipes import (
    Callback as OfferCallback,
)
from acd.router.recipes import (
    NoMembers,
    OverflowTo,
    Prioritise,
    Recipe,
    Relax,
    Require,
    Say,
    Staffing,
    TurnAway,
    Voicemail,
    Waited,
)
from crm.records import Callback

SLOT = "slot"
"""The source of a callback at a time the customer chose: they enter the line at that time."""

_FOR_CALLERS = (OfferCallback, OverflowTo, Say, TurnAway, Voicemail)


def arrival(callback: Callback, queue: QueueConfig, owner_wait_ms: int) -> Arrived:
    """Return the arrival that takes a callback's place in a queue."""
    base = _kept(callback)
    entered = base.entered if base is not None else callback.requested_ms
    if callback.source == SLOT:
        entered = max(entered, callback.due_ms)
    interaction = callback.interaction or callback.id
    if base is None or base.queue != queue.name:
        # What was done for it elsewhere says nothing here.
        base = Arrived(
            interaction, queue.name, entered,
            priority=base.priority if base else 0,
            criteria=base.criteria if base else ANYONE,
            tier=base.tier if base else "",
        )  # fmt: skip
    if callback.owner:
        own = Step(
            Named((callback.owner,)),
            owner_wait_ms,
            skip_without=Staffing.LOGGED_IN,
            members=False,
        )
        # The steps begin anew with the owner's.
        base = replace(base, steps=(own, *base.steps), began=None, step=None, stepped=(), skipped=0)
    known = {(one.queue, one.recipe) for one in base.done}
    spared = tuple(
        Done(queue.name, recipe, entered)
        for recipe in _not_for_callbacks(queue)
        if (queue.name, recipe) not in known
    )
    return replace(
        base, interaction=interaction, queue=queue.name, entered=entered, rejoins=True,
        done=(*base.done, *spared),
    )  # fmt: skip


def key(arrived: Arrived, queue: QueueConfig) -> tuple[int, int]:
    """Return what the router orders by, but for ties: (entered - priority, entered)."""
    priority = arrived.priority + dict(queue.tiers).get(arrived.tier, 0)
    return arrived.entered - priority, arrived.entered


def _kept(callback: Callback) -> Arrived | None:
    if callback.place is None:
        return None
    try:
        found = from_entry("arrived", callback.place)
    except JournalError:
        # Written by another version: the request itself is still good.
        return None
    return found if isinstance(found, Arrived) else None


def _not_for_callbacks(queue: QueueConfig) -> list[Recipe]:
    """Recipes of a queue, its limits included, that a callback is spared."""
    found = [
        recipe
        for recipe in queue.recipes
        if any(isinstance(one, _FOR_CALLERS) for one in recipe.then)
        and not any(isinstance(one, Prioritise | Relax | Require) for one in recipe.then)
    ]
    if queue.max_wait_ms is not None:
        found.append(Recipe((Waited(queue.max_wait_ms),), (queue.when_late,)))
    if queue.stay_needs is not None:
        found.append(Recipe((NoMembers(queue.stay_needs),), (queue.when_empty,)))
    return found
