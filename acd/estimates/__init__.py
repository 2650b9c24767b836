"""Waiting times: how long those in line will still wait, told with how sure that is. Pure."""

from .announcer import Announcer
from .estimate import Estimate, Spread
from .estimator import Estimator
from .experience import Experience
from .waits import Waits

__all__ = ["Announcer", "Estimate", "Estimator", "Experience", "Spread", "Waits"]
