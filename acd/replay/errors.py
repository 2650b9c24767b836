"""Errors of replay.

ReplayError
└── JournalUnfit    the journal cannot be replayed: a hole, another version's; the message says what
                    is missing and what to do
"""

from __future__ import annotations


class ReplayError(Exception):
    """Anything replay refuses."""


class JournalUnfit(ReplayError):  # noqa: N818 - a state of the journal, told as such
    """The journal cannot be replayed; the message says what is missing and what to do."""
