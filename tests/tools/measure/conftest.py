"""Fixtures: `mock`, an endpoint of known rate while a test runs; `out`, where its table goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.measure.mock_server import Mock, serving


@pytest.fixture
def mock() -> Iterator[Mock]:
    with serving(Mock()) as served:
        yield served


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "table.json"
