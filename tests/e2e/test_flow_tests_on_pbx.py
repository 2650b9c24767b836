"""`sala flow test --on-pbx`: the files that run on paper, by real calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from house import House

from lab.errors import StackError


async def test_the_same_file_passes_on_a_real_line(house: House) -> None:
    run = ("flow", "test", "typed", "memo", "surveyed", "--json")
    paper = json.loads(await house.stack.run(*run))
    line = json.loads(await house.stack.run(*run, "--on-pbx", within=110))
    assert line == paper
    assert [one["tests"] for one in line] == [3, 3, 2]
    assert not any(one["failed"] for one in line)


async def test_a_test_that_is_wrong_fails_there_too(house: House, flows: Path) -> None:
    path = flows / "typed.test.yaml"
    right = path.read_text(encoding="utf-8")
    path.write_text(
        'tests:\n  wrong:\n    when: ["123*", 1]\n    then: {tags: {typed: "321"}}\n',
        encoding="utf-8",
    )
    try:
        with pytest.raises(StackError, match=r"status 1(.|\n)*was wanted"):
            await house.stack.run("flow", "test", "typed", "--on-pbx", within=60)
    finally:
        path.write_text(right, encoding="utf-8")
