"""What the floor keeps in mind about live calls: contacts, and agents' legs."""

from __future__ import annotations

from dataclasses import dataclass, field

from pbx.port import Caller


@dataclass(slots=True)
class Contact:
    """One live voice interaction: which call it is, and how far it has come."""

    interaction: str
    call: str
    caller: Caller
    dialled: str = ""
    internal: bool = False
    """Whether it comes from an agent's own phone."""
    carry: dict[str, str] = field(default_factory=dict)
    queue: str = ""
    entered: int = 0
    talking_to: str = ""
    answered: bool = False
    ticks: int = 0
    """How many intervals of waiting have passed."""
    agent_left: bool = False
    """Whether the agent ended the talk, and the caller is still there."""

    @property
    def in_line(self) -> bool:
        """Whether it waits in a queue, ringing or not."""
        return bool(self.queue) and not self.answered


@dataclass(slots=True)
class Leg:
    """One agent's leg that we rang, until the PBX says that it is gone."""

    offer: str
    interaction: str
    queue: str
    agent: str
    answered: bool = False
    connected: bool = False
    cancelled: bool = False
