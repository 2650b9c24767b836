"""What flows tell and know of callers: their way in the journal, their record, proofs of them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crm import credentials, customers, interactions
from crm.database import Database
from crm.errors import CrmError
from crm.recorder import Recorder
from crm.records import Customer, Identity, JournalEntry
from ivr.errors import LookupFailed
from ivr.flow.actions import Answered, Effect, LanguageKept, Raised, SendCode, Tagged
from ivr.flow.frame import Facts
from ivr.lookups import HttpService

log = logging.getLogger(__name__)

CODE_SERVES_MS = 300_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with us: their tier, and the agent they spoke to last; or empty."""

    tier: str = ""
    last_agent: str = ""


class Notebook:
    """Implements `ivr.services.Notes` and `CustomerRecord`, and journals callers' ways.

    Entries are of epoch `ivr.<run>` and kinds `ivr.node`, `ivr.tag`, `ivr.event`, `ivr.answer`,
    `ivr.language`; each body bears the interaction.
    """

    def __init__(
        self,
        recorder: Recorder,
        database: Database,
        *,
        epoch: str,
        clock: Callable[[], int],
        patience_ms: int,
    ) -> None:
        """`patience_ms`: how long a call waits for its customer's record."""
        self._recorder = recorder
        self._database = database
        self._epoch = epoch
        self._clock = clock
        self._patience_s = patience_ms / 1000
        self._seq = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def facts(self, interaction: str, number: str, dialled: str) -> Facts:
        """Return what is known of a caller; without the record if that is slow or away."""
        found: Customer | None = None
        try:
            async with asyncio.timeout(self._patience_s):
                found = await customers.by_identity(self._database, Identity("phone", number))
        except (CrmError, TimeoutError):
            log.warning(
                "no record for a call",
                extra={"action": "record_away", "interaction": interaction},
            )
        if found is None:
            return Facts(number, dialled)
        return Facts(number, dialled, found.id, found.name or "", found.language or "")

    async def standing(self, interaction: str, number: str, *, last_agent: bool) -> Standing:
        """Return how a caller stands with us; nothing known if the record is slow or away."""
        identity = Identity("phone", number)
        try:
            async with asyncio.timeout(self._patience_s):
                found = await customers.by_identity(self._database, identity)
                agent = (
                    await customers.last_agent(self._database, identity)
                    if last_agent and found is not None
                    else None
                )
        except (CrmError, TimeoutError):
            log.warning(
                "no record for a call",
                extra={"action": "record_away", "interaction": interaction},
            )
            return Standing()
        return Standing((found.tier if found is not None else None) or "", agent or "")

    def entered(self, interaction: str, version: str, node: str) -> None:
        """A caller came to a node."""
        self._write("ivr.node", interaction, {"version": version, "node": node})

    def ivr_told(self, interaction: str, effect: Effect) -> None:
        """See `ivr.services.Notes`."""
        match effect:
            case Tagged(name, value):
                self._write("ivr.tag", interaction, {"name": name, "value": value})
            case Raised(event, data):
                self._write("ivr.event", interaction, {"event": event, "data": dict(data)})
            case Answered(survey, question, answer):
                body = {"survey": survey, "question": question, "answer": answer}
                self._write("ivr.answer", interaction, body)
            case LanguageKept(language):
                self._write("ivr.language", interaction, {"language": language})
                self._later(self._keep_language(interaction, language))

    async def find(
        self, interaction: str, kind: str, identity: str | None
    ) -> Mapping[str, object] | None:
        """See `ivr.services.CustomerRecord`: `id`, `name` and `language`."""
        if identity is None:
            owner = (await interactions.get(self._database, interaction)).interaction.customer
            found = None if owner is None else await customers.get(self._database, owner)
        else:
            found = await customers.by_identity(self._database, Identity(kind, identity))
        if found is None:
            return None
        return {"id": found.id, "name": found.name or "", "language": found.language or ""}

    def _write(self, kind: str, interaction: str, body: dict[str, Any]) -> None:
        self._seq += 1
        body["interaction"] = interaction
        self._recorder.journal(JournalEntry(self._epoch, self._seq, self._clock(), 0, kind, body))

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_language(self, interaction: str, language: str) -> None:
        try:
            # The interaction, by which the customer is found, may not be written yet.
            await self._recorder.flush()
            await customers.keep_language(self._database, interaction, language)
        except CrmError as error:
            log.warning(
                "a caller's language is not kept: %s",
                type(error).__name__,
                extra={"action": "language_lost", "interaction": interaction},
            )


class Proofs:
    """Implements `ivr.services.Verifier` by the credentials of the record.

    `http` posts one-time codes to who sends them, signed; without it, none are sent.
    """

    def __init__(
        self, database: Database, clock: Callable[[], int], http: HttpService | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._http = http

    async def send_code(self, interaction: str, asked: SendCode) -> str:
        """See `ivr.services.Verifier`."""
        if self._http is None:
            raise LookupFailed("the setting webhook_secret is empty, so no codes are sent")
        subject, now = asked.subject, self._clock()
        if not await credentials.may_send(self._database, subject, now):
            return "locked"
        code = "".join(secrets.choice("0123456789") for _ in range(asked.digits))
        expires = now + CODE_SERVES_MS
        await credentials.put(self._database, subject, "otp", code, expires_ms=expires)
        body = {
            "interaction": interaction,
            "subject": subject,
            "code": code,
            "data": dict(asked.data),
        }
        answer = await self._http.post(asked.url, body, timeout_ms=asked.timeout_ms)
        if answer is None:
            return "unknown"
        await credentials.note_sent(self._database, subject, now)
        return "sent"

    async def verify(self, method: str, subject: str, code: str) -> str:
        """See `ivr.services.Verifier`."""
        return await credentials.verify(self._database, subject, method, code, self._clock())
