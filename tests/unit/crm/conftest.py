"""A real embedded Postgres for the whole run, and an empty database of its own for each test."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crm import embedded
from crm.database import Database
from crm.migrations import migrate


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sala-crm-") as folder:
        state = Path(folder)
        url = embedded.start(state, secrets.token_urlsafe(24))
        try:
            yield url
        finally:
            embedded.stop(state)
