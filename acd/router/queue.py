"""A queue as the router holds it: its policy, who is unanswered, and its lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .criteria import AllOf, AnyOf, Criteria, Member, canonical, relaxed
from .line import Line
from .ordered import Ordered
from .recipes import (
    LengthAtLeast,
    NoMembers,
    PositionAtLeast,
    PositionAtMost,
    Recipe,
    Waited,
)
from .strategies import STRATEGIES
from .supply import orders

if TYPE_CHECKING:
    from .agent import Agent
    from .configuration import Channel, QueueConfig
    from .interaction import Interaction
    from .selection import Policy
    from .supply import Supply

_IDLE_LINES = 256
_KNOWN = 4096


class Queue:
    """One queue. Its lines are made as they are needed and kept for a while when empty."""

    __slots__ = (
        "_empty",
        "_known",
        "closed",
        "config",
        "configured",
        "edges",
        "joins",
        "leaves",
        "length_seen",
        "lengths",
        "lines",
        "live",
        "members_went",
        "membership",
        "policy",
        "recipes",
        "skips",
        "tiers",
        "unanswered",
        "waiting",
        "watched",
        "watches_members",
        "watches_places",
    )  # fmt: skip

    def __init__(self, config: QueueConfig, *, configured: bool) -> None:
        self.closed: str | None = None
        """Why it is closed; None while open."""
        self.unanswered = Ordered()
        """Everyone without an answer, in order; who rings keeps their place."""
        self.lines: dict[tuple[Channel, Criteria], Line] = {}
        self._empty = 0
        self._known: dict[tuple[object, ...], Line] = {}
        self.live = 0
        """Interactions that waiting, ringing or talking still need this queue."""
        self.waiting = 0
        """Interactions that wait and ring nowhere."""
        self.membership = Member(config.name)
        self.policy: Policy
        """How it stands among the queues with which it shares agents."""
        self.joins = self.leaves = 0
        """How many came to and went from `unanswered` since recipes were last looked at."""
        self.length_seen = 0
        self.members_went = False
        """Whether members have gone since recipes were last looked at."""
        self.configure(config, configured=configured)

    def configure(self, config: QueueConfig, *, configured: bool) -> None:
        """Take on a policy; `configured` is False for one that only lives interactions know."""
        self.config = config
        self.configured = configured
        self.tiers = dict(config.tiers)
        recipes = list(config.recipes)
        if config.max_wait_ms is not None:
            recipes.append(Recipe((Waited(config.max_wait_ms),), (config.when_late,)))
        if config.stay_needs is not None:
            recipes.append(Recipe((NoMembers(config.stay_needs),), (config.when_empty,)))
        self.recipes = tuple(recipes)
        """Those configured, then what the policy's own limits come to."""
        conditions = [one for recipe in recipes for one in recipe.when]
        self.edges = sorted(
            {c.place for c in conditions if isinstance(c, PositionAtMost | PositionAtLeast)}
        )
        self.lengths = sorted({c.length for c in conditions if isinstance(c, LengthAtLeast)})
        self.watches_members = any(isinstance(c, NoMembers) for c in conditions)
        self.watches_places = bool(self.edges or self.lengths)
        self.skips = any(step.skip_without is not None for step in config.steps)
        self.watched = bool(recipes) or config.closing_clears or self.skips
        """Whether those who wait are looked at for recipes and steps to skip."""
        self.forget_lines()

    # --- what an interaction needs ---------------------------------------------------------------

    def need(self, one: Interaction) -> Criteria:
        """Return what an interaction needs of an agent in the step that holds, canonical."""
        steps = one.steps
        last = min(one.step, len(steps) - 1)
        first = max((n for n in range(last + 1) if steps[n].replaces), default=0)
        parts = [self.alternative(one, n) for n in range(first, last + 1)]
        if one.step >= len(steps):
            parts.append(self.alternative(one, len(steps)))
        return canonical(AnyOf(tuple(parts)))

    def alternative(self, one: Interaction, number: int) -> Criteria:
        """Return what one step by itself asks for; past the last, what is left of all."""
        steps = one.steps
        own = one.criteria
        for step in steps[: number + 1]:
            if step.drop or step.lower:
                own = relaxed(own, step.drop, step.lower)
        if number >= len(steps):
            return AllOf((Member(self.config.name), own))
        step = steps[number]
        asked = relaxed(step.criteria, one.dropped, ()) if one.dropped else step.criteria
        if not step.members:
            return asked
        return AllOf((Member(self.config.name), own, asked))

    # --- lines -------------------------------------------------------------------------------

    def line(self, one: Interaction, supply: Supply, agents: list[Agent]) -> Line:
        """Return the line for what an interaction needs, made if there is none.

        `agents` are in configured order.
        """
        key = (one.channel, one.criteria, one.dropped, one.own_steps, one.step)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _KNOWN:
                self._known.clear()
            found = self._known[key] = self._line(one.channel, self.need(one), supply, agents)
        if not found.skips and any(step.skip_without is not None for step in one.own_steps):
            found.watched = found.skips = True
        return found

    def _line(self, channel: Channel, need: Criteria, supply: Supply, agents: list[Agent]) -> Line:
        found = self.lines.get((channel, need))
        if found is None:
            eligible = supply.of(need) if self.configured else 0
            strategy = STRATEGIES[self.config.strategy](self.config.name)
            found = self.lines[channel, need] = Line(self, channel, need, eligible, strategy)
            found.watched, found.skips = self.watched, self.skips
            found.staff(agents[order] for order in orders(eligible))
            self._empty += 1
        return found

    def enters(self, line: Line) -> None:
        """Count an interaction in its line."""
        if not line.live:
            self._empty -= 1
        line.live += 1

    def quits(self, line: Line, agents: list[Agent]) -> None:
        """Count an interaction out of its line; too many empty lines are dropped."""
        line.live -= 1
        if not line.live:
            self._empty += 1
            if self._empty > _IDLE_LINES:
                for key, one in list(self.lines.items()):
                    if not one.live:
                        del self.lines[key]
                        for order in orders(one.eligible):
                            del agents[order].lines[one]
                self._known.clear()
                self._empty = 0

    def forget_lines(self) -> None:
        """Drop every line, when queues or agents are configured anew."""
        self.lines = {}
        self._known = {}
        self._empty = 0

    def last_known(self) -> QueueConfig:
        """What is kept of a queue that has been removed: it lets everybody wait."""
        return replace(self.config, recipes=(), max_wait_ms=None, stay_needs=None, steps=())
