"""What flows tell: journalled ways, kept languages, facts of callers; and what takes too long."""

from __future__ import annotations

import asyncio

import pytest
import uuid6

from crm import credentials, customers, flows
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Identity, Interaction
from ivr.flow.actions import Answered, LanguageKept, Raised, Tagged
from ivr.flow.frame import Facts
from sala.notebook import Notebook, Proofs

NUMBER = "+12025550143"


@pytest.fixture
async def notebook(database: Database) -> Notebook:
    recorder = Recorder(database)
    recorder.start()
    return Notebook(recorder, database, epoch="ivr.run", clock=lambda: 1_000, patience_ms=10_000)


async def recorded(notebook: Notebook) -> None:
    await notebook._recorder.drain()
    await asyncio.gather(*notebook._tasks)


async def test_a_callers_way_is_journalled(database: Database, notebook: Notebook) -> None:
    notebook.entered("i-1", "a" * 12, "menu")
    notebook.ivr_told("i-1", Tagged("vip", True))
    notebook.ivr_told("i-1", Raised("came", {"n": 1}))
    notebook.ivr_told("i-1", Answered("after", "content", "5"))
    notebook.entered("i-2", "a" * 12, "menu")
    await recorded(notebook)
    path = await flows.path(database, "i-1")
    assert [step.kind for step in path] == ["ivr.node", "ivr.tag", "ivr.event", "ivr.answer"]
    assert path[0].body == {"interaction": "i-1", "version": "a" * 12, "node": "menu"}


async def test_language_is_kept_and_known_the_next_time(
    database: Database, notebook: Notebook
) -> None:
    interaction = str(uuid6.uuid7())
    notebook._recorder.interaction(
        Interaction(interaction, 1_000, identity=Identity("phone", NUMBER))
    )
    await notebook._recorder.flush()
    assert await notebook.facts(interaction, "+12025550199", "600") == Facts("+12025550199", "600")
    notebook.ivr_told(interaction, LanguageKept("th"))
    await recorded(notebook)
    facts = await notebook.facts(interaction, NUMBER, "600")
    assert (facts.number, facts.language) == (NUMBER, "th")
    assert facts.customer
    found = await notebook.find(interaction, "phone", None)
    assert found == {"id": facts.customer, "name": "", "language": "th"}
    assert found == await notebook.find(interaction, "phone", NUMBER)
    assert await notebook.find(interaction, "email", "a@b.example") is None


async def test_call_goes_on_without_a_record_that_hangs(
    database: Database, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(customers, "by_identity", hang)
    assert await notebook.facts("i-1", NUMBER, "600") == Facts(NUMBER, "600")
    await database.close()
    monkeypatch.undo()
    assert await notebook.facts("i-1", NUMBER, "600") == Facts(NUMBER, "600")


async def test_proofs(database: Database) -> None:
    proofs = Proofs(database, lambda: 0)
    await credentials.put(database, "c-1", "pin", "4711")
    assert await proofs.verify("pin", "c-1", "4711") == "proved"
