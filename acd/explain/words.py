"""A story in plain words, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .reasons import Clock
from .story import Story

_FAILED = {
    "no_answer": "did not answer (RONA)",
    "declined": "declined",
    "left": "hung up while the customer was called",
    "busy": "was busy",
    "unreachable": "could not be reached",
    "failed": "could not be rung",
}
_CONSULT = {
    "ended": "was consulted, and is out again",
    "cancelled": "was let go again",
    "transferred": "was given the caller",
}
_SENT_ON = {
    "answered": "answered and has the caller",
    "abandoned": "was rung until the caller hung up",
    "cancelled": "was let go again",
}
_LEFT = {
    "abandoned": "the caller hung up",
    "overflowed": "left the queue for its flow",
    "called_back": "left the queue: a callback was promised",
    "failed": "was lost",
}


def as_json(story: Story) -> dict[str, Any]:
    """Return a story as JSON-able data."""
    asked = story.asked
    return {
        "interaction": asked.interaction,
        "why_not": list(asked.agents),
        "why_before": list(asked.others),
        "happened": story.happened,
    }


def as_text(story: Story, clock: Clock) -> str:
    """Return a story as lines, each with its time."""
    lines = [f"Interaction {story.asked.interaction}"]
    for one in story.happened:
        first, *rest = _words(one)
        lines.append(f"{clock(one['at_ms'])}  {first}")
        lines += [f"    {line}" for line in rest]
    if not story.happened:
        lines.append("    the router was told nothing of it")
    went = {one["interaction"] for one in story.happened if one["what"] == "went_before"}
    lines += [
        f"{other} did not go before it: it was not offered to anybody while this one waited"
        for other in story.asked.others
        if other not in went
    ]
    return "\n".join(lines) + "\n"


def _words(one: dict[str, Any]) -> list[str]:
    match one["what"]:
        case "came":
            return _came(one)
        case "step":
            return [_step(one), *([] if one["offered"] else _who(one["agents"])), *_why_not(one)]
        case "needs":
            asks = f"a recipe changed what it asks for: now {one['needs']}"
            return [asks, *([] if one["offered"] else _who(one["agents"])), *_why_not(one)]
        case "place":
            return [f"place {one['place']}: " + "; ".join(map(_change, one["changes"]))]
        case "offered":
            return _offered(one)
        case "went_before":
            return [f"{one['interaction']} went before it, to {one['agent']}: {one['why']}"]
        case "answered":
            return [f"{one['agent']} answered"]
        case "offer_failed":
            until = " for a moment" if one["until"] is not None else ""
            paused = f"; {one['agent']} is paused{until}" if one["paused"] else ""
            back = f"back at its exact place, {one['place']}" if one["place"] else "over"
            return [f"{one['agent']} {_FAILED[one['failure']]}: it is {back}{paused}"]
        case "offer_cancelled":
            return [f"the offer to {one['agent']} was taken back"]
        case "left":
            return [_LEFT[one["reason"]]]
        case "ended":
            return [f"the contact with {one['agent']} ended"]
        case _:
            return [_other(one)]


def _other(one: dict[str, Any]) -> str:
    match one["what"]:
        case "transferred":
            return f"{one['agent']} transferred it to {one['queue']}"
        case "left_to":
            return f"{one['agent']} left the talk to {one['to']}"
        case "handed_over":
            return f"{one['agent']} handed it over to {one['to']}"
        case "took_over":
            return f"{one['agent']} answered and has the caller"
        case "adopted":
            doing = "talking with" if one["answered"] else "ringing at"
            return f"after a restart: found {doing} {one['agent']}"
        case "overflowed":
            return f"overflowed from {one['queue']} to {one['to']}"
        case "voicemail":
            return f"went from {one['queue']} to voicemail"
        case "turned_away":
            return f"was turned away from {one['queue']}: {one['reason']}"
        case "callback_offered":
            return "was asked whether to be called back"
        case "announced":
            return f"heard the announcement {one['prompt']}"
        case what:
            return _handed(one) or str(what)


def _handed(one: dict[str, Any]) -> str | None:
    who, by = one.get("agent") or "somebody outside", one.get("by") or "an agent"
    match one["what"]:
        case "held":
            return f"{who} put the caller on hold"
        case "resumed":
            return f"{who} took the caller back from hold"
        case "consulted":
            return f"{by} rang {who} to consult"
        case "conference":
            return f"{by}, {who} and the caller were brought together"
        case "sent_on":
            return f"{by} sent the caller on to {who}, who was rung"
        case "rung_again":
            return f"{who}, who had sent the caller on, was rung to take them back"
        case "parted":
            return f"{who} left the talk"
        case "consult_over":
            return _over(who, one["outcome"], _CONSULT)
        case "sent_on_over":
            return _over(who, one["outcome"], _SENT_ON)
        case _:
            return None


def _over(who: str, outcome: str, words: Mapping[str, str]) -> str:
    return f"{who} {words.get(outcome) or _FAILED.get(outcome) or outcome}"


def _came(one: dict[str, Any]) -> list[str]:
    came = "came back to" if one["rejoins"] else "came to"
    lines = [f"{came} {one['queue']}"]
    if "place" not in one:
        return lines
    ahead = f", behind {_list(one['ahead'])}" if one["ahead"] else ""
    lines[0] += f": place {one['place']}{ahead}"
    if one["priority_ms"]:
        lines.append(f"its priority is a head start of {one['priority_ms'] / 1000:g} s")
    return [*lines, _step(one), *_who(one["agents"]), *_why_not(one)]


def _why_not(one: dict[str, Any]) -> list[str]:
    return [f"why not {agent}: {why}" for agent, why in one["why_not"].items()]


def _step(one: dict[str, Any]) -> str:
    lasts = "" if one["lasts_ms"] is None else f", for {one['lasts_ms'] / 1000:g} s"
    if not one["steps"]:
        return f"asks for {one['needs']}"
    if one["step"] > one["steps"]:
        return f"all its {one['steps']} steps are over; asks for {one['needs']}"
    return f"step {one['step']} of {one['steps']}: asks for {one['needs']}{lasts}"


def _who(agents: list[dict[str, str]]) -> list[str]:
    if not agents:
        return ["nobody may take it"]
    return ["may take it: " + ", ".join(f"{one['agent']} ({one['doing']})" for one in agents)]


def _change(change: dict[str, Any]) -> str:
    name = change["interaction"]
    match change["how"]:
        case "overtook":
            return f"{name} went ahead of it: {change['why']}"
        case "answered":
            return f"{name} was answered by {change['agent']}"
        case "fell_behind":
            return f"{name} is not ahead of it any more"
        case _:
            return f"{name} left the line"


def _offered(one: dict[str, Any]) -> list[str]:
    lines = [f"offered to {one['agent']}, to ring {one['ring_ms'] / 1000:g} s"]
    lines.append(f"in force: {_step(one)}")
    free = [x["agent"] for x in one["eligible"] if x["free"]]
    busy = [x for x in one["eligible"] if not x["free"]]
    lines.append(f"eligible and free: {_list(free)}")
    if busy:
        told = ", ".join(f"{x['agent']} ({x['doing']})" for x in busy)
        lines.append(f"eligible, not free: {told}")
    lines.append(f"chosen: {one['why']}")
    lines += [f"not {x['interaction']}, who waited too: {x['why']}" for x in one["passed"]]
    return [*lines, *_why_not(one)]


def _list(names: list[str]) -> str:
    return ", ".join(names)
