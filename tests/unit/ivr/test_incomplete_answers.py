"""A service whose answer lacks what a callback's talk asked for breaks the node, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from node_flows import document

from ivr.flow.actions import HangUp
from ivr.flow.frame import Facts
from ivr.flow.interpreter import Interpreter
from ivr.flow.outcomes import Found, Keyed, NotFound, Outcome
from pbx.port import Cause, Digits, DigitsEnd

NODE = {
    "type": "callback", "queue": "sales", "prompt": "offer", "accepted": "ok", "declined": "none",
    "failed": "bad", "when": "chosen",
}  # fmt: skip
YES = Keyed(Digits("1", DigitsEnd.COMPLETE))
NUMBER, DIGITS = {"number": "+12025550143"}, {"digits": "2025550143"}
TO_THE_TIME = (YES, NotFound(), Found({**NUMBER, **DIGITS}), YES)


@pytest.mark.parametrize(
    "told",
    [
        (YES, Found({"place": 3})),
        (YES, Found({"callback": "c1"})),
        (YES, NotFound(), Found({})),
        (YES, NotFound(), Found(NUMBER)),
        (YES, NotFound(), Found(DIGITS)),
        (YES, NotFound(), Found({**NUMBER, "digits": 1})),
        (*TO_THE_TIME, Found({"times": ()})),
        (*TO_THE_TIME, Found({"zone": "UTC"})),
        (*TO_THE_TIME, Found({"times": "soon", "zone": "UTC"})),
    ],
)
def test_it_is_as_if_the_service_were_not_there(told: Sequence[Outcome]) -> None:
    walk = Interpreter(document({"a": NODE}), facts=Facts("+12025550143"))
    action = walk.start()
    for outcome in told:
        assert not isinstance(action, HangUp)
        action = walk.resume(outcome)
    assert isinstance(action, HangUp)
    assert action.cause is Cause.FAILED
