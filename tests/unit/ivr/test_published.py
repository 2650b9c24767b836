"""The library over what was published: pins, roll-backs, and a world that changed since."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_prompts import Tones

from crm import flows
from crm.database import Database
from ivr.errors import FlowUnknown
from ivr.flow.check import Context
from ivr.flow.load import Flow
from ivr.library import Library, parse_all
from ivr.prompts import PromptStore
from ivr.shelf import Published, Stored

MAIN = """\
sala: 1
start: a
nodes:
  a: {type: subflow, flow: ask, returns: {done: q}, failed: h}
  q: {type: queue, queue: %s, failed: h}
  h: {type: hangup}
"""
ASK = """\
sala: 1
start: a
nodes:
  a: {type: say, text: %s, next: r}
  r: {type: return, exit: done}
"""


def read(queue: str = "sales", words: str = "Hello") -> dict[str, Flow]:
    stored = [
        Stored("main", (MAIN % queue).encode(), "main.yaml"),
        Stored("ask", (ASK % words).encode(), "ask.yaml"),
    ]
    found, problems = parse_all(stored)
    assert problems == []
    return {flow.alias: flow for flow in found}


async def publish(database: Database, **texts: str) -> Flow:
    found = read(**texts)
    for alias in ("ask", "main"):
        flow = found[alias]
        await flows.publish(
            database,
            flow=alias,
            version=flow.version,
            content=flow.content.decode(),
            uses=flow.uses,
            author="ann",
        )
    return found["main"]


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    (tmp_path / "flows").mkdir()
    store = PromptStore(tmp_path / "media", tmp_path / "state", Tones())
    known = Context(queues={"sales"})
    return Library(Published(database), tmp_path / "state", store, context=lambda: known)


def test_version_counts_the_subflows() -> None:
    one, other = read(words="Hello"), read(words="Hi")
    assert one["main"].content == other["main"].content
    assert one["main"].version != other["main"].version
    assert one["main"].uses == {"ask": one["ask"].version}


async def test_new_calls_take_the_alias_and_live_ones_keep_their_version(
    database: Database, library: Library
) -> None:
    old = await publish(database)
    await library.reload()
    carried = {"flow": "main", "version": old.version, "node": "a.a"}
    pinned = library.pinned(carried)
    assert pinned is not None
    new = await publish(database, words="Hi")
    await library.reload()
    assert library.current("main").version == new.version
    assert library.pinned(carried) == pinned
    for flow, words in ((pinned[0], "Hello"), (library.current("main"), "Hi")):
        called = library.world(flow).flow("ask")
        assert called is not None
        assert called.nodes["a"].text == words  # type: ignore[union-attr]
    assert library.world(new).flow("other") is None


async def test_another_process_knows_old_versions_from_disk(
    database: Database, library: Library, tmp_path: Path
) -> None:
    old = await publish(database)
    await library.reload()
    await publish(database, words="Hi")
    store = PromptStore(tmp_path / "media", tmp_path / "state", Tones())
    later = Library(Published(database), tmp_path / "state", store)
    await later.reload()
    found = later.version(old.version)
    assert (found.version, dict(found.uses)) == (old.version, dict(old.uses))
    assert later.world(found).flow("ask") is not None
    with pytest.raises(FlowUnknown):
        later.version("0" * 12)


async def test_rolled_back_alias_is_taken(database: Database, library: Library) -> None:
    old = await publish(database)
    await publish(database, words="Hi")
    await flows.point(database, "main", old.version, author="bob", note="")
    await library.reload()
    assert library.current("main").version == old.version
    called = library.world(library.current("main")).flow("ask")
    assert called is not None
    assert called.nodes["a"].text == "Hello"  # type: ignore[union-attr]


async def test_world_that_changed_since_is_a_warning(database: Database, library: Library) -> None:
    await publish(database, queue="gone")
    warnings = await library.reload()
    assert [warning.code for warning in warnings] == ["unknown-queue"]
    assert library.current("main")
