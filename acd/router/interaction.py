"""An interaction as the router holds it, from arrival to the end of its contact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .agent import Agent
    from .events import Channel
    from .line import Line
    from .ordered import Entry


class InteractionState(StrEnum):
    """Where an interaction is. One that has left or ended is not known to the router any more."""

    WAITING = "waiting"
    RINGING = "ringing"
    ON_CONTACT = "on_contact"


@dataclass(slots=True, eq=False)
class Interaction:
    """One live interaction. `entry`, its place in line, never changes."""

    id: str
    line: Line
    entry: Entry
    priority: int
    channel: Channel
    state: InteractionState = InteractionState.WAITING
    agent: Agent | None = None
    """Who rings or talks; None while waiting."""
    offer: str = ""
    """The live offer while ringing, the accepted one on contact; empty while waiting."""
    offered: int = 0
    """When that offer was made, in ms."""

    @property
    def entered(self) -> int:
        """When it entered its queue, in ms."""
        return self.entry[1]
