"""What a plan must keep, checked from its own numbers by plain arithmetic, without the optimizer's code."""

from __future__ import annotations

from collections import Counter, defaultdict

from allocator.plan import PPM, Plan, Pool, Shape

ROUNDING = 1e-4
"""Routing shares are whole parts per million; a load may be above capacity by that rounding."""


def broken_promises(
    plan: Plan, *, stock: int, region_share: float = 1.0, cloud_share: float = 1.0
) -> list[str]:
    """Every promise the plan breaks, in words; none is right."""
    return [
        *_unserved(plan),
        *_overloaded(plan),
        *(f"{p.key} has {p.nodes} nodes" for p in plan.decisions.pools if p.nodes > stock),
        *_crowded(plan, "region", region_share),
        *_crowded(plan, "cloud", cloud_share),
    ]


def _unserved(plan: Plan) -> list[str]:
    made, shapes = plan.decisions, {shape.key: shape for shape in plan.decisions.shapes}
    sums: Counter[int] = Counter()
    broken = []
    for route in made.routing:
        sums[route.bucket] += route.share_ppm
        if not shapes[route.shape].requests_per_second[route.bucket]:
            broken.append(f"bucket {route.bucket} goes to {route.shape}, which cannot serve it")
    missing = [b for b in range(len(made.buckets)) if sums[b] != PPM]
    return broken + [f"bucket {b} gets {sums[b]} ppm" for b in missing]


def _overloaded(plan: Plan) -> list[str]:
    """Replicas that are asked for more than they sustain, per cell and shape."""
    made, shapes = plan.decisions, {shape.key: shape for shape in plan.decisions.shapes}
    load: dict[tuple[str, str], float] = defaultdict(float)
    for route in made.routing:
        rate = made.buckets[route.bucket].requests_per_second * route.share_ppm / PPM
        load[route.cell, route.shape] += (
            rate / shapes[route.shape].requests_per_second[route.bucket]
        )
    replicas: Counter[tuple[str, str]] = Counter()
    for pool in made.pools:
        replicas[f"{pool.cloud}-{pool.region}", pool.shape] += pool.nodes * pool.replicas_per_node
    return [
        f"{place} is loaded {busy:.5f} with {replicas[place]} replicas"
        for place, busy in load.items()
        if busy > replicas[place] * (1 + ROUNDING) + ROUNDING
    ]


def _crowded(plan: Plan, domain: str, share: float) -> list[str]:
    """Regions or clouds that hold more of the fleet's capacity than they may."""
    shapes = {shape.key: shape for shape in plan.decisions.shapes}
    held: dict[str, float] = defaultdict(float)
    for pool in plan.decisions.pools:
        key = pool.cloud if domain == "cloud" else f"{pool.cloud}-{pool.region}"
        held[key] += pool.nodes * _capacity(pool, shapes[pool.shape], plan)
    total = sum(held.values())
    return [
        f"{key} holds {part / total:.4f}"
        for key, part in held.items()
        if part > share * total + 1e-6
    ]


def _capacity(pool: Pool, shape: Shape, plan: Plan) -> float:
    """Requests/s of the workload's own mix, over the buckets that the shape can serve."""
    served = [
        (bucket.requests_per_second, rate)
        for bucket, rate in zip(plan.decisions.buckets, shape.requests_per_second, strict=True)
        if rate
    ]
    seconds = sum(demand / rate for demand, rate in served)
    return pool.replicas_per_node * sum(demand for demand, _ in served) / seconds
