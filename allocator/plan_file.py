"""A plan's JSON from a file or standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from allocator.errors import DataError
from allocator.plan import Plan


def read_plan(file: str) -> Plan:
    """The plan in a file, `-` for standard input. Raises DataError, in one line, where it is none."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return Plan.from_dict(json.loads(text))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"plan {file}: not a plan of this program: {error}") from error
