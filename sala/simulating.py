"""Simulation files and the floors they name, read for the commands that simulate."""

from __future__ import annotations

from pathlib import Path

from acd import policy
from acd.policy.faults import place
from acd.router.configuration import Configuration
from acd.simulation.plan import Learnt, Plan, read
from crm.records import Floor
from ivr.flow import document as yaml_file
from sala.errors import UserError


def plan(path: Path, learnt: Learnt | None = None) -> Plan:
    """Read a simulation file. Raises `UserError` with the line of every fault."""
    try:
        with path.open("rb") as file:
            content = file.read(yaml_file.MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    source = yaml_file.parse(content, str(path))
    if source.problems:
        raise UserError("\n".join(map(str, source.problems)))
    found, faults = read(source.value, learnt)
    if found is None:
        raise UserError("\n".join(_told(str(path), source, faults.found)))
    return found


def _told(file: str, source: yaml_file.Document, faults: list[policy.Fault]) -> list[str]:
    lines = []
    for fault in faults:
        at = (1, 1)
        for length in range(len(fault.path), 0, -1):
            path = fault.path[:length]
            found = source.keys.get(path) or source.values.get(path)
            if found is not None:
                at = found
                break
        where = f"{place(fault.path)}: " if fault.path else ""
        lines.append((at, f"{file}:{at[0]}:{at[1]}: {where}{fault.message}"))
    return list(dict.fromkeys(text for _, text in sorted(lines)))


def configured(path: Path, floor: Floor) -> Configuration:
    """Read a routing file, as `sala apply` does, onto a floor; nothing is changed there.

    Raises `UserError` with the line of every fault.
    """
    from sala.routing.file import read as read_routing

    file = read_routing(path)
    found = policy.read(file.onto(floor))
    if found.faults:
        raise file.wrong(found.faults)
    return found.configuration
