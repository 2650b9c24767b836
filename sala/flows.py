"""Flows and prompts as set-up and commands meet them: read, checked, rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from ivr.flow.problems import Problem
from ivr.library import Library
from ivr.prompts import PromptStore
from ivr.speech.espeak import Espeak
from sala.settings import Settings


def prompts(settings: Settings) -> PromptStore:
    """Make the prompt store of these settings."""
    return PromptStore(settings.media, settings.state, Espeak(), language=settings.language)


async def prepare(
    settings: Settings,
    *,
    queues: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Problem]:
    """Check flows and prompts, and render what is not rendered yet; return warnings.

    `queues` are the names of the queues there are, None if that is not known. Raises
    `FlowInvalid` with every fault, or `SpeechError`.
    """
    store = prompts(settings)
    try:
        library = Library(settings.flows, settings.state, store, queues=lambda: queues)
        return await library.reload(progress)
    finally:
        await store.close()


def aliases(settings: Settings) -> list[str]:
    """List the flows' names, without reading them."""
    return sorted(path.stem for path in Path(settings.flows).glob("*.yaml"))
