"""Voicemail is on disk and in the record before a caller hears so; events reach their address."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uuid6
from aiohttp import web

from crm import voicemail
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.recorder import Recorder
from crm.records import JournalEntry
from ivr.deliveries import FIRST_MS, KEPT_MS, Deliveries
from ivr.errors import IvrError
from ivr.mailboxes import Mailboxes

NOW = 1_800_000_000_000


def recorded(folder: Path, name: str = "take.wav") -> Path:
    path = folder / name
    path.write_bytes(b"RIFF....")
    return path


async def test_a_message_is_kept_once(database: Database, tmp_path: Path) -> None:
    boxes, call = Mailboxes(tmp_path, database, lambda: NOW), str(uuid6.uuid7())
    path = recorded(tmp_path)
    for _ in range(2):
        await boxes.keep(call, "office", str(path), 4_000)
    (message,) = await voicemail.messages(database, "office")
    assert (message.recording, message.length_ms, message.left_ms) == ("take.wav", 4_000, NOW)
    assert message.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (await voicemail.find(database, message.id[:8])).interaction == call
    await voicemail.delete(database, message.id)
    assert await voicemail.messages(database) == []


async def test_what_cannot_be_kept_is_an_error(database: Database, tmp_path: Path) -> None:
    boxes = Mailboxes(tmp_path, database, lambda: NOW)
    path = recorded(tmp_path)
    with pytest.raises(IvrError, match="no mailbox"):
        await boxes.keep(str(uuid6.uuid7()), "attic", str(path), 1)
    with pytest.raises(OSError, match="No such file"):
        await boxes.keep(str(uuid6.uuid7()), "office", str(tmp_path / "gone.wav"), 1)
    with pytest.raises(IvrError, match="does not lie"):
        await boxes.keep(str(uuid6.uuid7()), "office", "/etc/passwd", 1)
    assert await voicemail.messages(database) == []


async def test_mailboxes(database: Database) -> None:
    await voicemail.put_mailbox(database, "attic", "Upstairs")
    assert [box.name for box in await voicemail.mailboxes(database)] == ["attic", "office"]
    await voicemail.remove_mailbox(database, "attic")
    with pytest.raises(NotFound):
        await voicemail.remove_mailbox(database, "attic")
    with pytest.raises(DataRefused, match="no name"):
        await voicemail.put_mailbox(database, "no good")


class Taker:
    """Somebody who is told events."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        signed = hmac.new(b"key", body, hashlib.sha256).hexdigest()
        assert request.headers["Sala-Signature"] == f"sha256={signed}"
        told = json.loads(body)
        if told["event"] == "broken":
            return web.Response(status=500)
        if self.status == 200:
            self.taken.append(told)
        return web.Response(status=self.status)


@pytest.fixture
async def taker() -> AsyncIterator[Taker]:
    found = Taker()
    app = web.Application()
    app.router.add_post("/events", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{port}/events"
    yield found
    await runner.cleanup()


async def raised(database: Database, *events: str) -> None:
    recorder = Recorder(database)
    recorder.start()
    for seq, event in enumerate(events, 1):
        body = {"interaction": "i-1", "event": event, "data": {"n": seq}}
        recorder.journal(JournalEntry("ivr.x", seq, NOW, 0, "ivr.event", body))
    await recorder.flush(5)
    await recorder.drain(5)


async def test_events_are_told_once_and_tried_again(database: Database, taker: Taker) -> None:
    await raised(database, "one", "broken", "two")
    now = NOW + 10

    def clock() -> int:
        return now

    async with aiohttp.ClientSession() as session:
        deliveries = Deliveries(taker.url, "key", database, clock)
        taker.status = 503
        assert await deliveries.tell(session) == 3
        assert taker.taken == []
        assert await deliveries.tell(session) == 0
        taker.status = 200
        now += FIRST_MS
        # A later process goes on where this one was.
        deliveries = Deliveries(taker.url, "key", database, clock)
        assert await deliveries.tell(session) == 3
        assert [one["event"] for one in taker.taken] == ["one", "two"]
        assert taker.taken[0]["data"] == {"n": 1}
        assert await deliveries.tell(session) == 0
        now += KEPT_MS
        assert await deliveries.tell(session) == 1
        now += KEPT_MS // 2
        assert await deliveries.tell(session) == 0
    row = await database.row("deliveries_next")
    assert row[0] is None
