"""An agent as the router holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .configuration import AgentConfig, Capacity, Channel
from .events import Presence, Wanted
from .supply import CHANNELS

if TYPE_CHECKING:
    from .interaction import Interaction
    from .line import Line

Blocks = tuple[int, ...]
"""For each channel, those that a load on it blocks, as `supply.BITS`."""


@dataclass(slots=True)
class Hold:
    """What takes a place of an agent's capacity besides contacts: busy otherwise, or a wrap-up."""

    channel: Channel
    until: int | None


@dataclass(slots=True, eq=False)
class Agent:
    """One agent, what they have in hand and what they asked to be."""

    id: str
    order: int
    """Place in the configuration; breaks ties between equally suited agents."""
    config: AgentConfig | None
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
    backs_off: tuple[str, int] | None = None
    """Why and until when they are left alone after a failed offer."""
    ringing: dict[str, Interaction] = field(default_factory=dict)
    """What is offered to them, by offer."""
    contacts: dict[str, Interaction] = field(default_factory=dict)
    """Whom they talk with, by interaction."""
    busy: dict[str, Hold] = field(default_factory=dict)
    wraps: dict[str, Hold] = field(default_factory=dict)
    """Wrap-ups that last, by interaction."""
    limits: tuple[int, ...] = ()
    """How many interactions they take, by channel."""
    load: list[int] = field(default_factory=lambda: [0] * len(CHANNELS))
    """Places taken, by channel."""
    in_hand: int = 0
    """Places taken on all channels."""
    room: int = 0
    """Channels on which the load leaves room for one more, as `supply.BITS`."""
    timed: bool = False
    """Whether a timer of the floor runs for them."""
    open: int = 0
    """Channels on which they could be offered something now, as `supply.BITS`."""
    stamp: int = 0
    """Grows whenever `open` or the ranking may have changed; older pool entries are void."""
    there: tuple[bool, bool] = (False, False)
    """Whether they count as logged in, and as active."""
    standing: tuple[int, ...] = ()
    """What rankings look at, as it was when they last looked."""
    ranks: dict[str, int] = field(default_factory=dict)
    """Their preference for each queue they serve, where it is not 1."""
    skills: dict[str, int] = field(default_factory=dict)
    pooled: bool = False
    """Whether they stand in the pools of their lines, if open."""
    lines: dict[Line, None] = field(default_factory=dict)
    """The lines that they may serve."""
    contacts_today: int = 0
    busy_today: int = 0
    """Occupied time today in ms, up to `busy_from` if that is set."""
    busy_from: int | None = None
    """Since when occupied; None if not."""
    offered_at: int = 0
    """The number of the last offer made to them."""

    @property
    def reachable(self) -> bool:
        """Whether the agent's device can be rung, as far as is known."""
        return self.registered and not self.lost

    def limits_from(self, floor: Capacity) -> None:
        """Take on their own capacity, or the floor's."""
        mine = (self.config.capacity if self.config is not None else None) or floor
        self.limits = (mine.voice, mine.chat, mine.email)

    def take_stock(self, blocks: Blocks) -> None:
        """Work out `in_hand` and `room` from the load."""
        in_hand = room = blocked = 0
        bit = 1
        for load, limit, blocking in zip(self.load, self.limits, blocks, strict=True):
            if load < limit:
                room |= bit
            if load:
                in_hand += load
                blocked |= blocking
            bit <<= 1
        self.in_hand, self.room = in_hand, room & ~blocked

    @property
    def opening(self) -> int:
        """The channels on which they could be offered something as things stand."""
        willing = (
            self.wanted is Wanted.AVAILABLE
            and self.backs_off is None
            and self.registered
            and not self.lost
            and self.config is not None
        )
        return self.room if willing else 0

    def shows(self) -> tuple[Presence, str, int | None]:
        """Presence, reason and end, from what they have in hand and what they asked to be."""
        if self.ringing:
            return Presence.RINGING, "", None
        if self.contacts or self.busy:
            return Presence.ON_CONTACT, "", None
        if self.wraps:
            return Presence.WRAP_UP, "", max(hold.until or 0 for hold in self.wraps.values())
        if self.config is None:
            return Presence.OFFLINE, "", None
        if self.backs_off is not None:
            return Presence.PAUSED, *self.backs_off
        if self.wanted is Wanted.PAUSED:
            return Presence.PAUSED, self.wanted_reason, None
        return Presence(self.wanted.value), "", None

    def due(self) -> int | None:
        """When the first of their wrap-ups, back-off and timed absences ends."""
        if not self.wraps and not self.busy and self.backs_off is None:
            return None
        times = [hold.until for hold in self.wraps.values()]
        times += [hold.until for hold in self.busy.values()]
        if self.backs_off is not None:
            times.append(self.backs_off[1])
        return min((at for at in times if at is not None), default=None)
