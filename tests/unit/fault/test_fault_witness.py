"""Who talked with whom is told by the bridge itself, in whatever order news arrive."""

from __future__ import annotations

from typing import Any, cast

from lab.ami import AmiEvent, Moment
from lab.fault.facts import Customer, Facts, Habit
from lab.fault.ground import Ground
from lab.fault.judge import Law, judge
from lab.fault.witness import Witness

FIRST, SECOND = "+14155550001", "+14155550002"
CALLED = "callback-0f-1"


class Watched(Witness):
    """A witness who is told what the PBX tells."""

    def __init__(self) -> None:
        super().__init__(cast(Ground, None))
        for at, number in enumerate((FIRST, SECOND), 1):
            self.customers[number] = Customer(f"c{at:03d}", Habit.ANSWERS)
        self._told(None, 0, "", f"promised {SECOND} 0f")

    def enters(self, channel: str, number: str, call: str = "1.1") -> None:
        self.pbx("BridgeEnter", Channel=channel, CallerIDNum=number, Uniqueid=call)

    def pbx(self, name: str, **fields: str) -> None:
        headers = {key.lower(): value for key, value in fields.items()}
        self._on_pbx(AmiEvent(name, {"bridgeuniqueid": "b1", **headers}, Moment.now()))

    def talks(self) -> list[int]:
        return [len(one.talks) for one in self.customers.values()]


def test_a_talk_is_that_of_the_customer_in_the_bridge() -> None:
    witness = Watched()
    witness.enters("PJSIP/caller-1", FIRST)
    witness.enters("PJSIP/1001-2", FIRST)
    assert witness.talks() == [1, 0]
    witness.pbx("Hangup", Channel="PJSIP/caller-1")
    # The INVITE at the agent's phone may be told after the bridge that came of it.
    witness.enters("PJSIP/trunk-out-3", "<unknown>", CALLED)
    witness.enters("PJSIP/1001-4", SECOND)
    assert witness.talks() == [1, 1]


def test_an_agent_who_is_shown_somebody_else_is_found() -> None:
    witness = Watched()
    witness.enters("PJSIP/trunk-out-3", "<unknown>", CALLED)
    witness.enters("PJSIP/1001-4", FIRST)
    assert witness.talks() == [0, 1]
    facts: Any = Facts(1, 0, 60_000, [], list(witness.customers.values()))
    assert [one.law for one in judge(facts)] == [Law.KNOWN]
