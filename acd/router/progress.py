"""Progress: an interaction's way through its routing steps, and when it next needs a look."""

from __future__ import annotations

from .events import Arrived
from .floor import Floor
from .interaction import Interaction, InteractionState, StepStatus
from .recipes import Waited


def begin(floor: Floor, one: Interaction, now: int) -> None:
    """Take an interaction to the step that holds by now, and seat it."""
    one.step, one.step_ends, one.skipped, one.step_began = -1, None, 0, ()
    _on(floor, one, one.began, now)


def resume(floor: Floor, one: Interaction, event: Arrived, now: int) -> None:
    """Take an interaction that rejoins to the step it had come to, and on from there."""
    if _come_to(floor, one, event, now):
        floor.altered[one] = None
    floor.seat(one)


def who_may(floor: Floor, event: Arrived, now: int) -> int:
    """Return who could be offered an interaction if it rejoined now, however busy they are.

    It is a set of `Supply`, of agents who are eligible in the step it would have come to. Nothing
    is changed.
    """
    queue = floor.queues.get(event.queue)
    if queue is None or not queue.configured:
        return 0
    began = event.entered if event.began is None else event.began
    one = Interaction(
        event.interaction, queue, (0, 0, 0, event.interaction), 0, event.channel, began,
        event.criteria, event.steps, event.dropped,
    )  # fmt: skip
    _come_to(floor, one, event, now)
    return floor.supply.of(queue.need(one))


def _come_to(floor: Floor, one: Interaction, event: Arrived, now: int) -> bool:
    """Find the step that one that rejoins has come to; return whether steps were skipped."""
    steps, step = one.steps, event.step
    if step is None or step > len(steps) or len(event.stepped) <= min(step, len(steps) - 1):
        one.step, one.step_ends, one.skipped, one.step_began = -1, None, 0, ()
        return _go_on(floor, one, one.began, now)
    one.step, one.skipped, one.step_began = step, event.skipped, event.stepped
    lasts_ms = steps[step].lasts_ms if step < len(steps) else None
    one.step_ends = None if lasts_ms is None else event.stepped[step] + lasts_ms
    if one.step_ends is None or one.step_ends > now:
        return False
    return _go_on(floor, one, one.step_ends, now)


def expire(floor: Floor, one: Interaction, now: int) -> None:
    """Go on to the next steps if the one that holds has ended."""
    if one.step_ends is not None and one.step_ends <= now:
        _on(floor, one, one.step_ends, now)


def skip(floor: Floor, one: Interaction, now: int) -> None:
    """Go on to the next step if the one that holds is to be skipped as things stand."""
    if one.step < len(one.steps):
        staffing = one.steps[one.step].skip_without
        if staffing is not None and not floor.there(one, one.step, staffing):
            one.skipped |= 1 << one.step
            floor.altered[one] = None
            _on(floor, one, now, now)


def finish(floor: Floor, one: Interaction, now: int) -> None:
    """Be done with all steps."""
    one.step_began += (now,) * (len(one.steps) - len(one.step_began))
    one.step, one.step_ends = len(one.steps), None
    floor.seat(one)


def _on(floor: Floor, one: Interaction, start: int, now: int) -> None:
    if _go_on(floor, one, start, now):
        floor.altered[one] = None
    floor.seat(one)


def _go_on(floor: Floor, one: Interaction, start: int, now: int) -> bool:
    """Go on to the step that holds at `now`; return whether steps were skipped."""
    steps, skipped = one.steps, one.skipped
    one.step_ends = None
    while True:
        one.step += 1
        if one.step >= len(steps):
            one.step = len(steps)
            break
        step = steps[one.step]
        one.step_began += (start,)
        if step.skip_without is not None and not floor.there(one, one.step, step.skip_without):
            one.skipped |= 1 << one.step
            continue
        if step.lasts_ms is None:
            break
        if start + step.lasts_ms > now:
            one.step_ends = start + step.lasts_ms
            break
        start += step.lasts_ms
    return one.skipped != skipped


def schedule(floor: Floor, one: Interaction, now: int) -> None:
    """Set the interaction's timer to the first of its step's end and its recipes."""
    due = one.step_ends
    if one.state is InteractionState.WAITING and one.queue.recipes:
        done = one.cooked
        for recipe in one.queue.recipes:
            waits = [c.ms for c in recipe.when if isinstance(c, Waited)]
            at = one.began + max(waits) if waits else None
            last = done.get((one.queue.config.name, recipe)) if done else None
            if last is not None:
                if recipe.repeat_ms is None:
                    continue
                at = max(last + recipe.repeat_ms, at or 0)
            if at is not None and at > now and (due is None or at < due):
                due = at
    if due is None:
        floor.due.remove(one.id)
    else:
        floor.due.put(one.id, (due, one.entry[2]))


def status(one: Interaction, number: int) -> StepStatus:
    """Tell what became of a step."""
    if one.skipped >> number & 1:
        return StepStatus.SKIPPED
    if number < one.step:
        return StepStatus.EXPIRED
    if number > one.step:
        return StepStatus.PENDING
    on_contact = one.state is InteractionState.ON_CONTACT
    return StepStatus.JOINED if on_contact else StepStatus.ACTIVE
