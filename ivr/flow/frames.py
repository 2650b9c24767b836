"""The flows that a caller is in: the one the call began in, and each subflow on its caller's."""

from __future__ import annotations

from ivr.flow import state
from ivr.flow.expressions import ExpressionFailed
from ivr.flow.frame import Facts, Frame, World
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import QueueNode, ReturnNode, SubflowNode

MAX_DEPTH = 8
"""Most subflows within each other."""


class Frames:
    """A stack of `Frame`, never empty."""

    def __init__(self, root: FlowDocument, facts: Facts, world: World, language: str) -> None:
        self.root = root
        self._facts = facts
        self._world = world
        self._language = language
        self._now_ms = 0
        self._stack = [Frame(root, facts, language)]

    @property
    def top(self) -> Frame:
        """The flow that runs."""
        return self._stack[-1]

    @property
    def nested(self) -> bool:
        """Whether a subflow runs."""
        return len(self._stack) > 1

    @property
    def language(self) -> str:
        """The language the caller hears."""
        return self._language

    @language.setter
    def language(self, language: str) -> None:
        self._language = self.top.language = language

    def time(self, now_ms: int) -> None:
        """Tell the time, in milliseconds since the epoch."""
        self._now_ms = now_ms
        for frame in self._stack:
            frame.now_ms = now_ms

    def queue(self, node: str) -> QueueNode | None:
        """Return the queue node of a name as paths have it; None if the flow that runs has none."""
        waits = self.top.document.nodes.get(node.removeprefix(self.top.prefix))
        return waits if isinstance(waits, QueueNode) else None

    # --- subflows ----------------------------------------------------------------------------

    def call(self, node: SubflowNode) -> str:
        """Begin a subflow; return the node that follows. Raises ExpressionFailed."""
        document = self._world.flow(node.flow)
        if document is None or len(self._stack) >= MAX_DEPTH:
            return node.failed
        given = self.top.evaluate_all(node.give)
        self._push(document, node.flow)
        try:
            for name, value in given.items():
                self.top.set(name, value)
        except ExpressionFailed:
            self._stack.pop()
            raise
        return document.start

    def end(self, node: ReturnNode) -> str:
        """End the subflow that runs; return the node that follows. Raises ExpressionFailed."""
        ended = self._stack.pop()
        caller = self._caller()
        for mine, theirs in caller.take.items():
            self.top.set(mine, ended.variables.get(theirs))
        return caller.returns.get(node.exit, caller.failed)

    def break_off(self) -> str:
        """End the subflow that runs, which is broken; return the node that follows."""
        self._stack.pop()
        return self._caller().failed

    def cut(self) -> None:
        """End all subflows."""
        del self._stack[1:]
        self.top.language = self._language

    def _caller(self) -> SubflowNode:
        """Go on in the flow whose subflow has ended; return the node that called it."""
        self.top.language = self._language
        caller = self.top.document.nodes[self.top.at]
        assert isinstance(caller, SubflowNode)
        return caller

    def _push(self, document: FlowDocument, alias: str) -> None:
        above = self.top
        prefix = f"{above.label(above.at)}."
        frame = Frame(document, self._facts, self._language, prefix, alias)
        frame.now_ms = self._now_ms
        self._stack.append(frame)

    # --- in another process --------------------------------------------------------------------

    def state(self) -> str:
        """Return what `restore` needs in another process, if anything; no secret is in it."""
        # Where the last frame is, is carried as the call's node.
        frames = [(f.alias, "" if f is self.top else f.at, f.shareable()) for f in self._stack]
        if self._language == self.root.language and not self.nested and not frames[0][2]:
            return ""
        return state.pack(self._language, frames)

    def restore(self, packed: str) -> None:
        """Bring variables, language and subflows back; what cannot be read is ignored."""
        found = state.unpack(packed) if packed else None
        if found is None:
            return
        self.language, frames = found
        for index, (alias, at, variables) in enumerate(frames[:MAX_DEPTH]):
            if index:
                document = self._world.flow(alias)
                if document is None or self.top.at not in self.top.document.nodes:
                    return
                self._push(document, alias)
            self.top.at = at
            for name, value in variables.items():
                try:
                    self.top.set(name, value)
                except ExpressionFailed:
                    continue
