"""Handing a talk on: hold, consult, conference, and transfers to agents, queues and numbers."""

from acd.handover.handover import HandoverRefused, Kind, Target
from acd.handover.handovers import Handovers

__all__ = ["HandoverRefused", "Handovers", "Kind", "Target"]
