"""Look-ups over HTTP and SQL, and webhooks: real services for `ivr.services`.

HTTP goes to allow-listed hosts alone, follows no redirect, reads at most 64 KiB, and is given up
when the flow's time is over, tries included. A host that fails again and again is left alone for a
while (a circuit breaker, one for each host), so that callers do not wait for what will not come.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from crm.database import Database
from ivr.errors import LookupFailed
from ivr.flow.expressions import Scalar
from ivr.flow.nodes import Http

MAX_BODY = 64 * 1024
FAILURES = 5
"""So many failures in a row open a host's circuit …"""
OPEN_S = 30.0
"""… for so long; then one request tries it."""
PAUSE_S = 0.1
"""Before the first further try; doubled each time."""

_MISSING = (404, 410)
_QUERY = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


class HttpService:
    """JSON over HTTP. Implements `HttpLookups` and `Webhooks`.

    `hosts` are `host` or `host:port` as they stand in addresses. `secret` signs webhooks:
    header `Sala-Signature: sha256=<HMAC of the body, hex>` (RFC 2104).
    """

    def __init__(
        self,
        hosts: Collection[str],
        *,
        secret: str = "",
        clock: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._secret = secret.encode()
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def fetch(
        self,
        http: Http,
        query: Mapping[str, Scalar],
        body: Mapping[str, Scalar],
        *,
        timeout_ms: int,
    ) -> Mapping[str, object] | None:
        """See `ivr.services.HttpLookups.fetch`."""
        sent = json.dumps(dict(body)).encode() if http.method == "POST" else b""
        headers = {"Content-Type": "application/json"} if sent else {}
        shown = {name: _shown(value) for name, value in query.items()}
        return await self._tried(
            http.method, http.url, shown, sent, headers, http.retries, timeout_ms
        )

    async def ask(
        self,
        interaction: str,
        url: str,
        data: Mapping[str, Scalar],
        targets: Sequence[str],
        *,
        timeout_ms: int,
    ) -> str:
        """See `ivr.services.Webhooks.ask`. Asked once: the other side may act on it."""
        body = {"interaction": interaction, "data": dict(data), "targets": list(targets)}
        target = (await self.post(url, body, timeout_ms=timeout_ms) or {}).get("next")
        if target not in targets:
            raise LookupFailed("the webhook's answer names none of the node's targets")
        return str(target)

    async def post(
        self, url: str, body: Mapping[str, object], *, timeout_ms: int
    ) -> Mapping[str, object] | None:
        """Post JSON, signed, once; return the JSON object, or None for 404 and 410.

        Raises LookupFailed.
        """
        sent = json.dumps(body).encode()
        headers = {
            "Content-Type": "application/json",
            "Sala-Signature": f"sha256={hmac.new(self._secret, sent, hashlib.sha256).hexdigest()}",
        }
        return await self._tried("POST", url, {}, sent, headers, 0, timeout_ms)

    async def _tried(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        body: bytes,
        headers: Mapping[str, str],
        retries: int,
        timeout_ms: int,
    ) -> Mapping[str, object] | None:
        host = urlsplit(url).netloc.lower()
        if host not in self._hosts:
            raise LookupFailed(f"the host {host} is not allowed")
        circuit = self._circuits.setdefault(host, _Circuit())
        if self._clock() < circuit.open_until:
            raise LookupFailed(f"the host {host} failed too often and is left alone for now")
        if circuit.failures >= FAILURES:
            # This request tries whether it is back; the others go on being refused meanwhile.
            circuit.open_until = self._clock() + OPEN_S
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                for attempt in range(retries + 1):
                    if attempt:
                        await asyncio.sleep(PAUSE_S * 2 ** (attempt - 1))
                    try:
                        found = await self._once(method, url, query, body, headers)
                    except LookupFailed:
                        if attempt == retries:
                            raise
                        continue
                    circuit.failures, circuit.open_until = 0, 0.0
                    return found
                raise AssertionError
        except (TimeoutError, LookupFailed) as error:
            circuit.failures += 1
            if circuit.failures >= FAILURES:
                circuit.open_until = self._clock() + OPEN_S
            if isinstance(error, LookupFailed):
                raise
            raise LookupFailed(f"the host {host} did not answer in time") from None

    async def _once(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        body: bytes,
        headers: Mapping[str, str],
    ) -> Mapping[str, object] | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar()
            )
        host = urlsplit(url).netloc
        try:
            async with self._session.request(
                method,
                url,
                params=query or None,
                data=body or None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                if answer.status in _MISSING:
                    return None
                if answer.status != 200:
                    raise LookupFailed(f"the host {host} answered with status {answer.status}")
                content = await answer.content.read(MAX_BODY + 1)
                while len(content) <= MAX_BODY and (more := await answer.content.read(MAX_BODY)):
                    content += more
        except (aiohttp.ClientError, OSError) as error:
            raise LookupFailed(f"the host {host}: {type(error).__name__}") from None
        if len(content) > MAX_BODY:
            raise LookupFailed(f"the host {host} sent more than {MAX_BODY // 1024} KiB")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            raise LookupFailed(f"the host {host} sent no JSON") from None
        if not isinstance(found, dict):
            raise LookupFailed(f"the host {host} sent no JSON object")
        return found


class NamedQueries:
    """Named queries of an admin: `<flows>/queries/<name>.sql`, one statement each.

    They run in a read-only transaction that is ended with the flow's time. Values are given as
    parameters `$1` …, never put into the text.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database

    async def row(
        self, query: str, values: Sequence[Scalar], *, timeout_ms: int
    ) -> Mapping[str, object] | None:
        """See `ivr.services.SqlLookups.row`."""
        try:
            statement = self._read(query)
        except OSError:
            raise LookupFailed(f"there is no query {query}") from None
        async with self._database.connection() as connection, connection.transaction(readonly=True):
            await connection.execute(f"SET LOCAL statement_timeout = {int(timeout_ms)}")
            row = await connection.fetchrow(statement, *values)
        return None if row is None else {name: _plain(value) for name, value in row.items()}

    def _read(self, query: str) -> str:
        if not _QUERY.fullmatch(query):
            raise FileNotFoundError(query)
        return (self._folder / "queries" / f"{query}.sql").read_text(encoding="utf-8")


def query_names(folder: Path) -> frozenset[str]:
    """Return the names of the queries a folder holds."""
    return frozenset(path.stem for path in (folder / "queries").glob("*.sql"))


def _plain(value: Any) -> object:
    """Return a database's value as one that flows know: texts, numbers, truth."""
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _shown(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
