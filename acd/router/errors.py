"""Errors of the router.

RouterError
├── ConfigError     a configuration cannot be used; nothing of it was applied
└── JournalError    a journal entry is not one that the router wrote
"""

from __future__ import annotations


class RouterError(Exception):
    """Anything the router refuses."""


class ConfigError(RouterError):
    """A configuration cannot be used; the message names the queue or agent. Nothing was applied."""


class JournalError(RouterError):
    """A journal entry cannot be read back as an event."""
