"""The flow interpreter: a pure state machine, outcome in → action out.

    start ──► action ──(outcome)──► action ──(outcome)──► … ──► HangUp | Ended

`start` and `resume` walk through nodes until one needs the outside world. What is to be heard on
the way is gathered and given to the menu that follows as one `Collect`: a key pressed during a
greeting then reaches the menu, without a gap between two orders in which it could be lost, and
the PBX is asked once. Where nothing that takes digits follows, or a key may not interrupt, it
becomes one `Play`.

A walk through a call enters at most `MAX_STEPS` nodes, callers' keys included. A flow that goes
on beyond is cut: `cut` is set and the caller goes to the flow's `failed` exit, with a small
budget of its own, then is hung up on. So every walk ends, whatever the flow.

An outcome that does not answer the last action counts as `Broken`. A subflow that breaks takes the
`failed` exit of the node that called it.
"""

from __future__ import annotations

from dataclasses import replace

from ivr.flow.actions import (
    Action,
    Collect,
    Effect,
    Ended,
    HangUp,
    Heard,
    LanguageKept,
    Play,
    Raised,
    Tagged,
)
from ivr.flow.behaviour import Steps, Unfit, begin, parting
from ivr.flow.expressions import ExpressionFailed, Scalar
from ivr.flow.frame import Facts, Frame, World
from ivr.flow.frames import Frames
from ivr.flow.gathering import joins
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import (
    BranchNode,
    EventNode,
    GotoNode,
    HoursNode,
    LanguageNode,
    Node,
    PlayNode,
    ReturnNode,
    SayNode,
    SetNode,
    SubflowNode,
    TagNode,
)
from ivr.flow.outcomes import CallerGone, Outcome, Played
from pbx.port import Cause

MAX_STEPS = 1_000
FAILED_STEPS = 50


