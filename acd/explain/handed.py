"""What agents did with a call they had, as its segments tell: holds, consults, transfers.

The router knows only who is occupied and who has the call; these lines stand between its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from crm.records import Segment, SegmentKind

TALKS = frozenset({SegmentKind.TALK, SegmentKind.HOLD})


def told(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return what the segments of one interaction tell, in order of time.

    Dicts as in `Story.happened`; `agent` None is somebody outside.
    """
    ordered = sorted(segments, key=lambda one: one.seq)
    joined = {
        one.offer
        for one in ordered
        if one.kind == SegmentKind.CONSULT and one.outcome == "conference"
    }
    found = [line for one in ordered for line in _lines(one, ordered, joined)]
    return sorted(found, key=lambda line: int(line["at_ms"]))


def _lines(
    one: Segment, ordered: Sequence[Segment], joined: set[str | None]
) -> Iterator[dict[str, Any]]:
    facts = {"agent": one.agent}
    match one.kind:
        case SegmentKind.HOLD:
            yield {"at_ms": one.started_ms, "what": "held", **facts}
            if one.outcome == "resumed" and one.ended_ms not in _conferences(ordered):
                yield {"at_ms": one.ended_ms, "what": "resumed", **facts}
        case SegmentKind.CONSULT:
            by = _giver(one, ordered)
            yield {"at_ms": one.started_ms, "what": "consulted", **facts, "by": by}
            # That a colleague was given the call is told by the router.
            if one.ended_ms is not None and (one.outcome != "transferred" or one.agent is None):
                what = "conference" if one.outcome == "conference" else "consult_over"
                yield {"at_ms": one.ended_ms, "what": what, **facts, "by": by,
                       "outcome": one.outcome, "offer": one.offer}  # fmt: skip
        case SegmentKind.TRANSFER if one.outcome != "queued":
            by = _giver(one, ordered)
            what = "rung_again" if by is not None and by == one.agent else "sent_on"
            yield {"at_ms": one.started_ms, "what": what, **facts, "by": by}
            if one.ended_ms is not None and (one.outcome != "answered" or one.agent is None):
                yield {"at_ms": one.ended_ms, "what": "sent_on_over", **facts,
                       "outcome": one.outcome}  # fmt: skip
        case SegmentKind.TALK if one.ended_ms is not None and (
            one.agent is None or (one.offer in joined and _talks_on(one, ordered))
        ):
            yield {"at_ms": one.ended_ms, "what": "parted", **facts}
        case _:
            pass


def _conferences(ordered: Sequence[Segment]) -> set[int | None]:
    """When conferences began: their callers were taken back from hold by that."""
    return {
        one.ended_ms
        for one in ordered
        if one.kind == SegmentKind.CONSULT and one.outcome == "conference"
    }


def _giver(one: Segment, ordered: Sequence[Segment]) -> str | None:
    """Whoever had the call last before."""
    before = [x for x in ordered if x.seq < one.seq and x.kind in TALKS and x.offer != one.offer]
    return before[-1].agent if before else None


def _talks_on(one: Segment, ordered: Sequence[Segment]) -> bool:
    """Whether somebody else had the call when this one left it."""
    ended = one.ended_ms or 0
    return any(
        other.kind in TALKS
        and other.offer != one.offer
        and other.started_ms <= ended
        and (other.ended_ms is None or other.ended_ms > ended)
        for other in ordered
    )
