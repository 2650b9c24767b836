"""What the book of callbacks is told (events) and what it tells (decisions).

Times are integer milliseconds since the Unix epoch. A callback is named by its id; an attempt by
the fence its claim was given (`crm.attempts`). What names an attempt that is over is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.router.events import Arrived, QueueConfig
from crm.records import Callback

from .policy import Policy
from .words import Choice, Outcome, Stage

# --- events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Configured:
    """Policies and queues, by queue. A queue without a policy has the default one."""

    policies: Mapping[str, Policy]
    queues: Mapping[str, QueueConfig]


@dataclass(frozen=True, slots=True)
class Known:
    """A callback is promised, or was changed by others, or is read back after a restart.

    One that ended there ends here. One without a queue waits in no line until it has one.
    """

    callback: Callback


@dataclass(frozen=True, slots=True)
class Offered:
    """The router offered it to an agent, who is reserved: their phone has answered."""

    callback: str
    offer: str
    agent: str


@dataclass(frozen=True, slots=True)
class Unreserved:
    """The agent is gone before they talked; the router has it back in line."""

    callback: str
    offer: str


@dataclass(frozen=True, slots=True)
class PutOut:
    """The router put it out of its queue (closed, or a recipe): it waits in no line."""

    callback: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """It is not to be offered for so long, though it is in line: the database is away, or another
    worker's claim, whose call is gone, has not run out."""

    callback: str
    for_ms: int


@dataclass(frozen=True, slots=True)
class Found:
    """After a restart: an attempt whose call is up, as it was left by the last process.

    It is taken up if its fence is that of the row's live attempt. `answered`: the customer is on
    the line, and waits. `offer` and `agent`: who is held for it; empty if nobody is.
    """

    callback: str
    fence: int
    answered: bool
    offer: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The attempt is ours. `before` counts the attempts made so far."""

    callback: str
    fence: int
    before: int


@dataclass(frozen=True, slots=True)
class ClaimFailed:
    """The attempt could not be claimed: somebody else holds one, or the database is away.

    If it was refused because the callback has ended, `Known` tells how, or because of the
    do-not-call list, `Cancelled`; each comes before this.
    """

    callback: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The customer's phone was answered, by a person as far as can be told."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class MachineHeard:
    """The customer's phone was answered by a machine."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class Chose:
    """The customer answered the question."""

    callback: str
    fence: int
    choice: Choice


@dataclass(frozen=True, slots=True)
class Talking:
    """Customer and agent are connected."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """The call to the customer is over, or never came about.

    After an outcome without a pause of its own they are not called for `again_ms`.
    """

    callback: str
    fence: int
    outcome: Outcome
    again_ms: int = 0


@dataclass(frozen=True, slots=True)
class CalledAgain:
    """The customer is on the line by a call of their own, and would wait in the same queue.

    `kept` is what would bring the callback back to where it has come in the line (`Router.kept`),
    None if it does not stand there.
    """

    callback: str
    interaction: str
    kept: Arrived | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody cancels it: `customer`, `agent`, `admin`, `do_not_call`."""

    callback: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Agents are expected for these callbacks within the ring time, one for each (see `takers`)."""

    callbacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but the time; sent at `Book.deadline`."""


Event = (
    Configured | Known | Offered | Unreserved | PutOut | Deferred | Found | Claimed | ClaimFailed
    | Answered | MachineHeard | Chose | Talking | AttemptEnded | CalledAgain | Cancelled | Expected
    | TimePassed
)  # fmt: skip

# --- decisions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enter:
    """Tell the router this arrival: the place is taken."""

    callback: str
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Leave:
    """Tell the router `Left` of this interaction; an agent reserved for it is free again."""

    callback: str
    interaction: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim an attempt (`crm.attempts.claim`); answered by `Claimed` or `ClaimFailed`."""

    callback: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Call the customer, through the dialling gate; a refusal there ends the attempt."""

    callback: str
    fence: int
    number: str
    queue: str
    ring_ms: int
    agent: str
    """Who is reserved; empty: customer-first."""
    caller_id: str
    language: str
    detect: bool
    """Whether to find out if a machine answers."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the customer on this attempt: talk, later, cancel."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class LeaveMessage:
    """Leave the queue's message on the machine, then hang up."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect the customer on this attempt with the agent reserved by this offer."""

    callback: str
    fence: int
    offer: str
    agent: str


@dataclass(frozen=True, slots=True)
class Part:
    """The agent of `Connect` is gone before the two talked: the customer waits on."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call to the customer; its end is told by `AttemptEnded`."""

    callback: str
    fence: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Store an attempt's result (`crm.attempts.finish`)."""

    callback: str
    fence: int
    outcome: Outcome
    counts: bool
    state: Stage
    """WAITING, or how the callback ended."""
    reason: str
    due: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Store how a callback ended (`crm.callbacks.end`); a live attempt's result is void."""

    callback: str
    state: Stage
    reason: str
    merged_into: str = ""


@dataclass(frozen=True, slots=True)
class TakePlace:
    """The customer's own call takes this place: tell the router, with `interaction` in it."""

    callback: str
    arrived: Arrived


Decision = (
    Enter | Leave | Claim | Dial | Ask | LeaveMessage | Connect | Part | HangUp | Finish | End
    | TakePlace
)  # fmt: skip
