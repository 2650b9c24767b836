"""What callers are told of their wait can be said in every language."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from acd.estimates.announcer import STEPS, Said

PROMPTS = sorted((Path(__file__).parents[3] / "media" / "prompts").glob("*.yaml"))


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.stem)
def test_every_range_has_its_prompts(path: Path) -> None:
    known = yaml.safe_load(path.read_text(encoding="utf-8"))
    ranges = [Said(least, most) for least in (0, *STEPS) for most in STEPS if least < most]
    ranges += [Said(least, None) for least in STEPS]
    asked = {prompt for one in ranges for prompt in one.prompts()}
    assert asked <= known.keys()
    unused = {
        key for key in known if key.startswith(("wait-less", "wait-from", "wait-to", "wait-more"))
    }
    assert unused == asked


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert Said(0, None).prompts() == ()
