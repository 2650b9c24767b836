"""Figures, the report, and the options."""

import json
import stat
from pathlib import Path

import psutil
import pytest

from lab.bench import cpu, report
from lab.bench.__main__ import MEASUREMENTS, _names
from lab.bench.figures import Finding, Row, Spread, ms, spread_text
from lab.errors import LabError


def test_percentiles_are_samples_by_nearest_rank() -> None:
    spread = Spread.of([float(n) for n in range(100, 0, -1)], "numbers")
    assert (spread.median, spread.p95, spread.p99, spread.most) == (50.0, 95.0, 99.0, 100.0)
    assert Spread.of([7.0], "one").p99 == 7.0


def test_nothing_measured_is_told() -> None:
    with pytest.raises(LabError, match="nothing was measured: rings"):
        Spread.of([], "rings")


def test_milliseconds_are_written_with_as_many_digits_as_tell_something() -> None:
    assert [ms(2.345), ms(23.45), ms(234.5)] == ["2.35", "23.4", "234"]
    assert spread_text(Spread(1.0, 20.0, 30.0, 40.0, 9)) == "1.00 / 20.0"


def finding() -> Finding:
    row = Row("what", "1", "2", "0.5", "≤ 1", met=True)
    return Finding("idle", (row,), {"idle_ring_ratio": 0.5}, {"unit": "ms"})


def test_the_json_holds_figures_on_top_and_details_below(tmp_path: Path) -> None:
    path = tmp_path / ".sala" / "bench.json"
    report.write(path, [finding()], {"cpu": "x"}, quick=True, seconds=1.0)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["idle_ring_ratio"] == 0.5
    assert content["details"] == {"idle": {"unit": "ms"}}
    assert content["quick"] is True
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["bench.json"]


def test_the_table_has_a_line_for_each_row() -> None:
    assert report.table([finding(), finding()]).row_count == 2


def test_the_machine_is_described() -> None:
    where = report.machine()
    assert where["cores"] >= 1
    assert where["cpu"]


def test_measurements_are_chosen_by_name_and_kept_in_order() -> None:
    assert _names("rate, idle") == ["idle", "rate"]
    assert _names(",".join(MEASUREMENTS)) == list(MEASUREMENTS)
    for wrong in ("", "idle,speed"):
        with pytest.raises(Exception, match="choose from idle, freed, cpu, rate"):
            _names(wrong)


def test_cpu_time_grows_with_work() -> None:
    me = psutil.Process()
    before = cpu.cpu_seconds(me)
    while me.cpu_times().user + me.cpu_times().system < before + 0.05:
        sum(range(10_000))
    assert cpu.cpu_seconds(me) > before
