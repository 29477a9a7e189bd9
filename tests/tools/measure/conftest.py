"""Fixtures: `mock`, an endpoint of known rate while a test runs; `engine_time`, which makes the client read the mock's
clock; `out`, where the table goes.
"""

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


@pytest.fixture
def engine_time(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("endpoint", "load"):
        monkeypatch.setattr(f"tools.measure.{module}.perf_counter", mock.clock)
