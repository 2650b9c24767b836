"""Nodes that need somebody outside."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.actions import (
    Action,
    AskCallback,
    AskWebhook,
    Collect,
    DeclineCallback,
    EnterQueue,
    HangUp,
    Heard,
    LookUpCustomer,
    LookUpHttp,
    LookUpSql,
    Preferred,
    SendCode,
    Transfer,
    Verify,
)
from ivr.flow.behaviour.base import Gone, Note, Steps, Unfit, ms, silent, take
from ivr.flow.behaviour.recall import Ending, Talk, Terms, talk
from ivr.flow.frame import Frame
from ivr.flow.nodes import (
    CallbackNode,
    HangupNode,
    IdentifyNode,
    LookupNode,
    QueueNode,
    TransferNode,
    WebhookNode,
)
from ivr.flow.outcomes import Directed, Done, Found, NotFound, Refused, Talked, Verdict
from pbx.port import Cause


def lookup(node: LookupNode, me: Frame, _: Note) -> Steps:
    """Ask for data, and set the fields found."""
    timeout_ms = ms(node.timeout_s)
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


def identify(node: IdentifyNode, me: Frame, _: Note) -> Steps:
    """Prove the caller by a code."""
    subject = me.evaluate(node.subject)
    if not subject:
        return node.unknown
    if node.send is not None:
        sent = yield SendCode(
            subject=subject,
            digits=node.digits,
            url=node.send.url,
            data=me.evaluate_all(node.send.data),
            timeout_ms=ms(node.send.timeout_s),
        )
        if isinstance(sent, Verdict):
            return node.locked
        if not isinstance(sent, Done):
            return node.unknown if isinstance(sent, Refused) else node.failed
    before: tuple[Heard, ...] = ()
    wrong = silences = 0
    while True:
        keyed = yield from take(
            Collect(
                items=(*before, *me.heard(node.prompt)),
                language=me.language,
                max_digits=node.digits,
                first_ms=ms(node.first_digit_s),
                next_ms=ms(node.next_digit_s),
                terminators="#",
                secret=True,
            ),
            me,
        )
        code = keyed.digits
        if silent(keyed):
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


def queue(node: QueueNode, me: Frame, _: Note) -> Steps:
    """Wait for an agent."""
    outcome = yield EnterQueue(
        queue=node.queue,
        resumes=node.after is not None or bool(node.keys) or node.comfort is not None,
        priority=0 if node.priority is None else me.evaluate(node.priority),
        preferred=tuple(_preferred(node, me)),
        criteria=node.criteria,
        music=node.music,
    )
    if isinstance(outcome, Talked):
        return node.after or HangUp(cause=Cause.NORMAL)
    if isinstance(outcome, Refused):
        return node.turned_away.get(outcome.reason, node.failed)
    raise Unfit


def _preferred(node: QueueNode | CallbackNode, me: Frame) -> Iterator[Preferred]:
    for one in node.prefer:
        agent = "" if one.agent is None else me.evaluate(one.agent)
        if agent or one.last_agent:
            yield Preferred(agent, ms(one.for_s), one.absent == "skip")


_EXITS = {
    Ending.PROMISED: "accepted",
    Ending.KEPT: "accepted",
    Ending.CANCELLED: "declined",
    Ending.DECLINED: "declined",
    Ending.REFUSED: "failed",
}


def callback(node: CallbackNode, me: Frame, _: Note) -> Steps:
    """Offer a callback, and have it promised."""
    own = me.evaluate(node.number)
    if not (own or node.typed):
        return node.failed
    ending = yield from _offered(node, me, own)
    if ending is Ending.DECLINED:
        yield DeclineCallback(queue=node.queue)
    if ending is Ending.UNSTORED:
        return node.unstored or node.failed
    exit_: str = getattr(node, _EXITS[ending])
    return exit_


def _offered(node: CallbackNode, me: Frame, own: str) -> Talk:
    """Offer it; who hangs up before it is promised has declined, too."""
    try:
        for _try in range(node.tries):
            keyed = yield from take(
                Collect(
                    items=me.heard(node.prompt),
                    language=me.language,
                    first_ms=ms(node.first_digit_s),
                ),
                me,
            )
            if keyed.digits == node.accept:
                return (yield from talk(_terms(node, me), own))
            if keyed.digits == node.decline:
                break
    except Gone:
        pass
    return Ending.DECLINED


def _terms(node: CallbackNode, me: Frame) -> Terms:
    priority = 0 if node.priority is None else me.evaluate(node.priority)
    preferred = tuple(_preferred(node, me))

    def promise(number: str, due: int | None, told: int | None) -> AskCallback:
        return AskCallback(
            queue=node.queue,
            number=number,
            language=me.language,
            due_ms=due,
            told_ms=told,
            opening=node.when == "opening",
            priority=priority,
            preferred=preferred,
            criteria=node.criteria,
        )

    return Terms(
        node.queue,
        me.language,
        promise,
        tries=node.tries,
        first_ms=ms(node.first_digit_s),
        confirm=node.confirm,
        typed=node.typed,
        chosen=node.when == "chosen",
    )


def transfer(node: TransferNode, me: Frame, _: Note) -> Steps:
    """Send the caller on."""
    if node.number is not None:
        way, address = "number", me.evaluate(node.number)
    elif node.sip is not None:
        way, address = "sip", node.sip
    else:
        way, address = "agent", node.agent or ""
    if address:
        yield Transfer(way=way, address=address)
    return node.failed


def webhook(node: WebhookNode, me: Frame, _: Note) -> Steps:
    """Ask a service for the next node."""
    outcome = yield AskWebhook(
        url=node.url,
        data=me.evaluate_all(node.data),
        targets=node.targets,
        timeout_ms=ms(node.timeout_s),
    )
    fit = isinstance(outcome, Directed) and outcome.target in node.targets
    return outcome.target if fit and isinstance(outcome, Directed) else node.failed


def hangup(node: HangupNode, _me: Frame, _: Note) -> Steps:
    """End the call."""
    yield from ()  # a generator like the others
    return HangUp(cause=node.cause)
