"""What becomes of one callback: its stages, attempts and ends. See `book`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from acd.router.events import QueueConfig

from . import events as ev
from .calling import Calling
from .events import Decision
from .held import Held
from .place import taken
from .policy import Policy
from .shelf import Shelf
from .words import NOT_DIALLED, Choice, Outcome, Stage

RING_GRACE_MS = 10_000
"""How long after the ring time the end of a dialling is waited for."""
HANG_UP_MS = 10_000
"""How long the end of a call that we end is waited for."""
MESSAGE_MS = 60_000
"""How long leaving a message may take, or telling what was understood."""
HELD_MS = 5_000
"""When to try again what could not be claimed."""
CONNECT_MS = 10_000
"""How long customer and agent may take to be connected."""

_MERGES = frozenset(
    {Stage.SCHEDULED, Stage.WAITING, Stage.RESERVED, Stage.DIALLING, Stage.HANGING_UP}
)
"""Later than that, the customer is on the line already: it is somebody else who calls."""
_UNCOUNTED = NOT_DIALLED | {Outcome.LATER, Outcome.CONNECTED}
_UP = frozenset({Stage.DIALLING, Stage.ASKING, Stage.HOLDING, Stage.CONNECTING})


class Conduct:
    """Moves single callbacks through their stages. What is to be done is added to `out`."""

    def __init__(self, shelf: Shelf) -> None:
        self.out: list[Decision] = []
        self.policies: Mapping[str, Policy] = {}
        self.queues: Mapping[str, QueueConfig] = {}
        self._plain = Policy()
        self._shelf = shelf
        self._calling = Calling()

    def policy(self, queue: str) -> Policy:
        """Return a queue's policy."""
        return self.policies.get(queue, self._plain)

    def agent_first(self, one: Held) -> bool:
        """Tell whether an agent is reserved first; always for one of an agent's own."""
        return self.policy(one.queue).agent_first or bool(one.record.owner)

    # --- without an attempt ----------------------------------------------------------------------

    def settle(self, one: Held, now: int) -> None:
        """Let one without an attempt wait in line, or for its time; or expire."""
        if one.expires <= now:
            self._end(one, Stage.EXPIRED, "expired")
            return
        if not one.queue:
            # Somebody is to say first who calls them: `sala callback reassign`.
            self.leave(one)
            self._shelf.stay(one, Stage.SCHEDULED, one.expires)
            return
        policy = self.policy(one.queue)
        due = self._calling.next(policy.calling, one.record.number, max(one.due, now))
        if due > now:
            self.leave(one)
            self._shelf.stay(one, Stage.SCHEDULED, min(due, one.expires))
            return
        until = self._calling.window(policy.calling, one.record.number, now).until
        self._shelf.stay(one, Stage.WAITING, min(until, one.expires))
        if self.agent_first(one):
            if one.record.owner and not one.in_line:
                # They wait for their agent from now, however long ago it was asked for.
                one.place = replace(one.place, began=now)
            self._enter(one)
        else:
            self.leave(one)

    def reserve(self, one: Held) -> None:
        """Go and claim an attempt: an agent is reserved, or expected."""
        self._shelf.stay(one, Stage.RESERVED, one.expires)
        if not one.claiming:
            one.claiming = True
            self.out.append(ev.Claim(one.id))

    def leave(self, one: Held) -> None:
        """Leave the line, and whoever was reserved."""
        one.offer = one.agent = ""
        if one.in_line:
            one.in_line = False
            self.out.append(ev.Leave(one.id, one.place.interaction))

    def _enter(self, one: Held) -> None:
        if not one.in_line:
            one.in_line = True
            self.out.append(ev.Enter(one.id, one.place))

    # --- events ----------------------------------------------------------------------------------

    def told(self, one: Held, event: ev.Event, now: int) -> None:
        """Apply an event of one callback."""
        match event:
            case ev.Offered() if one.in_line and not one.offer:
                # Where several ring, the first who is there has it.
                one.offer, one.agent = event.offer, event.agent
                if one.stage is Stage.HOLDING:
                    self._to_agent(one, now)
                elif one.stage is Stage.WAITING:
                    self.reserve(one)
            case ev.Unreserved() if event.offer == one.offer:
                self._unreserved(one, now)
            case ev.PutOut() if one.in_line:
                one.in_line = False
                self._put_out(one, now)
            case ev.Deferred() if one.in_line and one.stage is Stage.WAITING:
                one.due = now + event.for_ms
                self.settle(one, now)
            case ev.Found():
                self._found(one, event, now)
            case ev.Claimed() if one.claiming:
                self._claimed(one, event, now)
            case ev.ClaimFailed() if one.claiming:
                one.claiming = False
                if one.stage is Stage.RESERVED:
                    one.due = now + HELD_MS
                    self.settle(one, now)
            case ev.CalledAgain() if one.stage in _MERGES and not _is_ahead(one, now):
                queue = self.queues.get(one.queue) or QueueConfig(one.queue)
                place = taken(one.record, queue, event.interaction, now, event.kept)
                self._hang_up_now(one)
                self._end(one, Stage.MERGED, "called_again", event.interaction)
                self.out.append(ev.TakePlace(one.id, place))
            case ev.Cancelled():
                self._cancel(one, event.reason)
            case ev.Answered() | ev.MachineHeard() | ev.Chose() | ev.Talking() | ev.AttemptEnded():
                if one.live and event.fence == one.fence:
                    self._attempt_told(one, event, now)
            case _:
                pass

    def _attempt_told(self, one: Held, event: ev.Event, now: int) -> None:
        stage = one.stage
        match event:
            case ev.AttemptEnded():
                outcome = event.outcome
                if stage is Stage.HANGING_UP and outcome not in NOT_DIALLED:
                    outcome = one.outcome
                self._attempt_over(one, outcome, now, event.again_ms)
            case ev.Answered() if stage is Stage.DIALLING:
                policy = self.policy(one.queue)
                if policy.asks:
                    self._shelf.stay(one, Stage.ASKING, now + policy.ask_ms)
                    self.out.append(ev.Ask(one.id, one.fence))
                else:
                    self._to_agent(one, now)
            case ev.MachineHeard() if stage is Stage.DIALLING:
                self._machine(one, now)
            case ev.Chose(choice=Choice.TALK) if stage is Stage.ASKING:
                self._to_agent(one, now)
            case ev.Chose(choice=Choice.LATER) if stage is Stage.ASKING:
                self._hangs_up(one, Outcome.LATER, now)
            case ev.Chose(choice=Choice.CANCEL) if stage is Stage.ASKING:
                # They are still told so, and then hung up on.
                self._end(one, Stage.CANCELLED, "customer")
            case ev.Talking() if stage is Stage.CONNECTING:
                # The router knows it by `OfferAccepted`: it does not leave the line, it was served.
                one.in_line = False
                self._finish(one, Outcome.CONNECTED, Stage.CONNECTED, "")
                self._gone(one, Stage.CONNECTED)
            case _:
                pass

    def over(self, one: Held, now: int) -> None:
        """Do what is to be done when the time of a stage is over."""
        match one.stage:
            case Stage.SCHEDULED | Stage.WAITING:
                self.settle(one, now)
            case Stage.RESERVED if one.expires <= now:
                self._end(one, Stage.EXPIRED, "expired")
            case Stage.RESERVED:
                self._shelf.stay(one, Stage.RESERVED, one.expires)
            case Stage.DIALLING:
                self._hang_up(one, Outcome.NO_ANSWER, now)
            case Stage.ASKING:
                self._hang_up(one, Outcome.NO_CHOICE, now)
            case Stage.CONNECTING:
                self._hang_up(one, Outcome.FAILED, now)
            case Stage.HANGING_UP:
                self.out.append(ev.HangUp(one.id, one.fence))
                self._attempt_over(one, one.outcome, now)
            case _:
                pass

    # --- an attempt ------------------------------------------------------------------------------

    def _claimed(self, one: Held, event: ev.Claimed, now: int) -> None:
        one.claiming = False
        one.fence = one.seen = event.fence
        one.attempts = event.before
        policy = self.policy(one.queue)
        if one.attempts >= policy.attempts:
            # The claim counted an attempt whose worker died.
            self._finish(one, Outcome.WITHDRAWN, Stage.FAILED, str(Outcome.LOST))
            self._gone(one, Stage.FAILED)
            return
        allowed = self._calling.window(policy.calling, one.record.number, now).allowed
        if one.stage is not Stage.RESERVED or not allowed:
            self._finish(one, Outcome.WITHDRAWN, Stage.WAITING, "")
            one.fence = 0
            if one.stage is Stage.RESERVED:
                self.settle(one, now)
            return
        self._shelf.stay(one, Stage.DIALLING, now + policy.ring_ms + RING_GRACE_MS)
        self.out.append(
            ev.Dial(
                one.id, one.fence, one.record.number, one.queue, policy.ring_ms, one.agent,
                policy.caller_id, one.record.language or "", policy.detect,
            )
        )  # fmt: skip

    def _found(self, one: Held, event: ev.Found, now: int) -> None:
        """Take up an attempt of the process before this one."""
        policy = self.policy(one.queue)
        ours = one.record.holder is not None and event.fence == one.seen
        if not ours or one.live or one.claiming:
            if event.fence != one.fence:
                self.out.append(ev.HangUp(one.id, event.fence))
            return
        one.fence, one.offer, one.agent = event.fence, event.offer, event.agent
        if event.answered:
            # The router knows of who is held for them.
            one.in_line = one.in_line or bool(one.offer)
            self._to_agent(one, now)
            return
        self._shelf.stay(one, Stage.DIALLING, now + policy.ring_ms + RING_GRACE_MS)
        if self.agent_first(one) and not one.offer:
            # The agent did not wait.
            self._hang_up(one, Outcome.GIVEN_UP, now)

    def _to_agent(self, one: Held, now: int) -> None:
        """The customer is there to talk: connect them, or let them wait at their place."""
        if one.offer:
            self._shelf.stay(one, Stage.CONNECTING, now + CONNECT_MS)
            self.out.append(ev.Connect(one.id, one.fence, one.offer, one.agent))
        else:
            self._shelf.stay(one, Stage.HOLDING, None)
            self._enter(one)

    def _unreserved(self, one: Held, now: int) -> None:
        one.offer = one.agent = ""
        match one.stage:
            case Stage.RESERVED:
                self.settle(one, now)
            case Stage.CONNECTING:
                self._shelf.stay(one, Stage.HOLDING, None)
                self.out.append(ev.Part(one.id, one.fence))
            case Stage.DIALLING:
                self._hang_up(one, Outcome.GIVEN_UP, now)
            case _:
                # While they are asked, the customer is with us: the line brings another agent.
                pass

    def _put_out(self, one: Held, now: int) -> None:
        one.offer = one.agent = ""
        one.due = max(one.due, now + self.policy(one.queue).later_ms)
        if one.stage in _UP:
            self._hang_up(one, Outcome.GIVEN_UP, now)
        elif one.stage in (Stage.WAITING, Stage.RESERVED):
            self.settle(one, now)

    def _machine(self, one: Held, now: int) -> None:
        if not self.policy(one.queue).leave_message:
            self._hang_up(one, Outcome.MACHINE, now)
            return
        self._hangs_up(one, Outcome.MACHINE, now)
        self.out.append(ev.LeaveMessage(one.id, one.fence))

    def _hangs_up(self, one: Held, outcome: Outcome, now: int) -> None:
        """Let the attempt end when all is said; what comes of it is settled."""
        self.leave(one)
        one.outcome = outcome
        self._shelf.stay(one, Stage.HANGING_UP, now + MESSAGE_MS)

    def _hang_up(self, one: Held, outcome: Outcome, now: int) -> None:
        """End the attempt from our side; its end is waited for."""
        self._hang_up_now(one)
        self.leave(one)
        one.outcome = outcome
        self._shelf.stay(one, Stage.HANGING_UP, now + HANG_UP_MS)

    def _hang_up_now(self, one: Held) -> None:
        if one.stage in _UP:
            self.out.append(ev.HangUp(one.id, one.fence))

    def _attempt_over(self, one: Held, outcome: Outcome, now: int, again_ms: int = 0) -> None:
        """Store what came of the attempt, and plan the next."""
        policy = self.policy(one.queue)
        pause: int | None = again_ms
        if outcome is Outcome.LATER:
            pause = policy.later_ms
        elif outcome is Outcome.BARRED:
            pause = None
        elif outcome not in _UNCOUNTED:
            one.attempts += 1
            last = one.attempts >= policy.attempts
            pause = None if last else policy.pause(outcome, one.attempts - 1)
        if pause is None:
            self._finish(one, outcome, Stage.FAILED, str(outcome))
            self._gone(one, Stage.FAILED)
            return
        # One that was put off meanwhile stays put off.
        due = max(one.due, now + pause)
        due = self._calling.next(policy.calling, one.record.number, due)
        if due >= one.expires:
            self._finish(one, outcome, Stage.EXPIRED, str(outcome))
            self._gone(one, Stage.EXPIRED)
            return
        self._finish(one, outcome, Stage.WAITING, "", due)
        one.fence, one.due, one.stage = 0, due, Stage.WAITING
        # What the store is told now, it will tell us: that is no change then.
        one.record = replace(one.record, due_ms=due)
        # Whoever was reserved is free, also when the next attempt may follow at once.
        self.leave(one)
        self.settle(one, now)

    def _finish(
        self, one: Held, outcome: Outcome, state: Stage, reason: str, due: int | None = None
    ) -> None:
        counts = outcome not in _UNCOUNTED
        one.finished = one.fence
        self.out.append(ev.Finish(one.id, one.fence, outcome, counts, state, reason, due))

    # --- ends ------------------------------------------------------------------------------------

    def ended_elsewhere(self, one: Held, state: Stage) -> None:
        """Take note that others ended it."""
        self._hang_up_now(one)
        self._gone(one, state)

    def _cancel(self, one: Held, reason: str) -> None:
        self._hang_up_now(one)
        self._end(one, Stage.CANCELLED, reason)

    def _end(self, one: Held, state: Stage, reason: str, merged_into: str = "") -> None:
        self.out.append(ev.End(one.id, state, reason, merged_into))
        self._gone(one, state)

    def _gone(self, one: Held, state: Stage) -> None:
        self.leave(one)
        one.stage, one.until, one.fence = state, None, 0
        self._shelf.forget(one)


def _is_ahead(one: Held, now: int) -> bool:
    """Tell whether an agent has promised to call later: a call about something else ends it not.

    Once that time has come it is as any other, also while it is put off, or is to be tried again.
    """
    return bool(one.record.owner) and not one.attempts and one.record.due_ms > now
