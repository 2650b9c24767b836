"""The estimator: how long each interaction in line will still wait, from the router's own floor.

Who is ahead, on which agents they have a claim, and who is on duty is read from the floor; how
long contacts last, and who gives up, from experience. Agents who may take the same lines form a
group, which frees an agent at some rate; whoever is ahead takes the first agent freed by any group
they may have, in the order of keys. So their claims fill the groups like water: the level at which
the interaction's own claim is met is its mean wait. In one line alone that is the wait behind n
others with s agents: n + 1 of them must come free, each after 1/(s µ) on average, sooner by those
who give up: Σ 1/(s µ + j θ), with variance Σ 1/(s µ + j θ)² (a pure death process, exact for
exponential times; without abandonment, the predictor QL of Ibrahim and Whitt, 2009). Where lines
share agents, the variance is that of the groups it may be served by.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import exp

from acd.router import Router, events as ev
from acd.router.agent import Agent
from acd.router.floor import Floor
from acd.router.interaction import Interaction, InteractionState
from acd.router.line import Line
from acd.router.ordered import Entry
from acd.router.supply import orders

from .estimate import Estimate, Spread
from .experience import Experience

CHUNKS = 12
"""Into how many parts each line ahead is cut to be put in order with others."""
_ROUNDS = 3


@dataclass(slots=True)
class Group:
    """Agents on duty who may take the same of the lines looked at."""

    lines: int
    """Which, as bits."""
    agents: list[Agent]
    times: list[tuple[float, float]]
    """Of each: when they come free, and how long each contact from then on takes them, in ms."""
    rate: float = 0.0
    """How many of them come free a ms."""
    level: float = 0.0
    """Up to when what comes free is claimed."""


class Estimator:
    """Estimates waits on one router's floor, from one experience."""

    def __init__(self, router: Router, experience: Experience) -> None:
        self.router = router
        self.experience = experience

    def estimate(self, interaction: str, now: int) -> Estimate | None:
        """Return how long an interaction will still wait.

        None if it does not wait, if nobody on duty may take it, or if too few contacts were seen
        to tell.
        """
        floor = self.router.floor
        one = floor.interactions.get(interaction)
        if one is None or one.state is not InteractionState.WAITING or one.line is None:
            return None
        return Prospect(floor, self.experience, one.line, now).of(one)

    def line(self, line: Line, now: int) -> dict[str, Estimate | None]:
        """Return the estimates of everybody who waits in a line, by interaction, in order."""
        prospect = Prospect(self.router.floor, self.experience, line, now)
        known = self.router.floor.interactions
        return {
            one.id: prospect.of(one)
            for entry in line.entries
            if (one := known[entry[3]]).state is InteractionState.WAITING
        }


class Freed:
    """How many of some agents come free by when: each first when what they have in hand is over, at
    an even rate up to then, and then at the rate of contacts to come.
    """

    def __init__(self, times: list[tuple[float, float]]) -> None:
        self._points = [0.0]
        """Times at which the rate changes, and up to there, how many: both rise."""
        self._counts = [0.0]
        self._rate = sum(1 / first for first, _ in times)
        self._rates = [self._rate]
        for first, mean in sorted(times):
            self._counts.append(self._counts[-1] + self._rate * (first - self._points[-1]))
            self._points.append(first)
            self._rate += 1 / mean - 1 / first
            self._rates.append(self._rate)

    def until(self, count: float) -> float:
        """Return by when so many have come free."""
        at = bisect_right(self._counts, count) - 1
        return self._points[at] + (count - self._counts[at]) / self._rates[at]


