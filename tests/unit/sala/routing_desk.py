"""The routing configuration's tests: files, and a database as a first start leaves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from crm import floor
from crm.database import Database
from crm.records import Agent, Floor, Queue
from sala import secrets
from sala.cli import app
from sala.database import first_accounts
from sala.routing import changing
from sala.routing.file import parse

Sala = Callable[..., Result]

SMALL = Floor(
    version=3,
    queues=(Queue("sales"), Queue("support", steps=("skill tax >= 2",))),
    agents=(Agent("1001", "Ann", "1001", ("sales", "support"), skills=(("tax", 3),)),),
    skills=("tax",),
)

WHOLE = """\
version: 1
skills: [billing, tax]
languages: [en, th]
sites: [bkk]
floor:
  busy_backoff: 3s
  capacity: {chat: 2}
  blocks: {voice: [chat, email], chat: [email]}
calendars:
  office:
    timezone: Asia/Bangkok
    week: {mon-fri: 09:00-17:00}
    holidays: {2026-12-31: New Year's Eve}
queues:
  support:
    strategy: best_skill
    ring: 15s
    ring_at_once: 2
    wrap_up: 1m30s
    target: 30s
    short_abandon: 5s
    max_wait: 10m
    when_late: {overflow: sales}
    max_length: 50
    when_full: overflow sales
    join_needs: logged_in
    stay_needs: active
    when_empty: voicemail
    calendar: office
    when_closed: wait
    closing_clears: true
    tiers: {vip: 1m, slow: -10s}
    steps:
      - skill billing >= 4 and language th
      - criteria: {any: [{skill: {billing: 2}}, site bkk, "agent in [1001, 1002]"]}
        for: 30s
        drop: tax
        lower: {billing: 2}
        skip_without: active
        members: false
        replaces: true
    recipes:
      - when: [waited 60s, length >= 5, tier in [vip]]
        then: [prioritise 30s, {require: {skill: {billing: 2}}}, say still-busy]
        repeat: 1m
      - when: no agents active
        then: callback
    callback:
      first: customer
      retry: {busy: [5m, 15m], refused: []}
      calling: {mon-fri: 09:00-20:00}
      key: "5"
      offer_over: 5m
  sales: {}
agents:
  1001:
    name: Ann
    queues: {support: 1, sales: 2}
    skills: {billing: 4, tax: 1}
    languages: [th, en]
    site: bkk
    capacity: {voice: 1, chat: 2, email: 0}
    weight: 3
  1002: {queues: [sales]}
selections:
  all: {policy: fixed_ratio, queues: {sales: 1, support: 3}}
numbers: {600: main}
"""


def laid(content: str, on: Floor = SMALL, *, prune: bool = False) -> changing.Change:
    file = parse(content.encode(), "r.yaml")
    return changing.plan(on, lambda was: file.onto(was, prune=prune), file.wrong)


@pytest.fixture
def url(url: str, tmp_path: Path) -> str:
    """The URL of a database as a first start leaves it, with the accounts it made."""
    secrets.ensure(tmp_path / ".sala" / "secrets.toml", first_accounts())
    return url


def sala(*words: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(app, words, input=stdin)
    assert "Traceback" not in result.output
    return result


def sql(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    return asyncio.run(run())


def stored(url: str) -> Floor:
    async def load() -> Floor:
        database = Database(url, size=1)
        await database.open()
        try:
            return await floor.load(database)
        finally:
            await database.close()

    return asyncio.run(load())
