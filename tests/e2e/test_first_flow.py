"""The guide “Write your first flow in ten minutes”, followed to the letter."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from house import House

from lab.stack import Stack

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "docs" / "how-to" / "first-flow.md"
PART = re.compile(r"^```(\w+)\n(.*?)^```$|^    (sala [^\n]+)$", re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody who does what the page says, one part after the other."""

    def __init__(self, stack: Stack, flows: Path, work: Path) -> None:
        self._stack = stack
        self._flows = flows
        self._work = work
        text = GUIDE.read_text(encoding="utf-8")
        self._parts = [(text[: m.start()].rstrip(), m[1], m[2], m[3]) for m in PART.finditer(text)]
        self._said = ""
        self.ran: list[str] = []

    async def follows(self, until: str, interaction: str = "") -> None:
        """Do all up to a command that begins so, that one and what is shown of it included."""
        done = False
        while self._parts:
            before, kind, block, command = self._parts[0]
            if done and kind != "text":
                return
            self._parts.pop(0)
            if command:
                await self._run(command.replace("INTERACTION", interaction))
                done = command.startswith(until)
            elif kind == "text":
                self._shown(before, block)
            else:
                self._written(before, block)

    async def _run(self, command: str) -> None:
        _, *words = shlex.split(command)
        words = [str(self._work / one) if one.endswith(".txt") else one for one in words]
        self._said = await self._stack.run(*words, within=60)
        self.ran.append(command)

    def _shown(self, before: str, block: str) -> None:
        named = re.search(r"`([\w.]+\.txt)`:$", before)
        if named is not None:
            (self._work / named[1]).write_text(block, encoding="utf-8")
            return
        for line in block.splitlines():
            assert line in self._said, (self.ran[-1], line, self._said)

    def _written(self, before: str, block: str) -> None:
        if (named := re.search(r"`ivr/flows/([\w.]+)`:$", before)) is not None:
            (self._flows / named[1]).write_text(block, encoding="utf-8")
            return
        path = self._flows / "pizza.yaml"
        text = path.read_text(encoding="utf-8")
        if before.endswith("one more line,"):
            text = text.replace("      2: hours\n", f"      2: hours\n{block}")
        else:
            assert before.endswith("at the end of the file:"), before
            text += block
        path.write_text(text, encoding="utf-8")

    @property
    def left(self) -> int:
        """How many parts are not done yet."""
        return len(self._parts)


@pytest.mark.timeout(300)
async def test_the_guide_holds(house: House, flows: Path, tmp_path: Path) -> None:
    reader = Reader(house.stack, flows, tmp_path)
    await reader.follows("sala number add")
    await house.stack.reload()
    call, _ = await house.call("700")
    await call.hears(house.spoken("Welcome to the pizza shop."))
    await call.press("2")
    await call.hears(house.spoken("We bake from noon to ten, every day."))
    await call.hang_up()

    await reader.follows('sala flow publish pizza --note "where')
    await house.stack.reload()
    call, number = await house.call("700")
    await call.press("3")
    await call.hears(house.spoken("You find us at the old harbour."))
    await call.hang_up()
    interaction = (await house.closed(number))["id"]

    await reader.follows("sala flow rollback")
    await house.stack.reload()
    call, _ = await house.call("700")
    text = "To order, press 1. For our opening hours, press 2."
    await call.hears(house.spoken(text), at_least=0.5)
    heard = len(call.heard())
    await call.press("3")
    await call.hears(house.spoken(text), since=heard)
    await call.hang_up()

    await reader.follows("sala flow replay", interaction)
    assert reader.left == 0
    assert len(reader.ran) == 11
