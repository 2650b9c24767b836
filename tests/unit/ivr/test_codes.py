"""One-time codes: sent over real HTTP, signed, limited across calls, and told to nobody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging

import pytest
from test_lookups import Server, outside, service  # noqa: F401 - fixtures

from crm import credentials
from crm.credentials import MOST_CODES, MOST_TRIES, WINDOW_MS
from crm.database import Database
from ivr.errors import LookupFailed
from ivr.flow.actions import SendCode
from ivr.flow.outcomes import Broken, Done, Outcome, Refused, Verdict
from ivr.lookups import HttpService
from ivr.performer import perform
from ivr.services import Services
from sala.notebook import CODE_SERVES_MS, Proofs


class Desk:
    """What proves callers, at a time of the test's choosing."""

    def __init__(self, database: Database, http: HttpService, server: Server) -> None:
        self.now = 1_000
        self.server = server
        self.database = database
        self.proofs = Proofs(database, lambda: self.now, http)

    def asked(self, host: str = "", **fields: object) -> SendCode:
        url = f"http://{host or self.server.host}/send"
        return SendCode(subject="c-1", url=url, data={"number": "+12025550143"}, **fields)  # type: ignore[arg-type]

    async def send(self, host: str = "", **fields: object) -> Outcome:
        services = Services(verifier=self.proofs)
        return await perform(self.asked(host, **fields), services, "i-1", lambda *_: None)

    @property
    def codes(self) -> list[str]:
        return [json.loads(body)["code"] for _, _, body, _ in self.server.requests]

    async def tried(self, code: str) -> str:
        return await self.proofs.verify("otp", "c-1", code)


@pytest.fixture
def desk(database: Database, service: HttpService, outside: Server) -> Desk:  # noqa: F811
    return Desk(database, service, outside)


def other(code: str) -> str:
    return ("1" if code[0] == "0" else "0") + code[1:]


async def test_a_code_is_posted_signed_and_serves_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert isinstance(await desk.send(digits=8), Done)
    ((method, _, body, headers),) = desk.server.requests
    assert method == "POST"
    assert headers["Sala-Signature"] == (
        f"sha256={hmac.new(b's3cret', body, hashlib.sha256).hexdigest()}"
    )
    sent = json.loads(body)
    code = sent.pop("code")
    assert sent == {"interaction": "i-1", "subject": "c-1", "data": {"number": "+12025550143"}}
    assert len(code) == 8
    assert await desk.tried(other(code)) == "wrong"
    assert await desk.tried(code) == "proved"
    assert await desk.tried(code) == "unknown"
    assert code not in caplog.text


async def test_a_code_does_not_serve_for_ever_and_a_new_one_ends_it(desk: Desk) -> None:
    await desk.send()
    await desk.send()
    first, second = desk.codes
    assert await desk.tried(first) == "wrong"
    desk.now += CODE_SERVES_MS + 1
    assert await desk.tried(second) == "unknown"


async def test_wrong_codes_count_across_calls_and_then_none_is_sent(desk: Desk) -> None:
    for _ in range(MOST_TRIES):
        await credentials.forgive(desk.database, "c-1", "otp-sent")
        assert isinstance(await desk.send(), Done)
        await desk.tried(other(desk.codes[-1]))
    assert await desk.send() == Verdict("locked")
    assert await desk.tried(desk.codes[-1]) == "locked"
    assert len(desk.codes) == MOST_TRIES
    desk.now += WINDOW_MS + 1
    assert isinstance(await desk.send(), Done)


async def test_codes_that_nobody_proves_by_are_sent_a_few_times_only(desk: Desk) -> None:
    for _ in range(MOST_CODES):
        assert isinstance(await desk.send(), Done)
    assert await desk.send() == Verdict("locked")
    assert len(desk.codes) == MOST_CODES
    assert await desk.tried(desk.codes[-1]) == "proved"
    assert isinstance(await desk.send(), Done)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [(404, b"", Refused()), (410, b"", Refused()), (500, b"", Broken()), (200, b"no", Broken())],
)
async def test_a_code_that_cannot_be_sent_is_not_counted(
    desk: Desk, status: int, body: bytes, outcome: Outcome
) -> None:
    desk.server.answers(status, body)
    assert await desk.send() == outcome
    desk.server.answers()
    for _ in range(MOST_CODES):
        assert isinstance(await desk.send(), Done)


async def test_a_host_that_is_not_allowed_and_no_secret_send_nothing(
    desk: Desk, database: Database
) -> None:
    assert await desk.send("localhost:1") == Broken()
    with pytest.raises(LookupFailed, match="webhook_secret"):
        await Proofs(database, lambda: 0).send_code("i-1", desk.asked())
    assert desk.codes == []
