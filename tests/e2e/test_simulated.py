"""`sala simulate` beside a running service: its floor, its record, its messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from house import House

from lab.errors import LabError

# More than any floor of these tests can take at once, and less than would leave nobody in time.
PLAN = """\
simulation: 1
day: {from: "08:00", to: "10:00"}
days: 4
queues:
  sales:
    arrivals: [{per_hour: 600}]
    talk: {mean: 2m, spread: 0.5}
    patience: 1m
"""


async def test_the_floor_as_it_is_is_simulated(house: House, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    told = json.loads(await house.stack.run("simulate", str(file), "--json"))
    sales = told["queues"]["sales"]
    assert told["days"] == 4
    assert sales["offered"]["mean"] == pytest.approx(1200, rel=0.1)
    assert sales["service_level"]["half"] > 0
    assert "4 days of" in await house.stack.run("simulate", str(file))


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (PLAN.replace("600", "-600"), (), "plan.yaml:6:17: queue sales, arrival 1, per_hour: a "),
        (PLAN.replace("sales:", "sails:"), (), "the floor has no queue sails"),
        (
            PLAN[: PLAN.index("  sales")] + "  billing: {patience: 1m}\n",
            ("--history", "2020-01-01"),
            "plan.yaml:5:3: queue billing: arrivals is missing, and ",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_simulated_is_told(
    house: House, tmp_path: Path, text: str, words: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(LabError) as caught:
        await house.stack.run("simulate", str(file), *words)
    assert "status 2" in str(caught.value)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)
