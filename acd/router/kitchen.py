"""The kitchen: which recipes are due for whom, and what their actions do.

It is asked after each match, and looks only at interactions for which a condition may have become
true: those that came to wait or changed lines, that crossed a place some recipe names, whose queue
reached a length, whose agents went, or whose timer is due. Only who waits is looked at; one that
rings comes back to the look when the offer has failed.
"""

from __future__ import annotations

from . import events as ev, progress
from .configuration import Channel
from .criteria import ANYONE, AllOf, canonical, relaxed
from .events import Decision
from .floor import Floor
from .interaction import Interaction, InteractionState
from .queue import Queue
from .recipes import (
    Action,
    Callback,
    Condition,
    Exit,
    LengthAtLeast,
    NoAgents,
    NoMembers,
    OverflowTo,
    PositionAtLeast,
    PositionAtMost,
    Prioritise,
    Recipe,
    Relax,
    Require,
    Say,
    Staffing,
    TierIn,
    TurnAway,
    Voicemail,
    Waited,
)


def admit(floor: Floor, one: Interaction, out: list[Decision], now: int) -> None:
    """Seat a newcomer, or send it where the queue's policy says; each queue is tried once."""
    tried = {one.queue}
    while (way_out := _refused(floor, one)) is not None:
        if isinstance(way_out, OverflowTo):
            to = floor.queue(way_out.queue)
            if to in tried:
                leave(floor, one, TurnAway("full"), out)
                return
            tried.add(to)
            _overflow(floor, one, to, out, now)
        else:
            leave(floor, one, way_out, out)
            return
    progress.begin(floor, one, now)


def shut(floor: Floor, queue: Queue, channel: Channel) -> bool:
    """Tell whether newcomers are sent away for the hour, or for nobody is there to serve them."""
    return _closed(queue) is not None or _empty(floor, queue, channel) is not None


def _refused(floor: Floor, one: Interaction) -> Exit | None:
    queue = one.queue
    if (closed := _closed(queue)) is not None:
        return closed
    if queue.config.max_length is not None and len(queue.unanswered) > queue.config.max_length:
        return queue.config.when_full
    return _empty(floor, queue, one.channel)


def _closed(queue: Queue) -> Exit | None:
    return None if queue.closed is None else queue.config.when_closed


def _empty(floor: Floor, queue: Queue, channel: Channel) -> Exit | None:
    needs = queue.config.join_needs
    if needs is None or _staffed(floor, queue, needs, channel):
        return None
    return queue.config.when_empty


def _staffed(floor: Floor, queue: Queue, staffing: Staffing, channel: Channel) -> bool:
    return floor.supply.there(floor.supply.of(queue.membership), staffing, channel)


def leave(floor: Floor, one: Interaction, way: TurnAway | Voicemail, out: list[Decision]) -> None:
    """Take a waiting interaction off the floor, and say where to."""
    queue = one.queue.config.name
    if isinstance(way, Voicemail):
        out.append(ev.ToVoicemail(one.id, queue))
    else:
        out.append(ev.TurnedAway(one.id, queue, way.reason))
    floor.forget(one)


def _overflow(floor: Floor, one: Interaction, to: Queue, out: list[Decision], now: int) -> None:
    out.append(ev.Overflow(one.id, one.queue.config.name, to.config.name))
    floor.move(one, to)
    one.began = now


# --- who is to be looked at ------------------------------------------------------------------


def gather(floor: Floor) -> None:
    """Put among `floor.review` everybody for whom a condition may have become true."""
    if floor.touched:
        for queue in floor.touched:
            _touched(floor, queue)
        floor.touched.clear()
    if floor.unstaffed:
        for line in floor.unstaffed:
            if not line.skips and line.eligible & floor.supply.active:
                continue  # for recipes, it matters when the last of them has gone
            for name in line.offerable.names():
                floor.review[floor.interactions[name]] = None
        floor.unstaffed.clear()


