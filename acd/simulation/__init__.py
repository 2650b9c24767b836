"""Simulation: the router that routes live calls, on a floor of drawn callers and agents.

Discrete events, seeded, pure: nothing here is on the service's import path.
"""

from .world import WAITING, Call, World

__all__ = ["WAITING", "Call", "World"]
