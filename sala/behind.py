"""What follows the queue for a customer who is called back: their flow goes on there, too."""

from __future__ import annotations

from collections.abc import Callable

from crm.records import Callback
from ivr.errors import FlowUnknown
from ivr.flow import state
from ivr.flow.load import Flow
from ivr.flow.nodes import QueueNode
from ivr.library import Library

Way = Callable[[str], tuple[str, str] | None]
"""Gives the flow and the version of it that an interaction went through; None: none is known."""


class Behind:
    """Finds the node behind which a flow goes on when the agent has hung up."""

    def __init__(self, library: Library, way: Way) -> None:
        self._library = library
        self._way = way

    def facts(self, record: Callback) -> dict[str, str]:
        """Return what the customer's call is to carry, for the flow to go on; often nothing.

        It goes on in the version in which the promise was made, behind its queue node for the
        callback's queue. For a queue that it does not name (the callback was moved) it goes on if
        there is but one place to go on at. Of what the caller did before, the language is kept.
        """
        way = self._way(record.interaction or record.id)
        if way is None:
            return {}
        try:
            flow = self._library.version(way[1])
        except FlowUnknown:
            return {}
        node = _node(flow, record.queue or "")
        if not node:
            return {}
        packed = state.pack(record.language, [("", "", {})]) if record.language else ""
        spoken = {name: value for name, value in state.facts(packed).items() if value}
        return {"flow": way[0], "version": flow.version, "node": node, **spoken}


def _node(flow: Flow, queue: str) -> str:
    nodes = flow.document.nodes.items()
    queues = {name: one for name, one in nodes if isinstance(one, QueueNode)}
    own = [name for name, one in queues.items() if one.queue == queue]
    if own:
        return next((name for name in own if queues[name].after), "")
    followed = [name for name, one in queues.items() if one.after]
    places = {queues[name].after for name in followed}
    return followed[0] if len(places) == 1 else ""
