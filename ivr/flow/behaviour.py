"""How each node that needs the outside world goes: generators, action out, outcome in.

A generator yields actions without a place (the interpreter adds node, path and what was gathered)
and returns the name of the next node, or an action by which the call ends. An outcome that does
not answer the action raises `Unfit`; a value that cannot be had, `ExpressionFailed`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from ivr.flow import expressions
from ivr.flow.actions import (
    Action,
    Answered,
    AskCallback,
    AskWebhook,
    Collect,
    Directed,
    Done,
    Effect,
    EnterQueue,
    Found,
    HangUp,
    Heard,
    Keyed,
    KeepVoicemail,
    LookUpCustomer,
    LookUpHttp,
    LookUpSql,
    NotFound,
    Outcome,
    Play,
    Played,
    RecordVoice,
    Refused,
    SendCode,
    Spoke,
    Talked,
    Transfer,
    Verdict,
    Verify,
)
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
from ivr.flow.parts import Retry
from pbx.port import Cause, Digits, DigitsEnd

Steps: TypeAlias = Generator[Action, Outcome, "str | Action"]
Note: TypeAlias = Callable[[Effect], None]
_T = TypeVar("_T")


class Unfit(Exception):  # noqa: N818
    """An outcome that does not answer the action: the node is broken."""


def begin(node: Node, me: Frame, note: Note) -> Steps:
    """Return how a node goes; `note` takes what it tells that nobody waits for."""
    return _BEHAVIOURS[type(node)](node, me, note)


def _ask(action: Action, *kinds: type[_T]) -> Generator[Action, Outcome, _T]:
    outcome = yield action
    if not isinstance(outcome, kinds):
        raise Unfit
    return outcome


def _silent(digits: Digits) -> bool:
    # A terminator alone completes with no digits: the caller did press a key.
    return not digits.digits and digits.end is DigitsEnd.TIMEOUT


class _Tries:
    """Counts wrong keys and silences against their retries."""

    def __init__(self, me: Frame, invalid: Retry, timeout: Retry) -> None:
        self._me = me
        self._retries = {False: invalid, True: timeout}
        self._counts = {False: 0, True: 0}

    def over(self, *, silent: bool) -> str | tuple[Heard, ...]:
        """Count one; return where it ends, or what is said before the next try."""
        self._counts[silent] += 1
        retry = self._retries[silent]
        if self._counts[silent] > retry.retries:
            return retry.next
        return self._me.heard(retry.prompt)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _menu(node: MenuNode, me: Frame, _: Note) -> Steps:
    longest = max(map(len, node.keys))
    ends = "#" if longest > 1 and not any("#" in key for key in node.keys) else ""
    tries = _Tries(me, node.invalid, node.timeout)
    before: tuple[Heard, ...] = ()
    while True:
        keyed = yield from _ask(
            Collect(
                items=(*before, *me.heard(node.prompt)),
                language=me.language,
                max_digits=longest,
                first_ms=_ms(node.first_digit_s),
                next_ms=_ms(node.next_digit_s),
                terminators=ends,
            ),
            Keyed,
        )
        if (target := node.keys.get(keyed.digits.digits)) is not None:
            return target
        said = tries.over(silent=_silent(keyed.digits))
        if isinstance(said, str):
            return said
        before = said


def _collect(node: CollectNode, me: Frame, _: Note) -> Steps:
    tries = _Tries(me, node.invalid, node.timeout)
    before: tuple[Heard, ...] = ()
    while True:
        keyed = yield from _ask(
            Collect(
                items=(*before, *me.heard(node.prompt)),
                language=me.language,
                max_digits=node.max_digits,
                first_ms=_ms(node.first_digit_s),
                next_ms=_ms(node.next_digit_s),
                terminators=node.terminator,
                secret=node.secret,
            ),
            Keyed,
        )
        digits = keyed.digits.digits
        if fits(node, digits):
            me.set(node.into, digits)
            return node.next
        said = tries.over(silent=_silent(keyed.digits))
        if isinstance(said, str):
            return said
        before = said


def fits(node: CollectNode, digits: str) -> bool:
    """Tell whether digits are what a node asks for. Raises ExpressionFailed for a bad pattern."""
    return (
        node.min_digits <= len(digits) <= node.max_digits
        and (node.pattern is None or expressions.matches(node.pattern, digits))
        and (node.checksum is None or luhn(digits))
    )


def luhn(digits: str) -> bool:
    """Tell whether digits end in their own Luhn check digit (ISO/IEC 7812-1, annex B)."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _speak(
    node: RecordNode | VoicemailNode, me: Frame
) -> Generator[Action, Outcome, Spoke | None]:
    """Record, let the caller judge if they may, and return the recording that is kept."""
    if node.prompt:
        yield from _play(me.heard(node.prompt), me)
    left = node.review.tries if node.review else 1
    while True:
        spoke = yield from _ask(
            RecordVoice(
                max_ms=_ms(node.max_s),
                silence_ms=_ms(node.silence_s),
                terminators=node.terminator,
            ),
            Spoke,
        )
        left -= 1
        if spoke.length_ms < max(_ms(node.min_s), 1):
            return None
        if node.review is None or left == 0:
            return spoke
        keyed = yield from _ask(
            Collect(items=me.heard(node.review.prompt), language=me.language), Keyed
        )
        if keyed.digits.digits != node.review.again:
            return spoke


