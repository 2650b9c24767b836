from __future__ import annotations

import json
import sys
from pathlib import Path

from acd.explain import Asked, as_json, as_text, tell
from acd.router import Router, events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig, Step
from acd.router.criteria import Skill
from acd.router.events import Wanted
from acd.router.journal import to_body
from crm.records import JournalEntry

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "replay"))

from journals import entries as random_entries

CONFIG = Configuration(
    1,
    (
        QueueConfig("tax", steps=(Step(Skill("tax", 3), 10_000), Step(Skill("tax", 1), 20_000))),
        QueueConfig("gold", tiers=(("gold", 60_000),)),
    ),
    (
        AgentConfig("ann", ("tax", "gold"), (("tax", 4),)),
        AgentConfig("bob", ("tax", "gold"), (("tax", 2),)),
        AgentConfig("cat", ("gold",)),
    ),
)


class Journal:
    def __init__(self, config: Configuration = CONFIG) -> None:
        self.router = Router(config, "run")
        self.entries: list[JournalEntry] = []
        self.tell(ev.Batch((ev.ConfigChanged(config),)), 0)

    def tell(self, event: ev.Event, now: int) -> list[ev.Decision]:
        decisions = self.router.handle(event, now)
        kind, body = to_body(event, decisions)
        body = json.loads(json.dumps(body))
        self.entries.append(JournalEntry("run", len(self.entries) + 1, now, 1, kind, body))
        return decisions


def clock(ms: int) -> str:
    return f"{ms / 1000:g}"


def offers(decisions: list[ev.Decision]) -> list[str]:
    return [one.offer for one in decisions if isinstance(one, ev.Offer)]


WIDE = "(queue tax and skill tax >= 1) or (queue tax and skill tax >= 3)"
NOT_CAT = (
    "    why not cat: does not meet queue tax (does not serve it) and skill tax >= 1 "
    "(does not have it) and skill tax >= 3 (does not have it)"
)


def a_call() -> Journal:
    """A relaxation, a RONA and an overtake by priority."""
    journal = Journal()
    for at, agent in ((1000, "ann"), (2000, "bob"), (3000, "cat")):
        journal.tell(ev.AgentWants(agent, Wanted.AVAILABLE), at)
    journal.tell(ev.AgentWants("ann", Wanted.PAUSED, "lunch"), 4000)
    journal.tell(ev.Arrived("i1", "tax", 10_000), 10_000)
    (first,) = offers(journal.tell(ev.TimePassed(), 20_000))
    journal.tell(ev.OfferFailed(first, ev.Failure.NO_ANSWER), 23_000)
    journal.tell(ev.Arrived("i2", "tax", 25_000, priority=60_000), 25_000)
    (second,) = offers(journal.tell(ev.AgentWants("ann", Wanted.AVAILABLE), 26_000))
    journal.tell(ev.OfferAccepted(second), 27_000)
    (third,) = offers(journal.tell(ev.AgentWants("bob", Wanted.AVAILABLE), 28_000))
    journal.tell(ev.OfferAccepted(third), 29_000)
    journal.tell(ev.Ended("i1", "bob"), 40_000)
    return journal


