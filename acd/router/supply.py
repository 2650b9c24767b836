"""Supply: who can do what, as one bit for each agent, so that criteria are answered by a few ands.

An agent's bit is their order in the configuration. At 5,000 agents a set is an integer of 625
bytes, and what a tree of criteria asks for costs well under a microsecond for each of its parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from .configuration import Channel, Configuration
from .criteria import (
    AllOf,
    AnyOf,
    Anyone,
    Criteria,
    Language,
    Member,
    Named,
    Not,
    Site,
    Skill,
)
from .recipes import Staffing

CHANNELS = tuple(Channel)
"""Channels in the order of their bits in `Agent.open`."""
BITS = {channel: 1 << n for n, channel in enumerate(CHANNELS)}
INDEX = {channel: n for n, channel in enumerate(CHANNELS)}


class Supply:
    """The agents of one configuration as sets, and who of them is there."""

    __slots__ = ("_everyone", "_facts", "active", "free", "logged_in")

    def __init__(self, config: Configuration) -> None:
        size = len(config.agents) // 8 + 1
        facts: defaultdict[tuple[str, str, int], bytearray] = defaultdict(lambda: bytearray(size))
        for order, one in enumerate(config.agents):
            at, bit = order >> 3, 1 << (order & 7)
            facts["agent", one.agent, 0][at] |= bit
            facts["site", one.site, 0][at] |= bit
            for language in one.languages:
                facts["language", language, 0][at] |= bit
            for queue in one.queues:
                facts["queue", queue, 0][at] |= bit
            for skill, has in one.skills:
                for level in range(1, has + 1):
                    facts["skill", skill, level][at] |= bit
        self._facts = {key: int.from_bytes(bits, "little") for key, bits in facts.items()}
        self._everyone = (1 << len(config.agents)) - 1
        self.logged_in = 0
        """Who is not offline."""
        self.active = 0
        """Who is logged in, not paused and reachable."""
        self.free = [0] * len(CHANNELS)
        """Who could be offered an interaction now, by channel."""

    def of(self, criteria: Criteria) -> int:
        """Return the set of agents who meet the criteria."""
        facts = self._facts
        match criteria:
            case Anyone():
                return self._everyone
            case Skill(skill, level):
                return facts.get(("skill", skill, level), 0)
            case Member(queue):
                return facts.get(("queue", queue, 0), 0)
            case Language(language):
                return facts.get(("language", language, 0), 0)
            case Site(site):
                return facts.get(("site", site, 0), 0)
            case Named(agents):
                found = 0
                for agent in agents:
                    found |= facts.get(("agent", agent, 0), 0)
                return found
            case AllOf(parts):
                found = self._everyone
                for part in parts:
                    found &= self.of(part)
                    if not found:
                        break
                return found
            case AnyOf(parts):
                found = 0
                for part in parts:
                    found |= self.of(part)
                return found
            case Not(part):
                return self._everyone & ~self.of(part)

    def there(self, among: int, staffing: Staffing, channel: Channel) -> bool:
        """Whether one of these agents at least is there in this way."""
        if staffing is Staffing.LOGGED_IN:
            return bool(among & self.logged_in)
        if staffing is Staffing.ACTIVE:
            return bool(among & self.active)
        return bool(among & self.free[INDEX[channel]])


def orders(among: int) -> Iterator[int]:
    """Yield the orders of the agents in a set, the first first."""
    digits = bin(among)[:1:-1]
    at = digits.find("1")
    while at >= 0:
        yield at
        at = digits.find("1", at + 1)
