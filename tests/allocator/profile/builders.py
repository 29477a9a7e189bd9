"""Replicas, promises and tables: everything has a default but the point of the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from allocator.profile.capacity import Rate, Slo
from allocator.profile.costs import Replica
from allocator.profile.hardware import GPUS
from allocator.profile.model_config import named_models
from allocator.profile.models import PRECISIONS
from allocator.profile.shapes import modelled_rates

SHIPPED = Path(__file__).resolve().parents[3] / "stacks/profiles"


def replica(
    gpu: str = "H200", degree: int = 1, model: str = "llama-3.1-8b", precision: str | None = None
) -> Replica:
    """One replica of a shipped shape."""
    shape = named_models()[model]
    return Replica(
        GPUS[gpu], degree, shape, PRECISIONS[precision] if precision else shape.precision
    )


def slo(**changes: Any) -> Slo:
    """60 ms per token, 2 s to the first, on average."""
    return Slo(**{"tpot_ms": 60.0, "ttft_ms": 2000.0, "headroom": 0.8} | changes)


def modelled(on: Replica, size: tuple[int, int], **promises: Any) -> Rate:
    """The model's answer for one replica and size."""
    [[rate]] = modelled_rates([on], [size], slo(**promises))
    return rate


def row(**changes: Any) -> dict[str, Any]:
    """One row of a table."""
    return {
        "input": 100, "output": 50, "concurrency": 16, "req_per_s": 10.0, "tpot_ms_mean": 20.0,
    } | changes  # fmt: skip


def table_file(folder: Path, *rows: dict[str, Any], **head: Any) -> Path:
    """A table's file; None takes a key away."""
    content = {
        "gpu": "H200", "gpus_per_replica": 1, "model": "llama-3.1-8b", "measured_on": "2026-11-22",
        "rows": list(rows) or [row()],
    } | head  # fmt: skip
    file = folder / "made.json"
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return file
