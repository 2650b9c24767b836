"""Callbacks made: the shell of `acd.callbacks`, between its book, floor, PBX and database.

`CallingBack` does what the book decides and tells it what happens; `Store` is its way to the
database, `found` what it makes of a PBX that ran on while this process was away. What customers and
agents hear is none of its business: see `sala.calling_back`.
"""

from .desk import CallingBack as CallingBack
from .expiry import expiring as expiring
from .store import Store as Store
