"""The flow interpreter: a pure state machine, outcome in → action out.

    start ──► action ──(outcome)──► action ──(outcome)──► … ──► HangUp | Ended

`start` and `resume` walk through nodes until one needs the outside world. What is to be heard on
the way is gathered and given to the menu that follows as one `Collect`: a key pressed during a
greeting then reaches the menu, without a gap between two orders in which it could be lost, and
the PBX is asked once. Where no menu follows, or a key may not interrupt, it becomes one `Play`.

A walk through a call enters at most `MAX_STEPS` nodes, callers' keys included. A flow that goes
on beyond is cut: `cut` is set and the caller goes to the flow's `failed` exit, with a small
budget of its own, then is hung up on. So every walk ends, whatever the flow.

An outcome that does not answer the last action counts as `Broken`.
"""

from __future__ import annotations

from ivr.flow.actions import (
    Action,
    CallerGone,
    Collect,
    Ended,
    EnterQueue,
    HangUp,
    Keyed,
    Outcome,
    Play,
    Played,
    Refused,
    Talked,
)
from ivr.flow.model import (
    FlowDocument,
    GotoNode,
    HangupNode,
    Item,
    MenuNode,
    PlayNode,
    QueueNode,
    SayNode,
)
from pbx.port import Cause, Digits, DigitsEnd

MAX_STEPS = 1_000
FAILED_STEPS = 50
MAX_GATHERED = 8
"""Most items gathered before they are played: bounds one action, whatever the flow."""


class Interpreter:
    """One caller's walk through one flow. `language` None means the flow's own."""

    def __init__(self, flow: FlowDocument, *, language: str | None = None) -> None:
        self._flow = flow
        self._language = language or flow.language
        self._action: Action | None = None
        self._budget = MAX_STEPS
        self._failing = False
        self._path: list[str] = []
        self._heard: list[Item] = []
        self._heard_node = ""
        self._next = ""
        self._invalid = self._timeout = 0
        self.cut = False
        """Whether the flow was cut for going on without end."""

    def start(self, node: str | None = None) -> Action:
        """Begin at the flow's start, or rejoin at `node`; an unknown node means the start."""
        return self._walk(node if node in self._flow.nodes else self._flow.start)

    def after(self, node: str) -> Action:
        """Go on behind the queue node `node`, whose talk is over; others end the call."""
        if isinstance(self._flow.nodes.get(node), QueueNode):
            return self._talked(node)
        return self._done(HangUp(node, (), Cause.NORMAL))

    def resume(self, outcome: Outcome) -> Action:
        """Tell how the last action went; return the next. After the end, returns `Ended`."""
        last = self._action
        if last is None or isinstance(last, HangUp | Ended):
            return self._done(Ended("" if last is None else last.node))
        if isinstance(outcome, CallerGone):
            return self._done(Ended(last.node))
        match last, outcome:
            case Play(), Played():
                return self._walk(self._next)
            case Collect(), Keyed(digits):
                return self._keyed(last, digits)
            case EnterQueue(), Talked():
                return self._talked(last.node)
            case EnterQueue(), Refused():
                node = self._flow.nodes[last.node]
                assert isinstance(node, QueueNode)
                return self._walk(node.failed)
            case _:
                return self._fail(last.node)

    # --- walking ---------------------------------------------------------------------------

    def _walk(self, name: str) -> Action:
        while True:
            if self._budget <= 0:
                self.cut = True
                return self._fail(name)
            node = self._flow.nodes.get(name)
            if node is None:
                return self._fail(name)
            # What was gathered is to be heard before anything that is not more of it or a menu.
            if self._heard and not self._joins(node):
                return self._play(self._heard_node, name)
            self._budget -= 1
            self._path.append(name)
            match node:
                case PlayNode() | SayNode():
                    if not self._heard:
                        self._heard_node = name
                    self._heard.extend(node.items)
                    if not node.barge_in:
                        return self._play(name, node.next)
                    name = node.next
                case GotoNode():
                    name = node.next
                case MenuNode():
                    self._invalid = self._timeout = 0
                    heard, self._heard = tuple(self._heard), []
                    return self._collect(name, node, heard)
                case QueueNode():
                    return self._done(
                        EnterQueue(name, self._way(), node.queue, node.after is not None)
                    )
                case HangupNode():
                    return self._done(HangUp(name, self._way(), node.cause))

    def _joins(self, node: object) -> bool:
        match node:
            case PlayNode() | SayNode():
                return node.barge_in and len(self._heard) + len(node.items) <= MAX_GATHERED
            case MenuNode() | GotoNode():
                return True
            case _:
                return False

    def _play(self, node: str, then: str) -> Action:
        items, self._heard = tuple(self._heard), []
        self._next = then
        return self._done(Play(node, self._way(), items, self._language))

    def _fail(self, name: str) -> Action:
        self._heard = []
        exit_ = self._flow.failed
        if self._failing or exit_ is None:
            return self._done(HangUp(name, self._way(), Cause.FAILED))
        self._failing = True
        self._budget = FAILED_STEPS
        return self._walk(exit_)

    def _talked(self, name: str) -> Action:
        node = self._flow.nodes[name]
        assert isinstance(node, QueueNode)
        if node.after is None:
            return self._done(HangUp(name, (), Cause.NORMAL))
        return self._walk(node.after)

    # --- menus -----------------------------------------------------------------------------

    def _keyed(self, last: Collect, keyed: Digits) -> Action:
        node = self._flow.nodes[last.node]
        assert isinstance(node, MenuNode)
        target = node.keys.get(keyed.digits)
        if target is not None:
            return self._walk(target)
        # A terminator alone completes with no digits: the caller did press a key.
        if keyed.digits or keyed.end is not DigitsEnd.TIMEOUT:
            self._invalid += 1
            retry, tries = node.invalid, self._invalid
        else:
            self._timeout += 1
            retry, tries = node.timeout, self._timeout
        if tries > retry.retries:
            return self._walk(retry.next)
        return self._collect(last.node, node, retry.prompt or ())

    def _collect(self, name: str, node: MenuNode, before: tuple[Item, ...]) -> Action:
        longest = max(map(len, node.keys))
        ends = "#" if longest > 1 and not any("#" in key for key in node.keys) else ""
        return self._done(
            Collect(
                name,
                self._way(),
                (*before, *node.prompt),
                self._language,
                max_digits=longest,
                first_ms=round(node.first_digit_s * 1000),
                next_ms=round(node.next_digit_s * 1000),
                terminators=ends,
            )
        )

    def _way(self) -> tuple[str, ...]:
        way, self._path = tuple(self._path), []
        return way

    def _done(self, action: Action) -> Action:
        self._action = action
        return action
