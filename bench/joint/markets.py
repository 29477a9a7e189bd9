"""Generated three-cloud markets for the optimizer's benchmark: seeded, so that every run sees the same ones.

A shape is a GPU type at one tensor-parallel degree, served by a roofline of random strength: the larger it is, the
better it does long requests, and its price grows a little faster than its speed. A region sells about 77 % of the
shapes in each of its three zones, on demand at a price of the region and on spot at 25 to 60 % of it, both with a stock.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allocator.candidates import Candidate
from allocator.plan import Bucket, Member, Shape
from allocator.workload import buckets, read_histogram

ROOT = Path(__file__).resolve().parents[2]
CLOUDS = ("aws", "azure", "gcp")
ZONES = 3
SOLD = 0.77


@dataclass(frozen=True, slots=True)
class Market:
    """A benchmark case: its name, pools and workload."""

    name: str
    candidates: tuple[Candidate, ...]
    buckets: tuple[Bucket, ...]


def market(
    shapes: int,
    regions: int,
    rate: float,
    seed: int,
    *,
    spot: float | None = None,
    nodes_of_several: bool = False,
) -> Market:
    """One market. `spot`: the same spot discount everywhere and one price list for all regions (equal prices)."""
    random = np.random.default_rng([shapes, regions, int(rate), seed])
    histogram, _ = read_histogram(ROOT / "stacks/workloads/azure2023_conv.json")
    traffic = buckets(histogram, rate)
    made = _shapes(shapes, traffic, random)
    prices = np.array([_price(shape, traffic, random) for shape in made])
    pools = []
    for region in range(regions):
        cloud = CLOUDS[region % len(CLOUDS)]
        level = 1.0 if spot else random.uniform(0.9, 1.25)
        for zone in range(ZONES):
            for shape, list_price in zip(made, prices, strict=True):
                if random.random() > SOLD:
                    continue
                gpus = int(random.choice([1, 2, 4, 8])) if nodes_of_several else 1
                full = list_price * level * gpus
                discount = spot or random.uniform(0.25, 0.6)
                for name, price in (("spot", full * discount), ("on_demand", full)):
                    pools.append(
                        _pool(cloud, region, zone, shape, gpus, name, price, int(random.integers(2, 17)))
                    )  # fmt: skip
    kind = "equal prices" if spot else "prices differ"
    name = f"{shapes} shapes, {regions} regions, {len(pools)} pools, {rate:g} req/s, {kind}, seed {seed}"
    return Market(name, tuple(pools), traffic)


def _shapes(count: int, traffic: tuple[Bucket, ...], random: np.random.Generator) -> list[Shape]:
    made = []
    for number in range(count):
        strength = 2.0 ** (5 * number / (count - 1))  # weakest to strongest: 1 to 32
        compute = strength * random.uniform(0.8, 1.25)
        memory = strength**0.85 * random.uniform(0.8, 1.25)
        rates = []
        for bucket in traffic:
            seconds = (
                bucket.input_tokens / (2_000 * compute)
                + bucket.output_tokens / (250 * memory)
                + bucket.output_tokens * bucket.input_tokens / (1e6 * memory)
            )
            fits = bucket.input_tokens + bucket.output_tokens < 2500 * strength
            rates.append(float(f"{1 / seconds:.6g}") if fits else 0.0)
        key = f"g{number:02d}-tp1"
        made.append(Shape(key, f"g{number:02d}", 1, tuple(rates), ("model",) * len(rates)))
    return made


def _price(shape: Shape, traffic: tuple[Bucket, ...], random: np.random.Generator) -> float:
    """USD per hour: proportional to the speed on the workload's own mix to the power 1.05, with 25 % of noise."""
    served = [(b.requests_per_second, r) for b, r in zip(traffic, shape.requests_per_second, strict=True) if r]  # fmt: skip
    speed = sum(d for d, _ in served) / sum(d / r for d, r in served)
    return float(0.55 * speed**1.05 * random.uniform(0.8, 1.25))


def _pool(
    cloud: str, region: int, zone: int, shape: Shape, gpus: int, name: str, usd: float, stock: int
) -> Candidate:
    key = f"{cloud}-r{region:02d}-z{zone}-{shape.gpu}x{gpus}-tp1-{name}"
    price = round(usd * 1e6)
    return Candidate(
        key=key,
        cloud=cloud,  # type: ignore[arg-type]
        region=f"r{region:02d}",
        shape=shape,
        gpus=gpus,
        market=name,  # type: ignore[arg-type]
        members=(Member(f"{shape.gpu}.{gpus}", (f"z{zone}",), price),),
        price=price,
        on_demand_price=price,
        stock=key,
        stock_nodes=stock,
    )
