"""The nodes of the flow language, version 1.

Every exit that a live call can need is required, so a missing one is found when the file is read.
Times in files are seconds; in the objects too (`…_s`).
"""

from __future__ import annotations

from typing import TypeAlias

from ivr.flow.nodes.base import Node
from ivr.flow.nodes.logic import (
    BranchNode,
    Case,
    EventNode,
    GotoNode,
    HangupNode,
    HoursNode,
    LanguageNode,
    ReturnNode,
    SetNode,
    SubflowNode,
    TagNode,
)
from ivr.flow.nodes.outside import (
    CallbackNode,
    Http,
    IdentifyNode,
    LookupNode,
    QueueNode,
    Record,
    RoutingStep,
    SipAddress,
    Sql,
    TransferNode,
    Url,
    WebhookNode,
)
from ivr.flow.nodes.voice import (
    CollectNode,
    MenuNode,
    PlayNode,
    Question,
    RecordNode,
    Review,
    SayNode,
    SurveyNode,
    VoicemailNode,
)

AnyNode: TypeAlias = (
    PlayNode
    | SayNode
    | MenuNode
    | CollectNode
    | RecordNode
    | BranchNode
    | SetNode
    | HoursNode
    | LookupNode
    | IdentifyNode
    | LanguageNode
    | QueueNode
    | CallbackNode
    | VoicemailNode
    | TransferNode
    | SurveyNode
    | TagNode
    | EventNode
    | WebhookNode
    | SubflowNode
    | ReturnNode
    | GotoNode
    | HangupNode
)

NODE_TYPES: dict[str, type[Node]] = {
    kind.model_fields["type"].annotation.__args__[0]: kind for kind in AnyNode.__args__
}

ENDS = (HangupNode, ReturnNode, TransferNode)
"""Nodes at which a caller's way through a flow can end; a queue is one too, if not `after`."""

__all__ = [
    "ENDS",
    "NODE_TYPES",
    "AnyNode",
    "BranchNode",
    "CallbackNode",
    "Case",
    "CollectNode",
    "EventNode",
    "GotoNode",
    "HangupNode",
    "HoursNode",
    "Http",
    "IdentifyNode",
    "LanguageNode",
    "LookupNode",
    "MenuNode",
    "Node",
    "PlayNode",
    "Question",
    "QueueNode",
    "Record",
    "RecordNode",
    "ReturnNode",
    "Review",
    "RoutingStep",
    "SayNode",
    "SetNode",
    "SipAddress",
    "Sql",
    "SubflowNode",
    "SurveyNode",
    "TagNode",
    "TransferNode",
    "Url",
    "VoicemailNode",
    "WebhookNode",
]
