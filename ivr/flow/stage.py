"""A caller and a world on paper: runs a flow without a PBX, for tests and the simulator.

What the caller does is a row of steps: digits (`1`, `4711#`), `silence`, `talk` (an agent answers
and hangs up), `speak 5` (says something for five seconds), `hang up`. What services answer is given
by node. Nothing here waits or draws lots: equal scripts give equal runs.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ivr.flow.actions import (
    Action,
    Answered,
    AskCallback,
    AskWebhook,
    ChangeCallback,
    CheckNumber,
    Collect,
    DeclineCallback,
    Effect,
    Ended,
    EnterQueue,
    FindCallback,
    HangUp,
    Heard,
    KeepVoicemail,
    LanguageKept,
    LookUpCustomer,
    LookUpHttp,
    LookUpSql,
    OfferTimes,
    Phrase,
    Play,
    Raised,
    RecordVoice,
    SendCode,
    Tagged,
    Transfer,
    Verify,
)
from ivr.flow.expressions import Scalar
from ivr.flow.frame import Facts, World
from ivr.flow.interpreter import Interpreter
from ivr.flow.model import FlowDocument
from ivr.flow.outcomes import (
    Broken,
    CallerGone,
    Directed,
    Done,
    Found,
    Keyed,
    NotFound,
    Outcome,
    Played,
    Refused,
    Spoke,
    Talked,
    Verdict,
)
from ivr.flow.parts import Recorded
from pbx.port import Cause, Digits, DigitsEnd

STEP = re.compile(r"[0-9*#]+|silence|talk|hang up|speak \d+(\.\d+)?")
"""What a step of a script looks like."""

_SLOT_MS = 30 * 60_000

Answer = str | Mapping[str, object]
"""What a service answers at a node: `failed`, `missing`, `refused`, `done`, a verdict, the target
of a webhook, or the values a look-up finds."""


@dataclass(slots=True)
class Run:
    """What came of a call so far."""

    path: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """Prompts by their id, texts by their words."""
    ends: str = ""
    """`queued`, `hung up`, `transferred`, `failed`, `caller gone`; `asked` while digits or a
    recording are awaited and the script is over."""
    at: str = ""
    queue: str = ""
    priority: int = 0
    criteria: list[dict[str, int]] = field(default_factory=list)
    language: str = ""
    kept_language: str = ""
    tags: dict[str, Scalar] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    callback: str = ""
    voicemail: str = ""
    transfer: str = ""
    unanswered: str = ""
    """A node whose service was asked, though the script gives it no answer."""
    cut: bool = False


class Stage:
    """One call on paper. `begin`, then `step` as often as wanted; `run` tells what came of it."""

    def __init__(
        self,
        document: FlowDocument,
        *,
        facts: Facts | None = None,
        world: World | None = None,
        now_ms: int = 0,
        language: str | None = None,
        answers: Mapping[str, Sequence[Answer]] | None = None,
    ) -> None:
        self._interpreter = Interpreter(document, language=language, facts=facts, world=world)
        self._now_ms = now_ms
        self._answers = {node: deque(given) for node, given in (answers or {}).items()}
        self._action: Action | None = None
        self._recordings = 0
        self.run = Run()

    @property
    def asks(self) -> Action | None:
        """The action that waits for the caller: digits, a recording, the queue; None: it ended."""
        return None if self.run.ends not in ("asked", "queued") else self._action

    def variables(self) -> list[tuple[str, Scalar]]:
        """Return the variables that are set, without secrets."""
        return self._interpreter.variables()

    def begin(self) -> Run:
        """Start the call."""
        return self._on(self._interpreter.start(now_ms=self._now_ms))

    def step(self, step: str) -> Run:
        """Let the caller do one step; what does not fit where the call is does nothing."""
        action = self._action
        if self.asks is None or action is None:
            return self.run
        if step == "hang up":
            self._interpreter.resume(CallerGone())
            self.run.ends = "caller gone"
            return self.run
        if isinstance(action, EnterQueue):
            return self._in_queue(action, step)
        if isinstance(action, Collect):
            return self._digits(action, "" if step[0] not in "0123456789*#" else step)
        seconds = float(step.removeprefix("speak ")) if step.startswith("speak ") else 0.0
        self._recordings += 1
        spoke = Spoke(f"recording-{self._recordings}" if seconds else "", round(seconds * 1000))
        return self._on(self._interpreter.resume(spoke))

    def play(self, steps: Iterable[str]) -> Run:
        """Start the call and take all steps."""
        self.begin()
        for step in steps:
            self.step(step)
        return self.run

    def _digits(self, action: Collect, keys: str) -> Run:
        taken = ""
        for index, key in enumerate(keys):
            if key in action.terminators:
                return self._typed(Digits(taken, DigitsEnd.COMPLETE), keys[index + 1 :])
            taken += key
            if len(taken) == action.max_digits:
                return self._typed(Digits(taken, DigitsEnd.COMPLETE), keys[index + 1 :])
        return self._typed(Digits(taken, DigitsEnd.TIMEOUT), "")

    def _typed(self, digits: Digits, ahead: str) -> Run:
        self._on(self._interpreter.resume(Keyed(digits)))
        return self.step(ahead) if ahead else self.run

    def _in_queue(self, action: EnterQueue, step: str) -> Run:
        if step == "talk":
            return self._on(self._interpreter.resume(Talked()))
        after = self._interpreter.key(action.node, step, now_ms=self._now_ms)
        return self.run if after is None else self._on(after)

    def _on(self, action: Action) -> Run:
        """Answer actions for the world until one waits for the caller or ends the call."""
        while True:
            self._action = action
            self._note(action)
            outcome = self._answer(action)
            if outcome is None:
                return self.run
            action = self._interpreter.resume(outcome)

    def _answer(self, action: Action) -> Outcome | None:
        run = self.run
        match action:
            case Play():
                return Played()
            case Collect() | RecordVoice():
                run.ends = "asked"
                return None
            case HangUp(cause=cause):
                run.ends = "failed" if cause is Cause.FAILED else "hung up"
                return None
            case Ended():
                run.ends = run.ends or "caller gone"
                return None
            case EnterQueue():
                if self._given(action, "done") == "refused":
                    return Refused()
                run.ends, run.queue, run.priority = "queued", action.queue, action.priority
                run.criteria = [dict(step.skills) for step in action.criteria]
                return None
            case Transfer():
                if self._given(action, "done") != "done":
                    return Refused()
                run.ends, run.transfer = "transferred", action.address
                return None
            case _:
                return self._service(action)

    def _service(self, action: Action) -> Outcome:
        if isinstance(action, CheckNumber):
            return _found(paper_number(action.number))
        if isinstance(action, OfferTimes):
            return Found(paper_times(self._now_ms))
        if isinstance(action, FindCallback):
            return _found(self._waits(action))
        if isinstance(action, ChangeCallback | DeclineCallback):
            self.run.callback = getattr(action, "number", "")
            return Done()
        simple = isinstance(action, AskCallback | KeepVoicemail | SendCode)
        given = self._given(action, "done" if simple else None)
        if given == "failed" or given is None:
            return Broken()
        match action:
            case LookUpHttp() | LookUpSql() | LookUpCustomer():
                return Found(given) if isinstance(given, Mapping) else NotFound()
            case Verify():
                return Verdict(str(given))
            case AskWebhook():
                return Directed(str(given))
            case AskCallback() if given == "done":
                self.run.callback = action.number
                return Done()
            case KeepVoicemail() if given == "done":
                self.run.voicemail = action.mailbox
                return Done()
            case SendCode():
                return Done()
            case _:
                return Refused()

    def _waits(self, action: Action) -> Mapping[str, object] | None:
        """A place in the node's answers: a callback that waits there already."""
        return paper_waits(self._answers.get(action.node))

    def _given(self, action: Action, default: str | None) -> Answer | None:
        if isinstance(action, SendCode):
            return default
        given = self._answers.get(action.node)
        if not given:
            if default is None:
                self.run.unanswered = self.run.unanswered or action.node
            return default
        return given.popleft() if len(given) > 1 else given[0]

    def _note(self, action: Action) -> None:
        run = self.run
        run.path.extend(action.path)
        run.at, run.cut = action.node, self._interpreter.cut
        run.language = self._interpreter.language
        for effect in action.effects:
            self._told(effect)
        if isinstance(action, Play | Collect):
            run.heard.extend(words(item, action.language) for item in action.items)

    def _told(self, effect: Effect) -> None:
        match effect:
            case Tagged(name, value):
                self.run.tags[name] = value
            case Raised(event=event):
                self.run.events.append(event)
            case LanguageKept(language):
                self.run.kept_language = language
            case Answered(question=question, answer=answer):
                self.run.answers[question] = answer


