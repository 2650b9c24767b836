"""What the parts of the floor share: each works on the same calls, legs, rows and router."""

from __future__ import annotations

from dataclasses import dataclass

from acd.clock import Clock
from acd.contacts import Contacts
from acd.driver import Driver
from acd.ledger import Ledger
from acd.legs import Legs
from acd.orders import Orders
from pbx.port import Switch


@dataclass(frozen=True, slots=True)
class Parts:
    """One of each for a floor, handed to whoever acts on it."""

    switch: Switch
    ledger: Ledger
    clock: Clock
    contacts: Contacts
    legs: Legs
    orders: Orders
    driver: Driver
