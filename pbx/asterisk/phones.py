"""Which phones can be rung, by what Asterisk tells of their registrations (contacts)."""

from __future__ import annotations

from pbx.port import DeviceChanged
from pbx.wire.ami import Event

GONE = frozenset({"Removed", "Unreachable"})
"""The states of a contact that cannot be rung."""


class Phones:
    """Follows contacts. A phone that registers from elsewhere has two for a moment: the end of the
    old one is no end of the phone."""

    def __init__(self) -> None:
        self._at: dict[str, str] = {}

    def told(self, event: Event) -> DeviceChanged | None:
        """Take a `ContactStatus`; None if it changes nothing."""
        address, uri = event.headers.get("AOR", ""), event.headers.get("URI", "")
        if event.headers.get("ContactStatus") not in GONE:
            self._at[address] = uri
            return DeviceChanged(address, reachable=True)
        if self._at.get(address, uri) != uri:
            return None
        self._at.pop(address, None)
        return DeviceChanged(address, reachable=False)
