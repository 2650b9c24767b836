"""Who talked with whom is told by the bridge itself, in whatever order news arrive."""

from __future__ import annotations

from typing import Any, cast

from lab.ami import AmiEvent, Moment
from lab.fault.facts import Customer, Facts, Habit, Span, Way
from lab.fault.ground import Ground
from lab.fault.judge import Law, judge
from lab.fault.witness import Witness, waits_no_more

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

    def pbx(self, name: str, at: float = 0.0, **fields: str) -> None:
        headers = {key.lower(): value for key, value in fields.items()}
        when = Moment.at(at) if at else Moment.now()
        self._on_pbx(AmiEvent(name, {"bridgeuniqueid": "b1", **headers}, when))

    def invited(self, agent: str, number: str, at: int) -> None:
        self._offered(agent, number, at)

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


def test_who_hangs_up_in_line_does_not_wait_once_more() -> None:
    witness = Watched()
    customer = witness.customers[SECOND]
    customer.way = Way.CUSTOMER
    witness.pbx("Newexten", at=100.0, Uniqueid=CALLED, Context="sala-wait", Extension="s")
    waits_no_more(customer, 104_000)  # their phone's leg is gone
    witness.pbx("Newexten", at=104.1, Uniqueid=CALLED, Context="sala-wait", Extension="h")
    assert customer.waits == [Span(100_000, 104_000)]


def test_an_offer_is_made_when_the_leg_is_though_its_invite_comes_late() -> None:
    witness = Watched()
    witness.pbx("Newchannel", at=100.0, Channel="PJSIP/1001-2")
    witness.pbx("Newchannel", at=100.2, Channel="PJSIP/1002-3")
    witness.invited("1001", FIRST, 100_050)
    # Two packets were lost, and the events of this link are told behind those of the phones.
    witness.invited("1001", SECOND, 111_510)
    witness.pbx("Newchannel", at=110.0, Channel="PJSIP/1001-4")
    witness.settle()
    assert [one.offers for one in witness.customers.values()] == [[100_000], [110_000]]


def test_an_offer_of_which_the_pbx_told_nothing_is_made_when_its_invite_comes() -> None:
    witness = Watched()
    witness.pbx("Newchannel", at=100.0, Channel="PJSIP/1001-2")
    witness.invited("1001", FIRST, 200_000)
    witness.settle()
    assert witness.customers[FIRST].offers == [200_000]


def test_an_offer_is_made_by_its_own_leg_though_that_is_told_later_than_its_invite() -> None:
    witness = Watched()
    witness.pbx("Newchannel", at=100.0, Channel="PJSIP/1001-2")
    witness.invited("1001", FIRST, 100_050)
    # Times are those of two PBXes' event queues, and each may lag behind what it tells of.
    witness.pbx("Newchannel", at=110.02, Channel="PJSIP/1001-4")
    witness.invited("1001", SECOND, 110_000)
    witness.settle()
    assert [one.offers for one in witness.customers.values()] == [[100_000], [110_020]]
