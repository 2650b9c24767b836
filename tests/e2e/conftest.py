from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import house_shared  # noqa: E402 - found by the line above
from handing_house import office, opened  # noqa: E402, F401 - found by the line above
from house_fixtures import clean  # noqa: E402, F401 - found by the line above


def pytest_configure(config: pytest.Config) -> None:
    house_shared.share(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            # All share one Sala and one world, hence one event loop.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