def _play(items: tuple[Heard, ...], me: Frame) -> Generator[Action, Outcome, None]:
    yield from _ask(Play(items=items, language=me.language), Played)


def _record(node: RecordNode, me: Frame, _: Note) -> Steps:
    try:
        spoke = yield from _speak(node, me)
    except Unfit:
        return node.failed
    if spoke is None:
        return node.empty
    me.set(node.into, spoke.recording)
    return node.next


def _voicemail(node: VoicemailNode, me: Frame, _: Note) -> Steps:
    try:
        spoke = yield from _speak(node, me)
        if spoke is None:
            return node.empty
        keep = KeepVoicemail(
            mailbox=node.mailbox, recording=spoke.recording, length_ms=spoke.length_ms
        )
        yield from _ask(keep, Done)
    except Unfit:
        return node.failed
    return node.next


def _lookup(node: LookupNode, me: Frame, _: Note) -> Steps:
    timeout_ms = _ms(node.timeout_s)
    ask: Action
    if node.http is not None:
        ask = LookUpHttp(
            http=node.http,
            query=me.evaluate_all(node.http.query),
            body=me.evaluate_all(node.http.body),
            fields=node.fields,
            timeout_ms=timeout_ms,
        )
    elif node.sql is not None:
        ask = LookUpSql(
            query=node.sql.query,
            values=tuple(map(me.evaluate, node.sql.values)),
            fields=node.fields,
            timeout_ms=timeout_ms,
        )
    else:
        assert node.customer is not None
        identity = node.customer.identity
        ask = LookUpCustomer(
            kind=node.customer.kind,
            identity=None if identity is None else me.evaluate(identity),
            fields=node.fields,
            timeout_ms=timeout_ms,
        )
    outcome = yield ask
    if isinstance(outcome, NotFound):
        return node.missing
    if not isinstance(outcome, Found):
        return node.failed
    for name in node.fields:
        me.set(f"{node.into}.{name}", outcome.values.get(name))
    return node.next


