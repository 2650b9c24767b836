"""What the router is told (events) and what it tells (decisions).

All times are integer milliseconds since the Unix epoch, given by the shell; the router reads no
clock. Everything here is frozen and plain, so that a journal entry is the event itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from .configuration import (
    AgentConfig as AgentConfig,
    Channel as Channel,
    Configuration as Configuration,
    QueueConfig as QueueConfig,
    Step,
)
from .criteria import ANYONE, Criteria
from .recipes import Recipe
from .words import (
    Failure as Failure,
    LeaveReason as LeaveReason,
    Presence as Presence,
    Wanted as Wanted,
)

# --- events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """A whole new configuration; the router works out what it means for those who wait."""

    config: Configuration


@dataclass(frozen=True, slots=True)
class Done:
    """A recipe that was done for an interaction, and when last, in ms."""

    queue: str
    recipe: Recipe
    at: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """An interaction enters a queue. `entered` is kept through restarts and callbacks."""

    interaction: str
    queue: str
    entered: int
    priority: int = 0
    """Head start in milliseconds: subtracted from `entered` in the ordering key."""
    channel: Channel = Channel.VOICE
    criteria: Criteria = ANYONE
    """What it needs of an agent, besides serving the queue."""
    steps: tuple[Step, ...] = ()
    """Its own routing steps, before the queue's: preferred agents, most often."""
    tier: str = ""
    """The caller's tier, which the queue turns into a head start."""
    began: int | None = None
    """Since when steps and recipes count; None: since now, or `entered` if `rejoins`."""
    rejoins: bool = False
    """It waited here before (a restart, a talk that did not come about): it is let in anyhow.

    The fields that follow are for those who do; `Router.kept` fills them.
    """
    dropped: tuple[str, ...] = ()
    """Skills that recipes dropped."""
    done: tuple[Done, ...] = ()
    step: int | None = None
    """The step that held, counted from 0, their number when all were over; None: worked out from
    `began`."""
    stepped: tuple[int, ...] = ()
    """When each step up to that one began."""
    skipped: int = 0
    """The steps that were skipped, as bits."""


@dataclass(frozen=True, slots=True)
class Left:
    """An interaction left: the caller hung up, or was taken elsewhere, at any stage."""

    interaction: str
    reason: LeaveReason = LeaveReason.ABANDONED


@dataclass(frozen=True, slots=True)
class AgentWants:
    """An agent logged in or out, paused or resumed."""

    agent: str
    wanted: Wanted
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentReachable:
    """An agent's device registered or went away. Unreachable agents are offered nothing."""

    agent: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The agent took the offer; they are on contact from now."""

    offer: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The offer came to nothing; the interaction goes back to its exact place."""

    offer: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Ended:
    """The contact between interaction and agent is over; wrap-up begins."""

    interaction: str
    agent: str


@dataclass(frozen=True, slots=True)
class WrapUpDone:
    """The agent is done before the wrap-up time is over."""

    agent: str
    interaction: str = ""
    """With which; empty: with all that they wrap up."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """The agent gives their contact away, to a queue or by a step to an agent; blind.

    The contact ends and wrap-up begins as with `Ended`; `arrived` enters its queue in the same
    instant: under the same id, or as a linked interaction under another. Its `entered` is the old
    one where the place is to be kept.
    """

    interaction: str
    agent: str
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class AgentBusy:
    """An agent is on the phone otherwise: consulted, in a conference, calling out.

    It takes capacity of the channel like a contact. Told again, it only changes `until`.
    """

    agent: str
    what: str
    """Names it, for `AgentFreeAgain` and `HandedOver`."""
    channel: Channel = Channel.VOICE
    until: int | None = None
    """When it ends by itself if nothing is told before, in ms; None: it does not. A time that has
    passed ends it."""


@dataclass(frozen=True, slots=True)
class AgentFreeAgain:
    """What `AgentBusy` told is over."""

    agent: str
    what: str
    wrap_up_ms: int = 0


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A contact went from one agent to another: an attended transfer, a conference left.

    Wrap-up begins for the first. Ignored if `to` is not known.
    """

    interaction: str
    agent: str
    to: str
    replaces: str = ""
    """The consult this ends: what `AgentBusy` told of `to`, or the interaction by which they
    were reached through a queue. Neither gets a wrap-up of its own."""


