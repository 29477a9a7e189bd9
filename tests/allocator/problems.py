"""Small optimization problems, everything defaulted but the point."""

from __future__ import annotations

from allocator.candidates import Candidate
from allocator.mix import Problem
from allocator.plan import Bucket, Cloud, Market, Member, Shape
from allocator.spec import Limits


def bucket(rate: float = 4.0, *, inputs: int = 512, outputs: int = 128) -> Bucket:
    return Bucket(inputs, outputs, None, None, rate)


def shape(key: str, *rates: float) -> Shape:
    return Shape(key, key.upper(), 1, rates, ("model",) * len(rates))


def candidate(
    made: Shape,
    *,
    price: int,
    region: str = "us-east-1",
    cloud: Cloud = "aws",
    market: Market = "spot",
    gpus: int = 1,
    stock: int = 16,
) -> Candidate:
    """A pool of `stock` nodes at `price` micro-USD per hour."""
    role = "spot" if market == "spot" else "base"
    place = f"{cloud}-{region}-{made.key}x{gpus}"
    return Candidate(
        key=f"{place}-tp1-{role}",
        cloud=cloud,
        region=region,
        shape=made,
        gpus=gpus,
        market=market,
        members=(Member(f"{made.key}.{gpus}", (), price),),
        price=price,
        on_demand_price=3 * price,
        stock=f"{place}-{market}",
        stock_nodes=stock,
    )


def problem(
    pools: list[Candidate], buckets: list[Bucket] | None = None, **limits: float | None
) -> Problem:
    """Pools in the order of their keys, as the candidates of a snapshot are."""
    return Problem(
        tuple(sorted(pools, key=lambda pool: pool.key)),
        tuple(buckets or [bucket()]),
        Limits.model_validate(limits),
    )
