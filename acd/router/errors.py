"""Errors of the router.

RouterError
├── ConfigError     a configuration cannot be used; nothing of it was applied
│   └── CriteriaError   criteria that cannot be read, or use a name that is not known
└── JournalError    a journal entry is not one that the router wrote
"""

from __future__ import annotations


class RouterError(Exception):
    """Anything the router refuses."""


class ConfigError(RouterError):
    """A configuration cannot be used; the message names the queue or agent. Nothing was applied."""


class CriteriaError(ConfigError):
    """Criteria cannot be used. `where` is the place within what was given; it leads the message."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class JournalError(RouterError):
    """A journal entry cannot be read back as an event."""