@dataclass(frozen=True, slots=True)
class QueueOpened:
    """A queue's opening hours begin. Queues are open until told otherwise."""

    queue: str


@dataclass(frozen=True, slots=True)
class QueueClosed:
    """A queue's opening hours are over, or it is closed for a holiday or by hand."""

    queue: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DayStarted:
    """The counts of today begin anew: occupied time and contacts of every agent."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """After a restart: this agent is ringing for, or talking with, this interaction already."""

    interaction: str
    queue: str
    entered: int
    agent: str
    offer: str
    answered: bool
    priority: int = 0
    channel: Channel = Channel.VOICE


@dataclass(frozen=True, slots=True)
class AgentRestored:
    """After a restart: what this agent was, so that no wrap-up, idle time or count begins anew.

    Ignored for an agent who is logged in already.
    """

    agent: str
    wanted: Wanted
    reason: str = ""
    reachable: bool = True
    idle_since: int | None = None
    """Since when they could have been working, if that is known."""
    wrap_up_until: int | None = None
    """When the wrap-up that they were in ends."""
    contacts_today: int = 0
    busy_today: int = 0
    """Occupied time today until now, in ms."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but the time; sent at `Router.deadline`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several events at one instant: all are applied in order, then decided once.

    For a floor that is rebuilt or resynchronised, where a decision before the last event would
    rest on half of it.
    """

    events: tuple[Event, ...]


Event = (
    ConfigChanged
    | Arrived
    | Left
    | AgentWants
    | AgentReachable
    | OfferAccepted
    | OfferFailed
    | Ended
    | WrapUpDone
    | Transferred
    | AgentBusy
    | AgentFreeAgain
    | HandedOver
    | QueueOpened
    | QueueClosed
    | DayStarted
    | Adopted
    | AgentRestored
    | TimePassed
    | Batch
)


# --- decisions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """Ring this agent for this interaction."""

    offer: str
    interaction: str
    queue: str
    agent: str
    ring_ms: int


@dataclass(frozen=True, slots=True)
class CancelOffer:
    """Stop ringing: the interaction has left, or was won by another."""

    offer: str
    interaction: str
    agent: str


@dataclass(frozen=True, slots=True)
class AgentMoved:
    """An agent's presence changed. `reason` tells why for PAUSED, else is empty."""

    agent: str
    presence: Presence
    reason: str = ""
    until: int | None = None
    """When it ends by itself (wrap-up, back-off); None if it does not."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """The interaction waits in another queue from now on, with the same entry time."""

    interaction: str
    queue: str
    to: str


@dataclass(frozen=True, slots=True)
class ToVoicemail:
    """Take the caller to voicemail; they wait no more."""

    interaction: str
    queue: str


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The interaction waits no more and nobody answered it: the flow goes on with the reason.

    Reasons: `max_wait`, `full`, `empty`, `closed`, or what the configuration says.
    """

    interaction: str
    queue: str
    reason: str


@dataclass(frozen=True, slots=True)
class OfferCallback:
    """Ask the caller whether to call them back; they wait on. Yes is told by `Left`."""

    interaction: str
    queue: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Play a prompt to the caller, who waits on."""

    interaction: str
    queue: str
    prompt: str


@dataclass(frozen=True, slots=True)
class ShortAbandon:
    """An abandon too short to count against the service level (`QueueConfig.short_abandon_ms`)."""

    interaction: str
    queue: str
    waited_ms: int


Decision = (
    Offer
    | CancelOffer
    | AgentMoved
    | Overflow
    | ToVoicemail
    | TurnedAway
    | OfferCallback
    | Announce
    | ShortAbandon
)
