"""Small flows, as the tests of single nodes play them."""

from __future__ import annotations

from typing import Any

from ivr.flow.frame import Facts
from ivr.flow.model import FlowDocument
from ivr.flow.stage import Run, Stage

OUT = {"next": "ok", "failed": "bad"}

ENDS = ("ok", "bad", "none", "late", "wrong", "locked", "other")

RETRY = {"retries": 1}


def document(nodes: dict[str, Any], **fields: Any) -> FlowDocument:
    ends = {name: {"type": "queue", "queue": name, "failed": "end"} for name in ENDS}
    return FlowDocument.model_validate(
        {
            "sala": 1,
            "start": "a",
            "nodes": {**ends, "end": {"type": "hangup"}, **nodes},
            **fields,
        }
    )


def play(nodes: dict[str, Any], *steps: str, facts: Facts | None = None, **fields: Any) -> Run:
    answers = fields.pop("answers", None)
    world = fields.pop("world", None)
    now_ms = fields.pop("now_ms", 0)
    flow = document(nodes, **fields)
    stage = Stage(flow, facts=facts, world=world, now_ms=now_ms, answers=answers)
    return stage.play(steps)
