"""An agent as the router holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .events import Presence, Wanted

if TYPE_CHECKING:
    from .interaction import Interaction
    from .profile import Profile


@dataclass(slots=True, eq=False)
class Agent:
    """One agent. At most one interaction rings for, or talks with, an agent at a time."""

    id: str
    order: int
    """Place in the configuration; breaks ties between equally suited agents."""
    profile: Profile | None
    """None for one who is not (any more) configured, and goes when the contact is over."""
    since: int
    """When `presence` began, in ms."""
    presence: Presence = Presence.OFFLINE
    reason: str = ""
    until: int | None = None
    """When `presence` ends by itself (wrap-up, back-off), in ms."""
    idle_since: int = 0
    """Since when they could have been working; not touched while an offer rings."""
    wanted: Wanted = Wanted.OFFLINE
    wanted_reason: str = ""
    registered: bool = True
    """What the PBX last said of the device. Taken to be there until it says otherwise."""
    lost: bool = False
    """An offer found the device unreachable, whatever the PBX says of it."""
    interaction: Interaction | None = None
    free: bool = False
    """Whether the agent stands in the profile's pools."""

    @property
    def reachable(self) -> bool:
        """Whether the agent's device can be rung, as far as is known."""
        return self.registered and not self.lost
