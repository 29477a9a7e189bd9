"""Small markets, workloads and specs: everything has a default but the point of the test."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from allocator.candidates import ROLES, Candidate
from allocator.inputs import Inputs
from allocator.mix import Problem
from allocator.plan import Bucket, Engine, Market, Member, Provenance, Shape, Source, digest_of
from allocator.profile.fitted import UNFITTED
from allocator.risk import CELL_USD_PER_HOUR, spot_risk
from allocator.spec import Limits, Policy, Spec
from allocator.stand_ins import with_fallback_spend

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG: dict[str, Any] = {
    "service": {"model": "llama-3.1-8b", "weights": "some/weights", "slo": {"tpot_ms": 60}},
    "workload": {"histogram": "azure2023_conv", "requests_per_second": 16},
    "market": {"snapshot": "small"},
    "limits": {"nodes_per_pool": 16},
    "policy": {"survive": "none"},
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


def demand(*rates: float) -> tuple[Bucket, ...]:
    """A workload with so many requests per second of each size."""
    return tuple(bucket(rate, 1000 * (n + 1)) for n, rate in enumerate(rates))


def candidate(
    name: str,
    rates: tuple[float, ...],
    *,
    usd: float,
    stock: int = 4,
    gpus: int = 1,
    degree: int = 1,
    market: Market = "spot",
    on_demand_usd: float = 0.0,
) -> Candidate:
    """A pool "cloud-region-gpu" whose replica serves so much of each bucket; 0 on demand: not sold so."""
    cloud, region, gpu = name.split("-")
    price, machines = round(usd * 1e6), f"{name}x{gpus}"
    return Candidate(
        key=f"{machines}-tp{degree}-{ROLES[market]}",
        cloud=cloud,  # type: ignore[arg-type]
        region=region,
        shape=Shape(f"{gpu}-tp{degree}", gpu, degree, rates, ("model",) * len(rates)),
        gpus=gpus,
        market=market,
        members=(Member(f"{gpu}.x{gpus}", (), price),),
        price=price,
        on_demand_price=price if market == "on_demand" else round(on_demand_usd * 1e6),
        stock=f"{machines}-{market}",
        stock_nodes=stock,
        risk=spot_risk(None) if market == "spot" else None,
    )


def both_markets(
    name: str, rates: tuple[float, ...], *, usd: float, plenty: int | None = None, **rest: Any
) -> list[Candidate]:
    """The same machine on demand, three times as dear, and on spot. `plenty`: its stock on demand, if another."""
    spot = candidate(name, rates, usd=usd, on_demand_usd=3 * usd, **rest)
    stock = rest if plenty is None else rest | {"stock": plenty}
    return [candidate(name, rates, usd=3 * usd, market="on_demand", **stock), spot]


def limits(**changes: Any) -> Limits:
    """Limits that bind nothing unless told."""
    return Limits(**changes)


def policy(**changes: Any) -> Policy:
    """Nothing is held for a loss unless told."""
    return Policy(**{"survive": "none"} | changes)


def problem(
    candidates: Sequence[Candidate],
    buckets: Sequence[Bucket],
    *,
    deployed: Mapping[str, int] | None = None,
    **asked: Any,
) -> Problem:
    """What is to be solved; the keys of the limits and of the policy, in one: `survive="region", min_regions=2`."""
    of_limits = {key: value for key, value in asked.items() if key in Limits.model_fields}
    rest = {key: value for key, value in asked.items() if key not in of_limits}
    return Problem(candidates, buckets, limits(**of_limits), policy(**rest), deployed or {})


def inputs(candidates: Sequence[Candidate], buckets: Sequence[Bucket], **asked: Any) -> Inputs:
    """The same as a planner takes it, with what spot is expected to cost beyond its price."""
    made = problem(candidates, buckets, **asked)
    spec = Spec.read(config()).model_copy(update={"limits": made.limits, "policy": made.policy})
    source = Source("by hand", "0" * 64, "2026-08-01")
    priced = with_fallback_spend(sorted(candidates, key=lambda c: c.key), buckets)
    return Inputs(
        spec=spec,
        engine=Engine(spec.service.weights, spec.service.engine_image),
        buckets=tuple(buckets),
        candidates=tuple(priced),
        offerings=(),
        tables=(),
        fitted=UNFITTED,
        observed=None,
        provenance=Provenance("0", digest_of(""), source, source, (), 2 * len(candidates), ()),
    )


def promises(given: Inputs, **changes: Any) -> dict[str, Any]:
    """What the checker has to hold a plan of these inputs to."""
    limits, policy = given.spec.limits, given.spec.policy
    return {
        "stock": {c.stock: c.stock_nodes for c in given.candidates},
        "region_share": limits.max_region_share,
        "cloud_share": limits.max_cloud_share,
        "keep": policy.degraded_share,
        "on_demand_floor": policy.on_demand_share,
        "min_regions": limits.min_regions,
        "min_clouds": limits.min_clouds,
        "budget_usd": limits.budget_usd_per_hour,
        "cell_usd": CELL_USD_PER_HOUR,
        "quotas": [quota.model_dump() for quota in limits.quotas],
        "survive": policy.survive,
    } | changes
