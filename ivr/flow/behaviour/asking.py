"""Nodes that take keys or record."""

from __future__ import annotations

from collections.abc import Generator

from ivr.flow import expressions
from ivr.flow.actions import Action, Answered, Collect, Heard, KeepVoicemail, RecordVoice
from ivr.flow.behaviour.base import Note, Steps, Tries, Unfit, ask, ms, play, silent, take
from ivr.flow.frame import Frame
from ivr.flow.nodes import (
    CollectNode,
    MenuNode,
    RecordNode,
    SurveyNode,
    VoicemailNode,
)
from ivr.flow.outcomes import Done, Outcome, Spoke


def menu(node: MenuNode, me: Frame, _: Note) -> Steps:
    """Take a key of those listed."""
    longest = max(map(len, node.keys))
    ends = "#" if longest > 1 and not any("#" in key for key in node.keys) else ""
    tries = Tries(me, node.invalid, node.timeout)
    before: tuple[Heard, ...] = ()
    while True:
        keyed = yield from take(
            Collect(
                items=(*before, *me.heard(node.prompt)),
                language=me.language,
                max_digits=longest,
                first_ms=ms(node.first_digit_s),
                next_ms=ms(node.next_digit_s),
                terminators=ends,
            ),
            me,
            node.keys,
        )
        if (target := node.keys.get(keyed.digits)) is not None:
            return target
        said = tries.over(silent=silent(keyed))
        if isinstance(said, str):
            return said
        before = said


def collect(node: CollectNode, me: Frame, _: Note) -> Steps:
    """Take digits into a variable."""
    tries = Tries(me, node.invalid, node.timeout)
    before: tuple[Heard, ...] = ()
    while True:
        keyed = yield from take(
            Collect(
                items=(*before, *me.heard(node.prompt)),
                language=me.language,
                max_digits=node.max_digits,
                first_ms=ms(node.first_digit_s),
                next_ms=ms(node.next_digit_s),
                terminators=node.terminator,
                secret=node.secret,
            ),
            me,
        )
        digits = keyed.digits
        if fits(node, digits):
            me.set(node.into, digits)
            return node.next
        said = tries.over(silent=silent(keyed))
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


def _speak(node: RecordNode | VoicemailNode, me: Frame) -> Generator[Action, Outcome, Spoke | None]:
    """Record, let the caller judge if they may, and return the recording that is kept."""
    if node.prompt:
        yield from play(me.heard(node.prompt), me)
    left = node.review.tries if node.review else 1
    while True:
        spoke = yield from ask(
            RecordVoice(
                max_ms=ms(node.max_s),
                silence_ms=ms(node.silence_s),
                terminators=node.terminator,
            ),
            Spoke,
        )
        left -= 1
        if spoke.length_ms < max(ms(node.min_s), 1):
            return None
        if node.review is None or left == 0:
            return spoke
        keyed = yield from take(
            Collect(items=me.heard(node.review.prompt), language=me.language), me
        )
        if keyed.digits != node.review.again:
            return spoke


def record(node: RecordNode, me: Frame, _: Note) -> Steps:
    """Record the caller into a variable."""
    try:
        spoke = yield from _speak(node, me)
    except Unfit:
        return node.failed
    if spoke is None:
        return node.empty
    me.set(node.into, spoke.recording)
    return node.next


def voicemail(node: VoicemailNode, me: Frame, _: Note) -> Steps:
    """Record a message and leave it in a mailbox."""
    try:
        spoke = yield from _speak(node, me)
        if spoke is None:
            return node.empty
        keep = KeepVoicemail(
            mailbox=node.mailbox, recording=spoke.recording, length_ms=spoke.length_ms
        )
        yield from ask(keep, Done)
    except Unfit:
        return node.failed
    return node.next


def survey(node: SurveyNode, me: Frame, note: Note) -> Steps:
    """Ask each question, and note the answers."""
    answered = 0
    for name, question in node.questions.items():
        before: tuple[Heard, ...] = ()
        for _try in range(node.tries):
            keyed = yield from take(
                Collect(
                    items=(*before, *me.heard(question.prompt)),
                    language=me.language,
                    first_ms=ms(node.first_digit_s),
                ),
                me,
            )
            key = keyed.digits
            if key and key in question.keys:
                answered += 1
                note(Answered(node.survey, name, key))
                break
            before = me.heard(node.invalid) if key else ()
    return node.next if answered else node.unanswered