def _identify(node: IdentifyNode, me: Frame, _: Note) -> Steps:
    subject = me.evaluate(node.subject)
    if not subject:
        return node.unknown
    if node.method == "otp":
        sent = yield SendCode(subject=subject, digits=node.digits)
        if not isinstance(sent, Done):
            return node.unknown if isinstance(sent, Refused) else node.failed
    before: tuple[Heard, ...] = ()
    wrong = silences = 0
    while True:
        keyed = yield from _ask(
            Collect(
                items=(*before, *me.heard(node.prompt)),
                language=me.language,
                max_digits=node.digits,
                first_ms=_ms(node.first_digit_s),
                next_ms=_ms(node.next_digit_s),
                terminators="#",
                secret=True,
            ),
            Keyed,
        )
        code = keyed.digits.digits
        if _silent(keyed.digits):
            silences += 1
            if silences > node.timeout.retries:
                return node.timeout.next
            before = me.heard(node.timeout.prompt)
            continue
        # What cannot be a code is no guess, so it is not held against the customer's tries.
        if len(code) == node.digits and code.isdigit():
            verdict = yield Verify(method=node.method, subject=subject, code=code)
            if not isinstance(verdict, Verdict):
                return node.failed
            ends = {"proved": node.next, "locked": node.locked, "unknown": node.unknown}
            if (end := ends.get(verdict.verdict)) is not None:
                return end
        wrong += 1
        if wrong >= node.tries:
            return node.refused
        before = me.heard(node.wrong)


def _queue(node: QueueNode, me: Frame, _: Note) -> Steps:
    outcome = yield EnterQueue(
        queue=node.queue,
        resumes=node.after is not None or bool(node.keys),
        priority=0 if node.priority is None else me.evaluate(node.priority),
        criteria=node.criteria,
        music=node.music,
    )
    if isinstance(outcome, Talked):
        return node.after or HangUp(cause=Cause.NORMAL)
    if isinstance(outcome, Refused):
        return node.failed
    raise Unfit


def _callback(node: CallbackNode, me: Frame, _: Note) -> Steps:
    number = me.evaluate(node.number)
    if not number:
        return node.failed
    for _try in range(node.tries):
        keyed = yield from _ask(
            Collect(
                items=me.heard(node.prompt),
                language=me.language,
                first_ms=_ms(node.first_digit_s),
            ),
            Keyed,
        )
        if keyed.digits.digits == node.accept:
            outcome = yield AskCallback(queue=node.queue, number=number)
            return node.accepted if isinstance(outcome, Done) else node.failed
        if keyed.digits.digits == node.decline:
            break
    return node.declined


def _survey(node: SurveyNode, me: Frame, note: Note) -> Steps:
    answered = 0
    for name, question in node.questions.items():
        before: tuple[Heard, ...] = ()
        for _try in range(node.tries):
            keyed = yield from _ask(
                Collect(
                    items=(*before, *me.heard(question.prompt)),
                    language=me.language,
                    first_ms=_ms(node.first_digit_s),
                ),
                Keyed,
            )
            key = keyed.digits.digits
            if key and key in question.keys:
                answered += 1
                note(Answered(node.survey, name, key))
                break
            before = me.heard(node.invalid) if key else ()
    return node.next if answered else node.unanswered


def _transfer(node: TransferNode, me: Frame, _: Note) -> Steps:
    if node.number is not None:
        way, address = "number", me.evaluate(node.number)
    elif node.sip is not None:
        way, address = "sip", node.sip
    else:
        way, address = "agent", node.agent or ""
    if address:
        yield Transfer(way=way, address=address)
    return node.failed


def _webhook(node: WebhookNode, me: Frame, _: Note) -> Steps:
    outcome = yield AskWebhook(
        url=node.url,
        data=me.evaluate_all(node.data),
        targets=node.targets,
        timeout_ms=_ms(node.timeout_s),
    )
    fit = isinstance(outcome, Directed) and outcome.target in node.targets
    return outcome.target if fit and isinstance(outcome, Directed) else node.failed


def _hangup(node: HangupNode, _me: Frame, _: Note) -> Steps:
    return HangUp(cause=node.cause)
    yield  # a generator like the others


_BEHAVIOURS: dict[type[Node], Callable[[Any, Frame, Note], Steps]] = {
    MenuNode: _menu,
    CollectNode: _collect,
    RecordNode: _record,
    VoicemailNode: _voicemail,
    LookupNode: _lookup,
    IdentifyNode: _identify,
    QueueNode: _queue,
    CallbackNode: _callback,
    SurveyNode: _survey,
    TransferNode: _transfer,
    WebhookNode: _webhook,
    HangupNode: _hangup,
}
