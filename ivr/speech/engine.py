"""What a text-to-speech engine must do, whichever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Engine(Protocol):
    """Turns text into audio, one prompt at a time however many ask at once."""

    def signature(self, language: str) -> str:
        """Name all that shapes the audio besides the text: engine, version, voice, rate.

        Equal text and signature give equal audio, so this is part of the cache key. Raises
        SpeechError if there is no voice for the language.
        """

    async def synthesise(self, text: str, language: str, path: Path) -> None:
        """Write `text`, spoken, to `path` as mono 16-bit PCM WAV of any rate.

        Raises SpeechError (SpeechTimeout if it took too long). The engine stays usable.
        """

    async def close(self) -> None:
        """End what was started. A later `synthesise` starts anew."""
