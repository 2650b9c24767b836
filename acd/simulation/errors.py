"""Errors of simulation.

SimulationError
└── FileInvalid     a simulation file cannot be used; one fault for each line that is wrong
"""

from __future__ import annotations

from collections.abc import Sequence


class SimulationError(Exception):
    """Anything simulation refuses."""


class FileInvalid(SimulationError):  # noqa: N818 - a state of the file, told as such
    """A simulation file cannot be used. `faults` holds `FILE:LINE: what to do`, in order."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
