"""Erlang's formulas, exact: what M/M/s queues come to, and how many agents a target needs.

`load` is offered load in Erlangs (arrival rate × mean handling time), times are in units of the
mean handling time unless told otherwise. Sources: Erlang (1917); Palm (1957) and Garnett,
Mandelbaum and Reiman, "Designing a call center with impatient customers" (2002) for Erlang-A;
Cooper, "Introduction to Queueing Theory" (1981) for the recursion of Erlang-B.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

_SMALL = 1e-13
MOST_AGENTS = 10_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What a queue comes to in the long run. Times in units of the mean handling time."""

    waits: float
    """Probability that a caller waits."""
    mean_wait: float
    """Mean wait of all callers: ASA over AHT where nobody hangs up."""
    abandons: float = 0.0
    """Probability that a caller hangs up."""
    blocks: float = 0.0
    """Probability that a caller finds no place to wait."""


def blocking(agents: int, load: float) -> float:
    """Erlang-B: the probability that all agents are busy where nobody waits."""
    found = 1.0
    for n in range(1, agents + 1):
        found = load * found / (n + load * found)
    return found


def erlang_c(agents: int, load: float) -> Figures:
    """M/M/s: callers wait as long as it takes. Raises `ValueError` unless `load < agents`."""
    if not 0 <= load < agents:
        raise ValueError(f"{agents} agents cannot carry {load:g} Erlangs: the line has no end")
    lost = blocking(agents, load)
    waits = agents * lost / (agents - load * (1 - lost))
    return Figures(waits, waits / (agents - load))


def erlang_a(agents: int, load: float, patience: float) -> Figures:
    """M/M/s+M: callers hang up after an exponential time of mean `patience`.

    The birth-and-death chain is summed from the state `agents` both ways.
    """
    below, weight = 1.0, 1.0
    for n in range(agents, 0, -1):
        weight *= n / load
        below += weight
        if weight < _SMALL * below:
            break
    above = queue = 0.0
    weight, waiting = 1.0, 0
    while True:
        waiting += 1
        weight *= load / (agents + waiting / patience)
        above += weight
        queue += waiting * weight
        if weight * waiting < _SMALL * (queue + _SMALL) and agents + waiting / patience > load:
            break
    total = below + above
    mean = queue / total / load
    return Figures((1.0 + above) / total, mean, mean / patience)


def with_places(agents: int, load: float, places: int) -> Figures:
    """M/M/s/s+k: at most `places` callers wait, one more is turned away.

    `mean_wait` is that of the callers who get in.
    """
    lost = blocking(agents, load)
    weights = [lost * (load / agents) ** n for n in range(places + 1)]
    total = 1.0 + sum(weights[1:])
    queue = sum(n * weight for n, weight in enumerate(weights)) / total
    blocks = weights[-1] / total
    waits = sum(weights[:-1]) / total
    return Figures(waits / (1 - blocks), queue / load / (1 - blocks), blocks=blocks)


def service_level(agents: int, load: float, within: float) -> float:
    """M/M/s: the share of callers answered within a time (in mean handling times)."""
    return 1.0 - erlang_c(agents, load).waits * exp(-(agents - load) * within)


def agents_for_service_level(load: float, within: float, share: float) -> int:
    """Return the fewest agents who answer a share of callers within a time (Erlang-C).

    Raises `ValueError` for a share outside 0–1, and for a load beyond all measure.
    """
    _share(share)
    for agents in range(int(load) + 1, MOST_AGENTS):
        if service_level(agents, load, within) >= share:
            return agents
    raise ValueError(f"{load:g} Erlangs need more than {MOST_AGENTS} agents")


def agents_for_abandons(load: float, patience: float, share: float) -> int:
    """Return the fewest agents with whom at most a share of callers hangs up (Erlang-A).

    Raises `ValueError` for a share outside 0–1, and for a load beyond all measure.
    """
    _share(share)
    first, last = 1, 1
    while erlang_a(last, load, patience).abandons > share:
        first, last = last + 1, last * 2
        if last > MOST_AGENTS:
            raise ValueError(f"{load:g} Erlangs need more than {MOST_AGENTS} agents")
    while first < last:
        middle = (first + last) // 2
        if erlang_a(middle, load, patience).abandons > share:
            first = middle + 1
        else:
            last = middle
    return last


def _share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"a share lies between 0 and 1, not at {share:g}")
