"""Whom a session works with beside the PBX: the floor, the record of callers' ways, the prompts.

What single nodes of flows need is in `ivr.services`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from ivr.services import Place
from pbx.port import Audio, Call


class Floor(Protocol):
    """Where callers wait for agents; the queues' side of a session."""

    def arrive(self, call: Call, interaction: str, place: Place) -> Mapping[str, str]:
        """Take the call into the queue and begin to offer it. Must not block.

        Returns facts to be carried on the call (see `pbx.port.Call.carry`), so that its place
        outlives this process. Raises QueueRefused if there is no such queue, or if it does not
        take the caller.
        """

    def leave(self, call: Call, interaction: str) -> bool:
        """Take a waiting call out of its queue, for a key leads elsewhere. Must not block.

        False if it is too late: an agent has answered.
        """

    def gone(self, call: Call, interaction: str) -> None:
        """The call left the session's hands between `arrive` and the wait.

        Either the caller hung up, or an agent was so quick that the PBX has connected the two
        already; the floor knows which. It may have heard of it from the switch before.
        """


class Left(StrEnum):
    """Why a caller left the flow."""

    QUEUED = "queued"
    HUNG_UP = "hung_up"
    """The flow ended the call."""
    TRANSFERRED = "transferred"
    CALLER_GONE = "caller_gone"
    FAILED = "failed"


class Record(Protocol):
    """Where a caller's way is noted. Must not block."""

    def ivr_entered(self, interaction: str, version: str, node: str) -> None:
        """The caller came to a node."""

    def ivr_left(self, interaction: str, node: str, why: Left) -> None:
        """The caller left the flow at a node.

        Every session ends in exactly one of these, unless the service stops while it runs.
        """


class Prompts(Protocol):
    """Where audio is found; raises PromptMissing."""

    def audio(self, prompt: str, language: str) -> Audio:
        """Return a prompt by id."""

    def speech(self, text: str, language: str) -> Audio:
        """Return a text that was rendered before."""
