"""Errors of the lab.

LabError
├── WorldError      the world's PBX cannot be started, or refused an order
├── Deadline        what was waited for did not happen in time
├── NotHeard        it was listened for, and was not heard
└── StackError      the throw-away Sala cannot be brought up or asked
"""

from __future__ import annotations


class LabError(Exception):
    """Anything that goes wrong in the outside world we play."""


class WorldError(LabError):
    """The world's PBX cannot be started, or refused an order."""


class Deadline(LabError):  # noqa: N818 - named after what passed
    """What was waited for did not happen in time; the message tells what, and how long."""


class NotHeard(LabError):  # noqa: N818 - told as a finding
    """A sound was listened for and was not heard; the message tells how close it came."""


class StackError(LabError):
    """The throw-away Sala cannot be brought up or asked."""