class Prospect:
    """What a line has to expect at one instant: the lines it shares agents with, and the agents."""

    def __init__(self, floor: Floor, experience: Experience, line: Line, now: int) -> None:
        self._floor = floor
        self._experience = experience
        self._line = line
        self._now = now
        self._mean = experience.mean(line.queue.config.name, now)
        self._lines = self._coupled()
        self._groups = self._grouped()
        self._own = [group for group in self._groups if group.lines & 1]
        self._agents = sum(len(group.agents) for group in self._own)
        self._sums: list[tuple[float, float]] = []
        """Mean and variance by place, where nobody else's claims matter."""
        self._set_rates(0.0)
        self._freed = Freed([time for group in self._own for time in group.times])
        self._hazards = [experience.hazard(one.queue.config.name) for one in self._lines]

    def of(self, one: Interaction) -> Estimate | None:
        """Return the estimate of one who waits in this line."""
        if self._mean is None or not self._agents:
            return None
        alone = len(self._lines) == 1 and not self._overtakers(one, 1.0)
        ahead, spread = self._alone(one) if alone else self._among(one)
        if spread is None:
            return None
        # What was learnt from few contacts is itself uncertain.
        seen = self._experience.seen(self._line.queue.config.name)
        spread = Spread(spread.mean, spread.variance + spread.mean**2 / seen)
        return spread.estimate(ahead, self._agents)

    # --- who shares what -------------------------------------------------------------------------

    def _coupled(self) -> list[Line]:
        """The lines with whom this one shares agents, directly or by others; itself first."""
        active = self._floor.supply.active
        found, reach = [self._line], self._line.eligible & active
        rest = [
            line
            for queue in self._floor.queues.values()
            for line in queue.lines.values()
            if line.live and line is not self._line and line.channel is self._line.channel
        ]
        while True:
            more = [line for line in rest if line.eligible & reach]
            if not more:
                return found
            found += more
            for line in more:
                reach |= line.eligible & active
            rest = [line for line in rest if not line.eligible & reach]

    def _grouped(self) -> list[Group]:
        active = self._floor.supply.active
        sets: dict[int, int] = {}
        for number, line in enumerate(self._lines):
            mine, bit = line.eligible & active, 1 << number
            split: dict[int, int] = {}
            for lines, known in sets.items():
                if inside := known & mine:
                    split[lines | bit] = inside
                if outside := known & ~mine:
                    split[lines] = split.get(lines, 0) | outside
                mine &= ~known
            if mine:
                split[bit] = split.get(bit, 0) | mine
            sets = split
        everyone = self._floor.ordered
        groups = []
        for lines, members in sets.items():
            agents = [everyone[order] for order in orders(members)]
            willing = [agent for agent in agents if agent.wanted is ev.Wanted.AVAILABLE]
            if willing:
                groups.append(Group(lines, willing, self._times(willing)))
        return groups

    def _times(self, agents: list[Agent]) -> list[tuple[float, float]]:
        means = [(agent, self._handling(agent)) for agent in agents]
        return [(self._free_in(agent, mean), mean) for agent, mean in means if mean is not None]

    def _set_rates(self, until: float) -> None:
        """Set how fast groups come free, up to a level: each agent once when what they have in
        hand is over, and then at the rate of contacts to come.
        """
        for group in self._groups:
            group.rate = _rate(group.times, until)

    def _handling(self, agent: Agent) -> float | None:
        """How long contacts take the agent: those of the queue that they talk for now."""
        for one in agent.contacts.values():
            mean = self._experience.mean(one.queue.config.name, self._now)
            if mean is not None:
                return mean
        return self._mean

    def _free_in(self, agent: Agent, mean: float) -> float:
        """How long until an agent has a place again: the first of what they have in hand."""
        times = [
            left
            for name in agent.contacts
            if (left := self._experience.left(name, self._now)) is not None
        ]
        times += [
            float(hold.until - self._now)
            for hold in (*agent.wraps.values(), *agent.busy.values())
            if hold.until is not None
        ]
        if agent.backs_off is not None:
            times.append(float(agent.backs_off[1] - self._now))
        return max(min(times, default=mean), 1.0)

    # --- how long that takes ---------------------------------------------------------------------

    def _alone(self, one: Interaction) -> tuple[int, Spread | None]:
        ahead = self._line.entries.before(one.entry)
        rate = sum(group.rate for group in self._own)
        if rate <= 0:
            return ahead, None
        theta = self._hazards[0]
        mean, variance = self._sum(ahead, rate, theta)
        # So many must come free; agents who are due sooner or later than by chance change when.
        until = self._freed.until(rate * mean)
        return ahead, Spread(until, variance * (until / mean) ** 2)

    def _sum(self, ahead: int, rate: float, theta: float) -> tuple[float, float]:
        sums = self._sums
        mean, variance = sums[-1] if sums else (0.0, 0.0)
        for j in range(len(sums), ahead + 1):
            step = 1 / (rate + j * theta)
            mean += step
            variance += step * step
            sums.append((mean, variance))
        return sums[ahead]

    def _among(self, one: Interaction) -> tuple[int, Spread | None]:
        chunks, ahead = self._claims(one)
        level = 0.0
        for _ in range(_ROUNDS):
            self._set_rates(level)
            if sum(group.rate for group in self._own) <= 0:
                return ahead, None
            for group in self._groups:
                group.level = 0.0
            for _, number, count in chunks:
                self._claim(number, count, self._hazards[number])
            for number, count in self._overtakers(one, level):
                self._claim(number, count, 0.0)
            level = self._claim(0, 1.0, 0.0)
        return ahead, Spread(level, self._variance(level, sum(group.rate for group in self._own)))

    def _claims(self, one: Interaction) -> tuple[list[tuple[Entry, int, float]], int]:
        """The claims of those ahead, by key: where they stand, their line, how many."""
        chunks: list[tuple[Entry, int, float]] = []
        ahead = 0
        for number, line in enumerate(self._lines):
            preference = self._preference(one, number)
            if preference > 0:
                continue
            count = len(line.entries) if preference < 0 else line.entries.before(one.entry)
            ahead += count if self._shares(number) else 0
            parts = min(CHUNKS, count)
            for part in range(parts):
                first, last = part * count // parts, (part + 1) * count // parts
                entry = line.entries.slice(first + 1, first + 1)[0]
                place = (-1, *entry[1:]) if preference < 0 else entry
                chunks.append((place, number, float(last - first)))
        chunks.sort()
        return chunks, ahead

    def _shares(self, number: int) -> bool:
        return any(group.lines >> number & 1 for group in self._own)

    def _preference(self, one: Interaction, number: int) -> int:
        """Whether agents shared with a line prefer it (below 0) or this one (above 0)."""
        if number:
            mine, theirs = one.queue.config.name, self._lines[number].queue.config.name
            for group in self._own:
                if group.lines >> number & 1:
                    ranks = group.agents[0].ranks
                    return ranks.get(theirs, 1) - ranks.get(mine, 1)
        return 0

    def _overtakers(self, one: Interaction, level: float) -> list[tuple[int, float]]:
        """How many are to be expected who will go before it, by line, within a time."""
        found = []
        queues: set[str] = set()
        for number, line in enumerate(self._lines):
            name = line.queue.config.name
            if name in queues or (number and not self._shares(number)):
                continue
            queues.add(name)
            preference = self._preference(one, number)
            for priority, rate in self._experience.arrival_rates(name, self._now).items():
                window = level if preference < 0 else one.entry[0] + priority - self._now
                if preference <= 0 and window > 0:
                    found.append((number, rate * min(level, window)))
        return [claim for claim in found if claim[1] > 0]

    def _claim(self, number: int, count: float, theta: float) -> float:
        """Let a line claim agents; return the level to which its groups are claimed then."""
        groups = [group for group in self._groups if group.lines >> number & 1 and group.rate > 0]
        if not groups:
            return 0.0
        groups.sort(key=_level)
        if theta:
            count *= exp(-theta * groups[0].level)
        rate = filled = 0.0
        level = groups[0].level
        for at, group in enumerate(groups):
            rate += group.rate
            filled += group.rate * group.level
            level = (count + filled) / rate
            if at + 1 == len(groups) or level <= groups[at + 1].level:
                break
        for group in groups:
            group.level = max(group.level, level)
        return level

    def _variance(self, level: float, rate: float) -> float:
        theta = self._hazards[0]
        if theta * level < 1e-6:
            return level / rate
        # The death process that has this mean, its sums as integrals between half steps.
        steps = rate / theta * (exp(min(theta * level, 50.0)) - 1)
        low, high = rate - theta / 2, rate + (steps - 0.5) * theta
        if low <= 0 or high <= low:
            return level * level
        return (1 / low - 1 / high) / theta


def _rate(times: list[tuple[float, float]], until: float) -> float:
    """How many come free a ms, up to a time."""
    if until <= 0:
        return sum(1 / mean for _, mean in times)
    return sum(
        1 / first if until < first else (1 + (until - first) / mean) / until
        for first, mean in times
    )


def _level(group: Group) -> float:
    return group.level
