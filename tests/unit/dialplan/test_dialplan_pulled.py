"""Whatever a call does when it is pulled away, what is left of it ends in `sala-pulled`."""

from __future__ import annotations

from pathlib import Path

from pbx.dialplan.match import extension_of
from pbx.dialplan.read import read

ROOT = Path(__file__).resolve().parents[3]
TAKE_TIME = frozenset(
    {"AGI", "AMD", "Bridge", "ConfBridge", "Congestion", "Dial", "MusicOnHold", "Playback", "Wait"}
    | {"WaitExten"}
)
NOT_PULLED = frozenset({"sala-survival", "sala-sip"})
"""Contexts of calls that nobody is offered; to a SIP host outside, neither side may transfer."""


PLAN = read(ROOT / "dialplans" / "asterisk" / "extensions.conf")


def test_every_context_in_which_a_call_may_be_pulled_away_ends_what_is_left() -> None:
    holding = {
        name
        for name, context in PLAN.contexts.items()
        for extension in context.extensions.values()
        if any(step.application in TAKE_TIME for step in extension.steps.values())
    }
    assert {"sala-wait", "sala-hold", "sala-held", "sala-away"} < holding
    assert {name for name in holding if not ends(name)} == NOT_PULLED


def ends(name: str) -> bool:
    """Whether a call that is over in a context comes to the `h` of `sala-pulled`."""
    found = extension_of(PLAN, PLAN.contexts[name], "h")
    if found is None or found is PLAN.contexts["sala-pulled"].extensions["h"]:
        return found is not None
    first = found.ordered[0]
    return (first.application, first.data) == ("Goto", "sala-pulled,h,1")


def test_no_call_that_ends_is_taken_for_one_that_dials_h() -> None:
    found = {name: extension_of(PLAN, context, "h") for name, context in PLAN.contexts.items()}
    matched = {name for name, one in found.items() if one is not None and one.pattern != "h"}
    assert matched == {"sala-names"}
    including = [
        [included for included, _, _ in context.includes] for context in PLAN.contexts.values()
    ]
    for names in including:
        assert "sala-names" not in names or names[0] == "sala-pulled"
