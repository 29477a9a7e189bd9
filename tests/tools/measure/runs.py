"""Short measurements of a mock endpoint."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from tests.tools.measure.mock_server import Mock
from tools.measure.__main__ import main

SIZE = "100x20"


def options(mock: Mock, out: Path, *more: str) -> list[str]:
    """A short measurement; options in `more` win."""
    return [
        "--endpoint", mock.url, "--model", "tiny", "--gpu", "H200", "--engine", "mock 1", "--out", str(out),
        "--grid", SIZE, "--concurrency", "2", "--window", "0.3", *more,
    ]  # fmt: skip


def measured(mock: Mock, out: Path, *more: str) -> tuple[int, str]:
    """Exit status and standard error of a run that may fail."""
    with redirect_stderr(io.StringIO()) as said:
        status = main(options(mock, out, *more))
    return status, said.getvalue()


def refusal(mock: Mock, out: Path, *more: str) -> str:
    """The one line of error that a run ends with."""
    status, said = measured(mock, out, *more)
    assert status == 1, said
    last = said.splitlines()[-1]
    assert last.startswith("error: ")
    return last.removeprefix("error: ")


def rows(out: Path) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(out.read_text())["rows"]
    return made
