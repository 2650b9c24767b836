"""Erlang's formulas beside SciPy's distributions, from which they can be had another way."""

from __future__ import annotations

from math import exp

import pytest
from scipy import special, stats

from acd.simulation.erlang import (
    agents_for_abandons,
    agents_for_service_level,
    blocking,
    erlang_a,
    erlang_c,
    service_level,
    with_places,
)

POINTS = ((1, 0.3), (3, 2.0), (10, 8.0), (14, 10.0), (50, 48.0), (100, 95.0), (400, 380.0))


@pytest.mark.parametrize(("agents", "load"), POINTS)
def test_erlang_b_is_a_truncated_poisson(agents: int, load: float) -> None:
    poisson = stats.poisson(load)
    assert blocking(agents, load) == pytest.approx(poisson.pmf(agents) / poisson.cdf(agents))


@pytest.mark.parametrize(("agents", "load"), POINTS)
def test_erlang_c_by_the_poisson_distribution(agents: int, load: float) -> None:
    poisson = stats.poisson(load)
    full = poisson.pmf(agents) / (1 - load / agents)
    assert erlang_c(agents, load).waits == pytest.approx(full / (full + poisson.cdf(agents - 1)))


@pytest.mark.parametrize(
    ("agents", "load", "patience"), [(50, 48, 2.0), (14, 10, 5 / 3), (100, 102, 1.0), (5, 9, 0.5)]
)
def test_erlang_a_by_the_incomplete_gamma_function(
    agents: int, load: float, patience: float
) -> None:
    # Garnett, Mandelbaum and Reiman (2002): A(x, y) = x e^y y^-x γ(x, y).
    x, y = agents * patience, load * patience
    a = x * exp(y) * y**-x * special.gammainc(x, y) * special.gamma(x)
    b = blocking(agents, load)
    waits = a * b / (1 + (a - 1) * b)
    found = erlang_a(agents, load, patience)
    assert found.waits == pytest.approx(waits, rel=1e-9)
    abandons_if_waits = 1 / (load / agents * a) + 1 - agents / load
    assert found.abandons == pytest.approx(waits * abandons_if_waits, rel=1e-9)
    assert found.abandons == pytest.approx(found.mean_wait / patience)


def test_places_to_wait_lead_from_erlang_b_to_erlang_c() -> None:
    assert with_places(90, 84, 0).blocks == pytest.approx(blocking(90, 84))
    assert with_places(90, 84, 5000).waits == pytest.approx(erlang_c(90, 84).waits)
    assert with_places(90, 84, 5000).mean_wait == pytest.approx(erlang_c(90, 84).mean_wait)


def test_as_few_agents_as_serve() -> None:
    few = agents_for_service_level(10, 20 / 180, 0.8)
    assert service_level(few, 10, 20 / 180) >= 0.8 > service_level(few - 1, 10, 20 / 180)
    few = agents_for_abandons(48, 2, 0.03)
    assert erlang_a(few, 48, 2).abandons <= 0.03 < erlang_a(few - 1, 48, 2).abandons
    with pytest.raises(ValueError, match="the line has no end"):
        erlang_c(10, 10)
    with pytest.raises(ValueError, match="between 0 and 1"):
        agents_for_service_level(10, 1, 80)
