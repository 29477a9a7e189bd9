"""Small markets, workloads and specs: everything has a default but the point of the test."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from allocator.candidates import Candidate
from allocator.plan import Bucket, Market, Member, Shape
from allocator.spec import Limits

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG: dict[str, Any] = {
    "service": {"model": "llama-3.1-8b", "weights": "some/weights", "slo": {"tpot_ms": 60}},
    "workload": {"histogram": "azure2023_conv", "requests_per_second": 16},
    "market": {"snapshot": "small"},
    "limits": {"nodes_per_pool": 16},
}


def config(**changes: Any) -> dict[str, Any]:
    """The sections of a stack; `market__gpus=[...]` sets one key, None takes it away."""
    sections = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        section, _, key = path.partition("__")
        place, name = (sections.setdefault(section, {}), key) if key else (sections, section)
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return sections


def row(**changes: Any) -> dict[str, Any]:
    """One row of a snapshot file."""
    return {
        "cloud": "aws", "region": "us-east-1", "zones": ["use1-az1"], "instance_type": "g6e.xlarge", "gpu": "L40S",
        "gpus": 1, "vcpus": 4, "on_demand_usd": 1.8, "spot_usd": 0.6, "interruption_band": 0, "note": "",
    } | changes  # fmt: skip


MARKET = [
    row(),
    row(zones=["use1-az2"], spot_usd=0.8),
    row(region="us-west-2", zones=["usw2-az1"], spot_usd=0.7),
    row(instance_type="p5.48xlarge", gpu="H100", gpus=8, vcpus=192, on_demand_usd=55.0, spot_usd=None),
    row(cloud="gcp", region="us-central1", zones=["us-central1-a"], instance_type="a2-ultragpu-1g",
        gpu="A100-80GB", on_demand_usd=5.0, spot_usd=1.5, interruption_band=None),
    row(cloud="azure", region="eastus", zones=[], instance_type="Standard_NC24ads_A100_v4",
        gpu="A100-80GB", on_demand_usd=3.7, spot_usd=0.95, interruption_band=None),
    row(cloud="azure", region="eastus", zones=[], instance_type="Standard_NV36ads_A10_v5",
        gpu="A10", on_demand_usd=3.2, spot_usd=0.9, interruption_band=None),
]  # fmt: skip


def snapshot(rows: list[Any] | None = None, **head: Any) -> dict[str, Any]:
    """A snapshot file's content."""
    return {
        "schema_version": 1, "as_of": "2026-08-01", "currency": "USD", "sources": [], "left_out": {},
        "offerings": MARKET if rows is None else rows,
    } | head  # fmt: skip


def project(folder: Path, *, rows: list[Any] | None = None) -> Path:
    """A project folder with the shipped workloads and profiles, and the small market."""
    for name in ("workloads", "profiles"):
        target = folder / "stacks" / name
        target.mkdir(parents=True, exist_ok=True)
        for file in (ROOT / "stacks" / name).glob("*.json"):
            (target / file.name).write_bytes(file.read_bytes())
    (folder / "stacks/snapshots").mkdir(exist_ok=True)
    (folder / "stacks/snapshots/small.json").write_text(json.dumps(snapshot(rows)))
    return folder


def bucket(rate: float, tokens: int = 1000) -> Bucket:
    """A bucket with so many requests per second."""
    return Bucket(tokens, 100, None, None, rate)


def candidate(
    name: str,
    rates: tuple[float, ...],
    *,
    usd: float,
    stock: int = 4,
    gpus: int = 1,
    market: Market = "spot",
) -> Candidate:
    """A pool "cloud-region-shape" whose replica serves so much of each bucket; one GPU a replica."""
    cloud, region, shape = name.split("-")
    price = round(usd * 1e6)
    return Candidate(
        key=f"{name}x{gpus}-{market}",
        cloud=cloud,  # type: ignore[arg-type]
        region=region,
        shape=Shape(shape, shape, 1, rates, ("model",) * len(rates)),
        gpus=gpus,
        market=market,
        members=(Member(f"{shape}.node", (), price),),
        price=price,
        on_demand_price=3 * price,
        stock=f"{name}x{gpus}-{market}",
        stock_nodes=stock,
    )


def limits(**changes: Any) -> Limits:
    """Limits that bind nothing unless told."""
    return Limits(**changes)