def paper_number(number: str) -> Mapping[str, object] | None:
    """Judge a number on paper: any of 8 to 15 digits may be called."""
    digits = number.removeprefix("+")
    fit = digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 15
    return {"number": number, "digits": digits} if fit else None


def paper_waits(given: deque[Answer] | None) -> Mapping[str, object] | None:
    """Take a callback that waits already from a node's answers, such as `{place: 3}`."""
    if not given or not isinstance(given[0], Mapping):
        return None
    found = given.popleft()
    place = str(found.get("place", "")) if isinstance(found, Mapping) else ""
    return {"callback": "waits", "place": int(place) if place.isdigit() else 0}


def paper_times(now_ms: int) -> Mapping[str, object]:
    """Return times on paper: each half hour of the next three hours, in UTC."""
    first = -(-now_ms // _SLOT_MS) * _SLOT_MS
    starts = range(first, first + 6 * _SLOT_MS, _SLOT_MS)
    return {"times": tuple((at, at + _SLOT_MS) for at in starts), "zone": "UTC"}


def _found(values: Mapping[str, object] | None) -> Outcome:
    return NotFound() if values is None else Found(values)


def words(item: Heard, language: str) -> str:
    """Return what is heard as text: a prompt's id, or the words."""
    if isinstance(item, Recorded):
        return item.prompt
    if isinstance(item, Phrase):
        return " ".join(item.pieces)
    return item.choose(language, language)[1]
