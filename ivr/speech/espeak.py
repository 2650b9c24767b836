"""espeak-ng, in a process of its own (see `ivr.speech.worker`)."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ivr.errors import SpeechError, SpeechTimeout

TRIES = 2


@dataclass(frozen=True, slots=True)
class Voice:
    """An espeak-ng voice and its rate in words a minute."""

    name: str
    rate: int


VOICES = {
    "en": Voice("en-us", 165),
    "id": Voice("id", 160),
    "th": Voice("th", 150),
}


class Espeak:
    """The bundled engine: English, Thai and Indonesian, on any machine, without set-up.

    The child starts with the first prompt. `timeout_s` bounds one prompt. A child that dies is
    started again, and its prompt tried once more.
    """

    def __init__(self, *, timeout_s: float = 20.0) -> None:
        self._timeout_s = timeout_s
        self._child: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._engine = f"espeak-ng {version('espeakng-loader')}"

    @property
    def pid(self) -> int | None:
        """The child's process id, or None if none runs."""
        child = self._child
        return child.pid if child and child.returncode is None else None

    def signature(self, language: str) -> str:
        """See `Engine.signature`."""
        voice = self._voice(language)
        return f"{self._engine} {voice.name} {voice.rate}"

    async def synthesise(self, text: str, language: str, path: Path) -> None:
        """See `Engine.synthesise`."""
        voice = self._voice(language)
        request = {"text": text, "voice": voice.name, "rate": voice.rate, "path": str(path)}
        line = json.dumps(request).encode() + b"\n"
        async with self._lock:
            for _ in range(TRIES):
                answer = await self._ask(line)
                if answer:
                    break
                await self._end()
            else:
                raise SpeechError("the speech engine's process ended before it answered")
        reply = json.loads(answer)
        if not reply["ok"]:
            raise SpeechError(f"the speech engine failed: {reply['error']}")

    async def close(self) -> None:
        """See `Engine.close`."""
        async with self._lock:
            await self._end()

    async def _ask(self, line: bytes) -> bytes:
        """Return the child's answer, or nothing if it died."""
        try:
            async with asyncio.timeout(self._timeout_s):
                child = await self._running()
                assert child.stdin is not None
                assert child.stdout is not None
                with suppress(ConnectionError):
                    child.stdin.write(line)
                    await child.stdin.drain()
                return await child.stdout.readline()
        except TimeoutError:
            await self._end()
            raise SpeechTimeout(
                f"the speech engine did not finish a prompt in {self._timeout_s:g} s"
            ) from None
        except asyncio.CancelledError:
            # Its answer would be taken for the next prompt's.
            await self._end()
            raise

    async def _running(self) -> asyncio.subprocess.Process:
        if self.pid is None or self._child is None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ivr.speech.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        return self._child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
        await child.wait()
        if child.stdin is not None:
            child.stdin.close()

    @staticmethod
    def _voice(language: str) -> Voice:
        voice = VOICES.get(language) or VOICES.get(language.partition("-")[0])
        if voice is None:
            known = ", ".join(VOICES)
            raise SpeechError(f"no voice speaks `{language}`; there are voices for {known}")
        return voice
