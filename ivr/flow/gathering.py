"""What may be heard in one go: prompts that lie one behind the other, and the menu after them."""

from __future__ import annotations

from ivr.flow.nodes import LanguageNode, Node, PlayNode, ReturnNode, SayNode

MAX_GATHERED = 8
"""Most items gathered before they are played: bounds one action, whatever the flow."""


def joins(node: Node, gathered: int, *, nested: bool) -> bool:
    """Tell whether a node may follow so many items before they are heard.

    `nested`: within a subflow, where a `return` node leads on.
    """
    match node:
        case PlayNode() | SayNode():
            return node.barge_in and gathered + len(node.items) <= MAX_GATHERED
        case LanguageNode():
            return False
        case _:
            return node.SILENT or node.ASKS_DIGITS or (isinstance(node, ReturnNode) and nested)