def test_a_relaxation_a_rona_and_an_overtake_are_told() -> None:
    asked = Asked("i1", ("ann", "cat", "zoe"), ("i2",))
    story = tell("run", a_call().entries, asked, clock)
    assert as_text(story, clock).splitlines() == [
        "Interaction i1",
        "10  came to tax: place 1",
        "    step 1 of 2: asks for queue tax and skill tax >= 3, for 10 s",
        "    may take it: ann (paused (lunch))",
        "    why not ann: was paused (lunch)",
        "    why not cat: does not meet queue tax (does not serve it) and "
        "skill tax >= 3 (does not have it)",
        "    why not zoe: is not an agent of this floor",
        f"20  step 2 of 2: asks for {WIDE}, for 20 s",
        "20  offered to bob, to ring 20 s",
        f"    in force: step 2 of 2: asks for {WIDE}, for 20 s",
        "    eligible and free: bob",
        "    eligible, not free: ann (paused (lunch))",
        "    chosen: bob was the only one of them free",
        "    why not ann: was paused (lunch)",
        NOT_CAT,
        "    why not zoe: is not an agent of this floor",
        "23  bob did not answer (RONA): it is back at its exact place, 1; bob is paused",
        "25  place 2: i2 went ahead of it: its priority gives it a head start of 60 s",
        "26  i2 went before it, to ann: its priority gives it a head start of 60 s",
        "27  place 1: i2 was answered by ann",
        "28  offered to bob, to ring 20 s",
        f"    in force: step 2 of 2: asks for {WIDE}, for 20 s",
        "    eligible and free: bob",
        "    eligible, not free: ann (on contact with i2)",
        "    chosen: bob was the only one of them free",
        "    why not ann: was on contact with i2",
        NOT_CAT,
        "    why not zoe: is not an agent of this floor",
        "29  bob answered",
        "40  the contact with bob ended",
    ]
    assert json.loads(json.dumps(as_json(story)))["happened"][0]["what"] == "came"


def test_the_key_that_lost_is_named() -> None:
    journal = Journal()
    for at, agent in ((1000, "cat"), (2000, "ann"), (3000, "bob")):
        journal.tell(ev.AgentWants(agent, Wanted.AVAILABLE), at)
    journal.tell(ev.Arrived("i1", "gold", 9_000), 9_000)
    text = as_text(tell("run", journal.entries, Asked("i1", ("bob",)), clock), clock)
    assert "chosen: before ann by idle since (longest_idle): 2 against 1" in text
    assert (
        "why not bob: was free, but came after cat by idle since (longest_idle): 3 against 1"
        in text
    )


def test_one_who_waits_in_another_queue_is_told_apart() -> None:
    journal = Journal()
    journal.tell(ev.Arrived("i1", "tax", 9_000), 9_000)
    journal.tell(ev.Arrived("i2", "gold", 10_000, tier="gold"), 10_000)
    journal.tell(ev.Arrived("i3", "gold", 11_000), 11_000)
    journal.tell(ev.AgentWants("cat", Wanted.AVAILABLE), 12_000)
    text = as_text(tell("run", journal.entries, Asked("i1", (), ("i2", "i3")), clock), clock)
    assert (
        "12  i2 went before it, to cat: cat may not take i1: does not meet queue tax "
        "(does not serve it) and skill tax >= 3 (does not have it)" in text
    )
    assert "i3 did not go before it" in text
    other = as_text(tell("run", journal.entries, Asked("i3"), clock), clock)
    assert "11  came to gold: place 2, behind i2" in other


def test_one_who_hangs_up_and_one_never_heard_of() -> None:
    journal = Journal()
    journal.tell(ev.Arrived("i1", "tax", 9_000), 9_000)
    journal.tell(ev.Left("i1"), 12_000)
    assert as_text(tell("run", journal.entries, Asked("i1"), clock), clock).endswith(
        "12  the caller hung up\n"
    )
    unknown = as_text(tell("run", journal.entries, Asked("i9"), clock), clock)
    assert "told nothing of it" in unknown


def test_any_interaction_of_any_day_can_be_told_without_changing_a_decision() -> None:
    from acd.explain.story import Story, Teller
    from acd.replay import difference

    for seed in range(6):
        journal = random_entries(seed, 250)
        names = sorted({e.body["interaction"] for e in journal if e.kind == "arrived"})
        for name in names[::7]:
            story = Story(Asked(name, ("1", "2", "3"), tuple(names[:5])))
            teller = Teller("run", story.asked, story, clock)
            for entry in journal:
                assert difference(teller.feed(entry)) is None
            assert as_text(story, clock)
            json.dumps(as_json(story))
