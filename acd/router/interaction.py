"""An interaction as the router holds it, from arrival to the end of its contact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .criteria import ANYONE

if TYPE_CHECKING:
    from .agent import Agent
    from .configuration import Channel, Step
    from .criteria import Criteria
    from .line import Line
    from .ordered import Entry
    from .queue import Queue
    from .recipes import Recipe


class InteractionState(StrEnum):
    """Where an interaction is. One that has left or ended is not known to the router any more."""

    WAITING = "waiting"
    RINGING = "ringing"
    ON_CONTACT = "on_contact"


class StepStatus(StrEnum):
    """What became of a routing step."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    JOINED = "joined"
    """It held when an agent answered."""


@dataclass(slots=True, eq=False)
class Interaction:
    """One live interaction. `entry`, its place in line, changes by its priority alone."""

    id: str
    queue: Queue
    entry: Entry
    priority: int
    """Head start in ms, the tier's included."""
    channel: Channel
    began: int
    """Since when steps and recipes count, in ms."""
    criteria: Criteria = ANYONE
    """Its own needs, with what recipes changed of them."""
    own_steps: tuple[Step, ...] = ()
    dropped: tuple[str, ...] = ()
    """Skills that recipes dropped, from its own criteria and the steps'."""
    tier: str = ""
    line: Line = None  # type: ignore[assignment]  # set by the floor at once
    state: InteractionState = InteractionState.WAITING
    agent: Agent | None = None
    """Who talks; None before."""
    offer: str = ""
    """The accepted offer; empty before."""
    offers: dict[str, Agent] | None = None
    """The offers that ring, with their agents; None or empty if none."""
    offered: int = 0
    """When the last offer was made, in ms."""
    step: int = -1
    """The step that holds: an index into `steps`, their number when all are over."""
    step_ends: int | None = None
    """When it ends, in ms."""
    skipped: int = 0
    """The steps that were skipped, as bits."""
    step_began: tuple[int, ...] = ()
    """When each step up to the present one began."""
    cooked: dict[tuple[str, Recipe], int] | None = None
    """When each recipe was last done, by queue; it survives changes of the configuration."""
    tier_ms: int = 0
    """What of the priority the tier of this queue gave."""

    @property
    def entered(self) -> int:
        """When it entered its queue, in ms."""
        return self.entry[1]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its own steps, then those of its queue."""
        return (
            self.own_steps + self.queue.config.steps if self.own_steps else self.queue.config.steps
        )