class Interpreter:
    """One caller's walk through one flow. `language` None means the caller's or the flow's own."""

    def __init__(
        self,
        flow: FlowDocument,
        *,
        language: str | None = None,
        facts: Facts | None = None,
        world: World | None = None,
    ) -> None:
        facts, self._world = facts or Facts(), world or World()
        known = facts.language if facts.language in flow.served else ""
        language = language or known or flow.language
        self._frames = Frames(flow, facts, self._world, language)
        self._action: Action | None = None
        self._steps: Steps | None = None
        self._budget = MAX_STEPS
        self._failing = False
        self._path: list[str] = []
        self._effects: list[Effect] = []
        self._heard: list[Heard] = []
        self._heard_node = ""
        self._next = ""
        self._gone = False
        self.cut = False
        """Whether the flow was cut for going on without end."""

    @property
    def language(self) -> str:
        """The language the caller hears now."""
        return self._frames.language

    def variables(self) -> list[tuple[str, Scalar]]:
        """Return the variables that are set, without secrets."""
        return sorted(self._frame.shareable().items())

    def start(self, node: str | None = None, *, now_ms: int = 0) -> Action:
        """Begin at the flow's start, or rejoin at `node`; an unknown node means the start.

        `node` may be one of a subflow (`pay.ask`): it is begun anew, from the node that calls it,
        unless `restore` brought its frames back.
        """
        self._frames.time(now_ms)
        top, name = self._frame, node or ""
        name = name.removeprefix(top.prefix)
        if not self._frames.nested:
            name = name.partition(".")[0]
        return self._walk(name if name in top.document.nodes else self._frames.root.start)

    def after(self, node: str, *, now_ms: int = 0) -> Action:
        """Go on behind the queue node `node`, whose talk is over; others end the call."""
        waits = self._frames.queue(node)
        return self._behind(node, waits.after if waits else None, now_ms)

    def left(self, node: str, reason: str, *, now_ms: int = 0) -> Action:
        """Go on behind the queue node `node`, whose queue lets the caller wait no more."""
        waits = self._frames.queue(node)
        target = waits.turned_away.get(reason, waits.failed) if waits else None
        return self._behind(node, target, now_ms)

    def key(self, node: str, key: str, *, now_ms: int = 0) -> Action | None:
        """Go on by a key that a caller pressed who waits at queue node `node`; None: no exit."""
        waits = self._frames.queue(node)
        return self._behind(node, waits.keys[key], now_ms) if waits and key in waits.keys else None

    def comfort(self, node: str) -> tuple[Heard, ...]:
        """Return what who waits at queue node `node` is to hear now and then; often nothing."""
        waits = self._frames.queue(node)
        try:
            return self._frame.heard(waits.comfort) if waits else ()
        except ExpressionFailed:
            return ()

    def resume(self, outcome: Outcome, *, now_ms: int | None = None) -> Action:
        """Tell how the last action went; return the next. After the end, returns `Ended`.

        When the caller has hung up, one action more may follow, which needs no caller.
        """
        if now_ms is not None:
            self._frames.time(now_ms)
        last = self._action
        if last is None or isinstance(last, HangUp | Ended):
            return self._done(Ended("" if last is None else last.node))
        if self._gone or isinstance(outcome, CallerGone):
            return self._left(last.node)
        if self._steps is not None:
            target = self._step(outcome)
            return self._walk(target) if isinstance(target, str) else target
        if isinstance(outcome, Played):
            return self._walk(self._next)
        return self._fail()

    def state(self) -> str:
        """Return what `restore` needs in another process, if anything; no secret is in it."""
        return self._frames.state()

    def restore(self, packed: str) -> None:
        """Bring variables, language and subflows back; what cannot be read is ignored."""
        self._frames.restore(packed)

    # --- walking ---------------------------------------------------------------------------

    @property
    def _frame(self) -> Frame:
        return self._frames.top

    def _walk(self, name: str) -> Action:
        while True:
            frame = self._frame
            if self._budget <= 0:
                self.cut = True
                self._frames.cut()
                return self._fail(frame.label(name))
            node = frame.document.nodes.get(name)
            if node is None:
                frame.at = name
                return self._fail()
            # What was gathered is to be heard before anything that is not more of it or a menu.
            gathered, nested = len(self._heard), self._frames.nested
            if gathered and not joins(node, gathered, nested=nested):
                return self._play(self._heard_node, name, keep=True)
            self._budget -= 1
            self._path.append(frame.label(name))
            frame.at = name
            target = self._enter(name, node)
            if not isinstance(target, str):
                return target
            name = target

    def _enter(self, name: str, node: Node) -> str | Action:
        """Do what a node does at once; return the next node's name, or what it asks for."""
        try:
            if isinstance(node, PlayNode | SayNode):
                return self._gather(name, node)
            if node.SILENT or isinstance(node, ReturnNode):
                return self._silent(node)
        except ExpressionFailed:
            return self._failed_exit()
        self._steps = begin(node, self._frame, self._tell)
        return self._step(None)

    def _step(self, outcome: Outcome | None) -> str | Action:
        steps = self._steps
        assert steps is not None
        try:
            action = next(steps) if outcome is None else steps.send(outcome)
        except StopIteration as stop:
            self._steps = None
            return stop.value if isinstance(stop.value, str) else self._ask(stop.value)
        except ExpressionFailed:
            self._steps = None
            return self._failed_exit()
        except Unfit:
            self._steps = None
            return self._fail()
        return self._ask(action)

    def _gather(self, name: str, node: PlayNode | SayNode) -> str | Action:
        items = self._frame.heard(node.items)
        if not self._heard:
            self._heard_node = self._frame.label(name)
        self._heard.extend(items)
        if node.barge_in:
            return node.next
        return self._play(self._frame.label(name), node.next, keep=False)

    def _silent(self, node: Node) -> str | Action:
        frame = self._frame
        match node:
            case GotoNode():
                return node.next
            case BranchNode():
                for case in node.cases:
                    if frame.evaluate(case.when):
                        return case.next
                return node.otherwise
            case SetNode():
                for name, value in frame.evaluate_all(node.values).items():
                    frame.set(name, value)
                return node.next
            case HoursNode():
                return frame.hours(node, self._world)
            case LanguageNode():
                self._frames.language = node.language
                if node.keep:
                    self._effects.append(LanguageKept(node.language))
                return node.next
            case TagNode():
                for name, value in frame.evaluate_all(node.tags).items():
                    self._effects.append(Tagged(name, value))
                return node.next
            case EventNode():
                self._effects.append(Raised(node.event, frame.evaluate_all(node.data)))
                return node.next
            case SubflowNode():
                return self._frames.call(node)
            case ReturnNode():
                if not self._frames.nested:
                    return self._ask(HangUp(cause=Cause.NORMAL))
                return self._frames.end(node)
            case _:
                raise AssertionError(node)

    def _play(self, node: str, then: str, *, keep: bool) -> Action:
        items, self._heard = tuple(self._heard), []
        self._next = then
        way, told = self._way(), self._told()
        return self._done(Play(node, way, items, self.language, keep, effects=told))

    def _ask(self, action: Action) -> Action:
        """Give an action its place, and a taking of digits what was gathered."""
        heard, self._heard = tuple(self._heard), []
        placed = replace(
            action,
            node=self._frame.label(self._frame.at),
            path=self._way(),
            effects=self._told(),
        )
        if heard and isinstance(placed, Collect):
            placed = replace(placed, items=(*heard, *placed.items))
        return self._done(placed)

    def _left(self, node: str) -> Action:
        steps, self._steps, self._gone = self._steps, None, True
        yet = parting(steps) if steps is not None else None
        return self._ask(yet) if yet else self._done(Ended(node, effects=self._told()))

    # --- what goes wrong -------------------------------------------------------------------

    def _failed_exit(self) -> str | Action:
        node = self._frame.document.nodes[self._frame.at]
        target = getattr(node, "failed", None)
        return target if isinstance(target, str) else self._fail()

    def _fail(self, place: str | None = None) -> Action:
        self._heard, self._steps = [], None
        node = self._frame.label(self._frame.at) if place is None else place
        if self._frames.nested:
            return self._walk(self._frames.break_off())
        exit_ = self._frames.root.failed
        if self._failing or exit_ is None:
            return self._done(HangUp(node, self._way(), Cause.FAILED, effects=self._told()))
        self._failing = True
        self._budget = FAILED_STEPS
        return self._walk(exit_)

    # --- behind a queue --------------------------------------------------------------------

    def _behind(self, node: str, target: str | None, now_ms: int) -> Action:
        self._frames.time(now_ms)
        if self._frames.queue(node) is not None:
            self._frame.at = node.removeprefix(self._frame.prefix)
            if target is not None:
                return self._walk(target)
        return self._done(HangUp(node, (), Cause.NORMAL))

    def _way(self) -> tuple[str, ...]:
        way, self._path = tuple(self._path), []
        return way

    def _tell(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _told(self) -> tuple[Effect, ...]:
        told, self._effects = tuple(self._effects), []
        return told

    def _done(self, action: Action) -> Action:
        self._action = action
        return action
