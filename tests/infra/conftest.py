"""Fixtures: `three_clouds`, what the program declares for the default plan (one run for all tests)."""

from __future__ import annotations

import pytest

from tests.infra.declared import Declared, declared


@pytest.fixture(scope="session")
def three_clouds() -> Declared:
    return declared()
