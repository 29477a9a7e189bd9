"""Fixtures: `root`, a project folder of one's own with the shipped data files; `config`, a stack's sections to change.

Builders of small markets are in builders.py, the independent check of a plan in checker.py, every possible plan of a tiny
market in exhaustive.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from allocator.spec import stack_config

PROJECT = Path(__file__).resolve().parents[2]
SNAPSHOT = PROJECT / "stacks/snapshots/2026-08-03.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "stacks", tmp_path / "stacks")
    return tmp_path


@pytest.fixture
def config() -> dict[str, Any]:
    """The smallest shipped stack: one cloud, a few requests per second, quick to solve."""
    return stack_config(PROJECT, "dev")
