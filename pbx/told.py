"""What a PBX tells Sala: causes, events, and the list of all that is live.

Part of the switch port (`pbx.port`), which gives these names too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Why a leg ended, or with what a leg is to be ended (after ITU-T Q.850)."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    """The address has no device registered, or the device did not reply at all."""
    UNALLOCATED = "unallocated"
    """The number dialled does not exist."""
    CONGESTION = "congestion"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNDIALLED = "undialled"
    """Nobody was dialled: the trunk does not answer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the PBX presents it, already filtered.

    `number` holds digits with an optional leading `+`, and is None when withheld or not a number.
    `name` is free text from outside: printable, at most 64 characters, for display only.
    """

    number: str | None
    name: str = ""


class CallState(StrEnum):
    """Where a live call is, as the PBX sees it."""

    FLOW = "flow"
    WAITING = "waiting"
    TALKING = "talking"
    HELD = "held"
    """On hold by `Switch.hold`, with music. (By the agent's own phone: see `LegSnapshot.holds`.)"""
    CONFERENCE = "conference"
    DIALLED = "dialled"
    """A customer whom we call (`Switch.dial`): nobody has picked up yet."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """One live caller's leg, as listed by the PBX: enough to rebuild the floor."""

    call: str
    state: CallState
    caller: Caller
    carried: Mapping[str, str]
    talk: str = ""
    """Names the talk it is in, if any: whoever has the same one, hears it."""


@dataclass(frozen=True, slots=True)
class LegSnapshot:
    """One live agent's leg that Sala rang: its offer, its interaction, and how far it got."""

    offer: str
    address: str
    answered: bool
    carried: Mapping[str, str]
    talk: str = ""
    """As of a `CallSnapshot`."""
    holds: bool = False
    """Whether the phone has put the other side on hold."""


@dataclass(frozen=True, slots=True)
class FloorSnapshot:
    """All that is live on the PBX and is Sala's, and which addresses can be reached."""

    calls: Sequence[CallSnapshot] = ()
    legs: Sequence[LegSnapshot] = ()
    reachable: frozenset[str] = field(default_factory=frozenset)
    asking: frozenset[str] = field(default_factory=frozenset)
    """Calls that asked us something while this was listed: they live, whether listed or not."""
    restarted: bool = False
    """Whether the PBX has started since it was last listed: the calls of before were cut."""


# --- what the PBX tells us ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A caller's leg is gone. `by_caller` tells whether it was they who hung up.

    It was not they when the trunk fell silent, or ended the call since a network had failed.
    """

    call: str
    cause: Cause
    by_caller: bool = True


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The agent's device has said that it rings."""

    offer: str


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The agent's device has picked up; the PBX is connecting the caller."""

    offer: str


@dataclass(frozen=True, slots=True)
class LegConnected:
    """Agent and caller hear each other."""

    offer: str
    call: str


@dataclass(frozen=True, slots=True)
class LegEnded:
    """An agent's leg is gone. `answered` tells a talk's end from a failed offer.

    `hung_up` tells whether the agent's phone ended it; if not, the PBX did, as when it had nobody
    to talk with any more.
    """

    offer: str
    cause: Cause
    answered: bool
    hung_up: bool = False


@dataclass(frozen=True, slots=True)
class LegHolds:
    """An agent's phone has put the other side on hold; the PBX plays music to them."""

    offer: str


@dataclass(frozen=True, slots=True)
class LegResumes:
    """An agent's phone has taken the other side back from hold."""

    offer: str


@dataclass(frozen=True, slots=True)
class LegRefers:
    """An agent's phone sends its caller on (blind); `Handler.referred` asks where to.

    Until that is decided the leg is kept, parted from the caller.
    """

    offer: str


@dataclass(frozen=True, slots=True)
class LegHandsOver:
    """An agent's phone has joined its two calls (attended): the caller of its leg with `second`.

    Whoever talked with `second` talks with the caller now; if nobody did yet, the caller stands
    where `second` stood. The phone's own leg, and `second`, end.
    """

    offer: str
    second: str


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """An address became reachable (registered) or unreachable."""

    address: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class SwitchLost:
    """The link to the PBX is down; nothing is known until `SwitchBack`."""

    why: str


@dataclass(frozen=True, slots=True)
class SwitchBack:
    """The link is up (again); `floor` is the truth from here on."""

    floor: FloorSnapshot


SwitchEvent = (
    CallEnded
    | LegRinging
    | LegAnswered
    | LegConnected
    | LegEnded
    | LegHolds
    | LegResumes
    | LegRefers
    | LegHandsOver
    | DeviceChanged
    | SwitchLost
    | SwitchBack
)
