"""Explanations: why a call went where it went, by replaying the journal to that instant. Pure.

The router itself is asked: its lines, criteria, ranks and scores, at the moment it chose.
"""

from .story import Asked, Story, tell
from .words import as_json, as_text

__all__ = ["Asked", "Story", "as_json", "as_text", "tell"]
