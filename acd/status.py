"""The floor as JSON-able data, for `sala status`, the live view and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from acd.contacts import Contact
from acd.estimates import Estimate
from acd.roster import Roster
from acd.router import InteractionView, Router, StepStatus


def agent_view(
    agent: str, roster: Roster, router: Router | None, reachable: bool, now: int
) -> dict[str, Any]:
    """One agent: presence as it is, or as asked for while the switch is away."""
    wanted, reason = roster.presence(agent)
    view: dict[str, Any] = {
        "agent": agent,
        "address": roster.address(agent),
        "reachable": reachable,
        "presence": wanted.value,
        "reason": reason,
        "interaction": None,
    }
    live = router.agent(agent) if router is not None else None
    if live is not None:
        view.update(
            presence=live.presence.value,
            reason=live.reason,
            # A presence that was never set has no beginning.
            since_ms=max(now - live.since, 0) if live.since else None,
            interaction=live.interaction,
        )
    return view


def queue_view(
    queue: str,
    router: Router | None,
    now: int,
    ewt: Mapping[str, Estimate | None] | None = None,
) -> dict[str, Any]:
    """One queue: who waits, in order, those whose offer rings included, with what is estimated."""
    waiting = router.waiting(queue) if router is not None else []
    return {
        "queue": queue,
        "closed": router.closed(queue) if router is not None else None,
        "waiting": [
            _waiting_view(one, router, now, (ewt or {}).get(one.interaction))
            for one in waiting
            if router is not None
        ],
    }


def _waiting_view(
    one: InteractionView, router: Router, now: int, ewt: Estimate | None
) -> dict[str, Any]:
    steps = router.steps(one.interaction)
    at = [n for n, step in enumerate(steps, 1) if step.status is StepStatus.ACTIVE]
    return {
        "interaction": one.interaction,
        "waited_ms": max(now - one.entered, 0),
        "state": one.state.value,
        "priority_ms": one.priority,
        "needs": one.needs,
        # From 1; one more than there are when all are over; none where there are no steps.
        "step": at[0] if at else len(steps) + 1 if steps else None,
        # None: not enough data, nobody on duty, or it rings.
        "ewt": asdict(ewt) if ewt is not None else None,
        "steps": [{"criteria": step.criteria, "status": step.status.value} for step in steps],
    }


def stranded_view(router: Router | None) -> list[dict[str, Any]]:
    """Who waits and could be served by nobody as things stand, with why."""
    return [asdict(one) for one in router.stranded()] if router is not None else []


def call_view(contact: Contact) -> dict[str, Any]:
    """One call in progress."""
    if contact.stage:
        state = contact.stage
    elif contact.held:
        state = "held"
    elif contact.talking_to:
        state = "talking"
    elif contact.in_line:
        state = "waiting"
    else:
        state = "flow"
    return {
        "interaction": contact.interaction,
        "call": contact.call,
        "state": state,
        "queue": contact.queue,
        "agent": contact.talking_to,
    }
