"""Callbacks at size: claims on Postgres beside an old open transaction, and the router's line.

10,000 callbacks wait. Claims, results and new claims go round for a while; then the same again
while another session holds a snapshot taken before all of it, so that no dead row can be cleared
away: what a forgotten `BEGIN` of ten minutes does to queues kept in tables. And the book and the
router with those callbacks among 1,000 live callers.
"""

from __future__ import annotations

import random
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from acd.callbacks import Book, events as cb
from acd.callbacks.calling import zones
from acd.router import Router, events as ev
from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from crm import attempts, embedded, migrations
from crm.attempts import Claim, Result
from crm.database import Database
from crm.records import Callback
from lab.bench.figures import Finding, Row, Spread, ms

WAITING = 10_000
LIVE = 1_000
REGIONS = ("TH", "US")
NOON = 1_782_000_000_000 // 86_400_000 * 86_400_000 + 12 * 3_600_000
GOAL = 1.5
"""How much slower a claim may be, at the 99th percentile, beside an old open transaction."""


async def measure(*, quick: bool) -> Finding:
    """Measure claims and decisions, on a database of its own."""
    rounds = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory(prefix="sala-bench-") as folder:
        url = embedded.start(Path(folder), secrets.token_urlsafe(24))
        try:
            await migrations.migrate(url)
            plain, held = await _claims(url, rounds)
        finally:
            embedded.stop(Path(folder))
    begun = starting()
    decided, told = decisions(200 if quick else 1_000)
    ratio = held.p99 / plain.p99
    return Finding(
        "callbacks",
        (
            Row("callback claim, p99 ms", ms(plain.p99), "–"),
            Row("… beside an old open transaction", ms(held.p99), "–",
                ratio=f"{ratio:.2f}", goal=f"≤ {GOAL:g}", met=ratio <= GOAL),
            Row(f"router, {WAITING} callbacks, {LIVE} live, p99 ms", ms(decided.p99), "–"),
            Row("book of callbacks, p99 ms", ms(told.p99), "–"),
            *(
                Row(f"{WAITING} callbacks of {region} at a start, CPU s", f"{took:.2f}", "–")
                for region, took in begun.items()
            ),
        ),
        {"callback_claim_p99_ms": plain.p99, "callback_claim_old_p99_ms": held.p99,
         "callback_router_p99_ms": decided.p99, "callback_book_p99_ms": told.p99,
         **{f"callback_start_{region.lower()}_s": took for region, took in begun.items()}},
        {"claim": plain.to_json(), "claim_old": held.to_json(),
         "router": decided.to_json(), "book": told.to_json(), "rounds": rounds},
    )  # fmt: skip


async def _claims(url: str, rounds: int) -> tuple[Spread, Spread]:
    database = Database(url, size=2)
    await database.open()
    old = await asyncpg.connect(url)
    try:
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO callbacks (number, queue, requested_at, due_at, source)"
                " SELECT '+1212' || (5550000 + n), 'sales', now(), now(), 'bench'"
                " FROM generate_series(1, $1::int) AS n",
                WAITING,
            )
            await connection.execute("ANALYZE callbacks")
            rows = await connection.fetch("SELECT id::text FROM callbacks ORDER BY number")
        ids = [row["id"] for row in rows]
        plain = await _rounds(database, ids, rounds)
        await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await old.fetchval("SELECT count(*) FROM callbacks")
        # The same few thousand, so that dead rows gather.
        held = await _rounds(database, ids[:1_000], rounds)
        return plain, held
    finally:
        await old.close()
        await database.close()


async def _rounds(database: Database, ids: list[str], rounds: int) -> Spread:
    took: list[float] = []
    for n in range(rounds):
        begun = time.perf_counter()
        claim = await attempts.claim(database, ids[n % len(ids)], "bench", 60_000)
        took.append((time.perf_counter() - begun) * 1e3)
        assert isinstance(claim, Claim)
        await attempts.finish(
            database, claim, Result("busy", True, "waiting", None, NOON, NOON + n)
        )
    return Spread.of(took, "claims")


def starting() -> dict[str, float]:
    """Measure what the open callbacks of numbers of some regions take at a start, in CPU seconds.

    Most of it is to find out when each number may be called: some countries have one time zone,
    others many. Nothing is remembered from before.
    """
    found = {}
    for region in REGIONS:
        draw, book = random.Random(1), Book()
        book.handle(cb.Configured({}, {"q": QueueConfig("q")}), NOON)
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        assert example is not None
        start = phonenumbers.format_number(example, PhoneNumberFormat.E164)[:-5]
        rows = [
            Callback(f"cb{n}", f"{start}{draw.randrange(10**5):05d}", NOON, "bench", "q", f"cb{n}")
            for n in range(WAITING)
        ]
        zones.cache_clear()
        begun = time.process_time()
        for row in rows:
            book.handle(cb.Known(row), NOON)
        found[region] = time.process_time() - begun
    return found


def decisions(rounds: int) -> tuple[Spread, Spread]:
    """Measure what one freed agent costs the router, and one attempt the book, in ms."""
    queue = QueueConfig("q", wrap_up_ms=0)
    router = Router(Configuration(queues=(queue,), agents=(AgentConfig("a", ("q",)),)), "bench")
    book = Book()
    book.handle(cb.Configured({}, {"q": queue}), NOON)
    for n in range(LIVE):
        router.handle(ev.Arrived(f"live{n}", "q", NOON - 500 * n), NOON)
    for n in range(WAITING):
        row = Callback(f"cb{n}", f"+1212{5_550_000 + n}", NOON - 50 * n, "bench", "q", f"cb{n}")
        for one in book.handle(cb.Known(row), NOON + 3_600_000):
            if isinstance(one, cb.Enter):
                router.handle(one.arrived, NOON)
    now = NOON + 3_600_000
    router.handle(ev.AgentReachable("a", True), now)
    decided: list[float] = []
    told: list[float] = []

    def timed(into: list[float], do: Callable[[], list[Any]]) -> list[Any]:
        begun = time.perf_counter()
        out = do()
        into.append((time.perf_counter() - begun) * 1e3)
        return out

    out = router.handle(ev.AgentWants("a", Wanted.AVAILABLE), now)
    for _ in range(rounds):
        offer = next(one for one in out if isinstance(one, ev.Offer))
        name, now = offer.interaction, now + 1
        if name.startswith("live"):
            router.handle(ev.OfferAccepted(offer.offer), now)
            ended = ev.Ended(name, "a")
            out = timed(decided, lambda ended=ended, now=now: router.handle(ended, now))  # type: ignore[misc]
            continue
        offered = cb.Offered(name, offer.offer, "a")
        timed(told, lambda offered=offered, now=now: book.handle(offered, now))  # type: ignore[misc]
        book.handle(cb.Cancelled(name, "admin"), now)
        left = ev.Left(name)
        out = timed(decided, lambda left=left, now=now: router.handle(left, now))  # type: ignore[misc]
    return Spread.of(decided, "decisions"), Spread.of(told, "the book's decisions")
