"""What is handed to whom, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

CARRIED, BY, SECOND = "handover", "by", "second"
"""What legs and calls of a handover carry: its `Way`, the offer of the leg of the agent who hands
over, and that same offer on the second call of that agent's phone."""


class HandoverRefused(Exception):  # noqa: N818 - an answer, told as such
    """It cannot be done as things stand; the message says why."""


class Kind(StrEnum):
    """Whom a talk can be handed to."""

    AGENT = "agent"
    QUEUE = "queue"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Target:
    """An agent or a queue by name, or a number outside; `address` as `pbx.port.Switch` takes it."""

    kind: Kind
    name: str
    address: str = ""

    @property
    def agent(self) -> str:
        """The agent, if it is one."""
        return self.name if self.kind is Kind.AGENT else ""


class Way(StrEnum):
    """What a leg that was rung for a handover is for."""

    CONSULT = "consult"
    """To speak with the agent first, while the caller is on hold."""
    TRANSFER = "transfer"
    """To have the caller; the agent is gone already."""
    RECALL = "recall"
    """To have the caller back, since a transfer came to nothing."""


class Stage(StrEnum):
    """How far it has come."""

    RINGING = "ringing"
    TALKING = "talking"
    """With the agent who consults."""
    CONFERENCE = "conference"
    """With the agent and the caller."""
    OUTSIDE = "outside"
    """With the caller alone, outside: no agent's talk, but seen to its end."""
    DROPPED = "dropped"
    """Given up; its leg is to end."""


@dataclass(slots=True)
class Handover:
    """One leg that was rung to hand a talk on."""

    leg: str
    interaction: str
    way: Way
    target: Target
    by: str = ""
    """The offer of the leg of the agent who hands over; empty once it is not needed."""
    giver: str = ""
    """That agent."""
    second: str = ""
    """The second call of that agent's phone, when they consult by phone."""
    queue: str = ""
    """The contact's, after whose policy whoever leaves wraps up."""
    stage: Stage = Stage.RINGING

    @property
    def consult_became(self) -> str:
        """How a consult ended by which this one hears the caller."""
        return "conference" if self.stage is Stage.CONFERENCE else "transferred"

    def carries(self, carried: Mapping[str, str]) -> dict[str, str]:
        """What its leg carries, beside what the caller's call does."""
        return {**carried, CARRIED: self.way.value, BY: self.by}