def _touched(floor: Floor, queue: Queue) -> None:
    line = queue.unanswered
    known = floor.interactions
    for place in queue.edges:
        # Whoever crossed this place is now at most as far from it as others came or went.
        first = max(place - queue.leaves, 1)
        for entry in line.slice(first, place + queue.joins):
            floor.review[known[entry[3]]] = None
    queue.joins = queue.leaves = 0
    length = len(line)
    reached = any(queue.length_seen < least <= length for least in queue.lengths)
    queue.length_seen = length
    if queue.members_went:
        queue.members_went = False
        reached |= not floor.supply.of(queue.membership) & floor.supply.active
    if reached:
        for entry in line:
            floor.review[known[entry[3]]] = None


# --- looking -----------------------------------------------------------------------------------


def serve(floor: Floor, out: list[Decision], now: int) -> None:
    """Do every recipe that is due for those under review, and set their timers anew.

    What is due is found before anything is done, so that one's leaving does not count for those
    after it until the next look; then it is done in the order of arrival.
    """
    review = sorted(floor.review, key=_sequence)
    floor.review.clear()
    for one in review:
        if one.state is InteractionState.WAITING:
            progress.skip(floor, one, now)
    due = [(one, _due(floor, one, now)) for one in review]
    for one, actions in due:
        queue = one.queue
        for recipe, action in actions:
            if one.id not in floor.interactions or one.queue is not queue:
                break
            if recipe is not None:
                one.cooked = one.cooked or {}
                one.cooked[queue.config.name, recipe] = now
                floor.altered[one] = None
            _act(floor, one, action, out, now)
    for one in review:
        if floor.interactions.get(one.id) is one:
            progress.schedule(floor, one, now)


def _sequence(one: Interaction) -> int:
    return one.entry[2]


def _due(floor: Floor, one: Interaction, now: int) -> list[tuple[Recipe | None, Action]]:
    """Return the actions due for one who waits, with the recipe of each."""
    queue = one.queue
    if one.state is not InteractionState.WAITING:
        return []
    way = queue.config.when_closed
    if queue.closed is not None and queue.config.closing_clears and way is not None:
        return [(None, way)]
    found: list[tuple[Recipe | None, Action]] = []
    for recipe in queue.recipes:
        last = None if one.cooked is None else one.cooked.get((queue.config.name, recipe))
        if last is not None and (recipe.repeat_ms is None or now < last + recipe.repeat_ms):
            continue
        if all(_holds(floor, one, condition, now) for condition in recipe.when):
            found += [(recipe, action) for action in recipe.then]
    return found


def _holds(floor: Floor, one: Interaction, condition: Condition, now: int) -> bool:
    queue = one.queue
    match condition:
        case Waited(ms):
            return now - one.began >= ms
        case PositionAtMost(place):
            return queue.unanswered.place(one.entry) <= place
        case PositionAtLeast(place):
            return queue.unanswered.place(one.entry) >= place
        case LengthAtLeast(length):
            return len(queue.unanswered) >= length
        case NoAgents(staffing):
            return not floor.supply.there(one.line.eligible, staffing, one.channel)
        case NoMembers(staffing):
            return not _staffed(floor, one.queue, staffing, one.channel)
        case TierIn(tiers):
            return one.tier in tiers


def _act(floor: Floor, one: Interaction, action: Action, out: list[Decision], now: int) -> None:
    queue = one.queue.config.name
    match action:
        case Say(prompt):
            out.append(ev.Announce(one.id, queue, prompt))
        case Callback():
            out.append(ev.OfferCallback(one.id, queue))
        case Prioritise(by):
            floor.prioritise(one, by)
        case Require(criteria):
            one.criteria = canonical(AllOf((one.criteria, criteria)))
            floor.seat(one)
        case Relax(()):
            one.criteria = ANYONE
            progress.finish(floor, one, now)
        case Relax(skills):
            one.criteria = canonical(relaxed(one.criteria, skills, ()))
            one.dropped = tuple(sorted({*one.dropped, *skills}))
            floor.seat(one)
        case OverflowTo(to):
            _overflow(floor, one, floor.queue(to), out, now)
            admit(floor, one, out, now)
        case TurnAway() | Voicemail():
            leave(floor, one, action, out)
