"""How each node that needs the outside world goes: generators, action out, outcome in.

A generator yields actions without a place (the interpreter adds node, path and what was gathered)
and returns the name of the next node, or an action by which the call ends. An outcome that does
not answer the action raises `Unfit`; a value that cannot be had, `ExpressionFailed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ivr.flow.behaviour import asking, outside
from ivr.flow.behaviour.base import Note, Steps, Unfit, parting
from ivr.flow.frame import Frame
from ivr.flow.nodes import (
    CallbackNode,
    CollectNode,
    HangupNode,
    IdentifyNode,
    LookupNode,
    MenuNode,
    Node,
    QueueNode,
    RecordNode,
    SurveyNode,
    TransferNode,
    VoicemailNode,
    WebhookNode,
)

__all__ = ["Steps", "Unfit", "begin", "parting"]

_BEHAVIOURS: dict[type[Node], Callable[[Any, Frame, Note], Steps]] = {
    MenuNode: asking.menu,
    CollectNode: asking.collect,
    RecordNode: asking.record,
    VoicemailNode: asking.voicemail,
    SurveyNode: asking.survey,
    LookupNode: outside.lookup,
    IdentifyNode: outside.identify,
    QueueNode: outside.queue,
    CallbackNode: outside.callback,
    TransferNode: outside.transfer,
    WebhookNode: outside.webhook,
    HangupNode: outside.hangup,
}


def begin(node: Node, me: Frame, note: Note) -> Steps:
    """Return how a node goes; `note` takes what it tells that nobody waits for."""
    return _BEHAVIOURS[type(node)](node, me, note)
