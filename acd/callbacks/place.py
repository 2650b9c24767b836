"""The place of a callback: the arrival that brings it into the router's line.

It is the same interaction as the call that asked for it, with the same entry time, priority, tier,
criteria and steps, as `Router.kept` gave them. Two things differ. Recipes meant for a live ear or
for a live caller's patience (exits after a wait, offers of a callback, announcements) are marked
as done, so that the router does not do them again: a callback has its own expiry. And one of an
agent's own comes with a first step that names them. Both end when the customer calls again: see
`taken`.
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
    base = _base(callback, queue)
    if callback.owner:
        own = Step(
            Named((callback.owner,)),
            owner_wait_ms,
            skip_without=Staffing.LOGGED_IN,
            members=False,
        )
        # The steps begin anew with the owner's.
        base = replace(base, steps=(own, *base.steps), began=None, step=None, stepped=(), skipped=0)
    return _spared(base, queue, _not_for_callbacks(queue), base.entered)


def taken(
    callback: Callback,
    queue: QueueConfig,
    interaction: str,
    now: int,
    kept: Arrived | None = None,
) -> Arrived:
    """Return the arrival of a customer who calls again, and takes their callback's place.

    `kept` is where the callback has come in the line, None if it does not stand there. They have
    the place, the head start, the criteria and the step that a live caller would have who entered
    when they did. Spared is what came due for callers while they were not on the line: to be told
    something late, or to be put out for a wait that they spent elsewhere. Whoever comes before the
    time they chose comes now; what one agent promised, anybody may keep.
    """
    base = _base(callback, queue)
    recipes = _not_for_callbacks(queue)
    if kept is not None and kept.queue == queue.name and not callback.owner:
        known = {(one.queue, one.recipe) for one in base.done}
        spared = {(queue.name, one) for one in recipes} - known
        done = tuple(one for one in kept.done if (one.queue, one.recipe) not in spared)
        base = replace(kept, done=done, rejoins=True)
    base = replace(base, interaction=interaction, entered=min(base.entered, now))
    began = base.entered if base.began is None else base.began
    missed = [one for one in recipes if _came_due(one, began, now)]
    return _spared(base, queue, missed, now)


def _base(callback: Callback, queue: QueueConfig) -> Arrived:
    """Return the arrival of whoever asked, as a live caller of that entry time would come back."""
    base = _kept(callback)
    entered = base.entered if base is not None else callback.requested_ms
    if callback.source == SLOT:
        entered = max(entered, callback.due_ms)
    interaction = callback.interaction or callback.id
    if base is None or base.queue != queue.name:
        # What was done for it elsewhere says nothing here.
        return Arrived(
            interaction, queue.name, entered,
            priority=base.priority if base else 0,
            criteria=base.criteria if base else ANYONE,
            tier=base.tier if base else "",
            rejoins=True,
        )  # fmt: skip
    return replace(base, interaction=interaction, entered=entered, rejoins=True)


def _spared(base: Arrived, queue: QueueConfig, recipes: list[Recipe], at: int) -> Arrived:
    """Mark recipes as done at a time, if they are not."""
    known = {(one.queue, one.recipe) for one in base.done}
    spared = [
        Done(queue.name, recipe, at) for recipe in recipes if (queue.name, recipe) not in known
    ]
    return replace(base, done=(*base.done, *spared)) if spared else base


def _came_due(recipe: Recipe, began: int, now: int) -> bool:
    """Tell whether the wait alone makes a recipe due, and has been that long."""
    waits = [one.ms for one in recipe.when if isinstance(one, Waited)]
    return len(waits) == len(recipe.when) and began + max(waits, default=0) <= now


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
