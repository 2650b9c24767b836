"""Real processes that take ports at the same time never get the same ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lab import ports
from lab.errors import LabError
from lab.ports import Ports

PROCESSES, EACH = 8, 5
ROWS, IN_A_ROW = 6, 2000
ROOT = Path(__file__).resolve().parents[3]
TAKES = """
import sys
from pathlib import Path
from lab.ports import Ports
file, how, count, *singles = sys.argv[1:]
mine = Ports(Path(file), singles=[int(one) for one in singles])
sys.stdin.readline()
if how == "row":
    first, last = mine.free_range(int(count))
    print(*range(first, last + 1), flush=True)
else:
    print(*mine.free(int(count)), flush=True)
sys.stdin.read()
"""


@contextmanager
def taker(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that takes ports when it is given a line, and holds them until it ends."""
    with subprocess.Popen(
        [sys.executable, "-c", TAKES, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def taken(takers: list[subprocess.Popen[str]]) -> list[list[int]]:
    """Have all take at once; gives what each got."""
    for process in takers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [
        [int(port) for port in process.stdout.readline().split()]
        for process in takers
        if process.stdout is not None
    ]


def test_each_has_its_own_and_those_of_the_dead_are_free(tmp_path: Path) -> None:
    pool = ports.free(PROCESSES * EACH)
    late = Ports(tmp_path / "locks", singles=pool)
    try:
        with ExitStack() as running:
            takers = [
                running.enter_context(taker(tmp_path / "locks", "each", EACH, *pool))
                for _ in range(PROCESSES)
            ]
            got = taken(takers)
            assert sorted(port for one in got for port in one) == sorted(pool)
            with pytest.raises(LabError, match="fewer than 1 free ports"):
                late.free(1)
            takers[0].kill()
            takers[0].wait()
            assert sorted(late.free(EACH)) == sorted(got[0])
    finally:
        ports.give_back(pool)


def test_rows_do_not_overlap(tmp_path: Path) -> None:
    with ExitStack() as running:
        takers = [
            running.enter_context(taker(tmp_path / "locks", "row", IN_A_ROW)) for _ in range(ROWS)
        ]
        got = taken(takers)
    assert [len(one) for one in got] == [IN_A_ROW] * ROWS
    assert len({port for one in got for port in one}) == IN_A_ROW * ROWS


def test_one_process_does_not_get_a_port_twice_until_it_gives_it_back(tmp_path: Path) -> None:
    pool = ports.free(2)
    try:
        mine = Ports(tmp_path / "locks", singles=pool)
        first, second = mine.free(1), mine.free(1)
        assert first != second
        with pytest.raises(LabError):
            mine.free(1)
        mine.give_back(first)
        assert mine.free(1) == first
    finally:
        ports.give_back(pool)
