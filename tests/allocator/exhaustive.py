"""Every possible plan of a tiny market, tried one by one: what the optimizer must agree with.

Only the problem's data is taken from the program, not a line of the optimizer.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from scipy.optimize import linprog

from allocator.candidates import Candidate
from allocator.mix import Problem
from allocator.risk import CELL_USD_PER_HOUR

MICRO = 1_000_000
STRICT = 1e-9
"""Nothing may be missing but what floating point loses."""

Bought = list[tuple[Candidate, int]]


def cheapest(problem: Problem, tolerance: float = STRICT) -> float | None:
    """Micro-USD per hour of the cheapest plan (nodes, expected fallback, cells); None where there is no plan.

    tolerance: the part of a demand that may be missing.
    """
    serves = _oracle(problem)
    plans = sorted(_plans(problem), key=cost)
    return next((cost(plan) for plan in plans if _right(problem, plan, serves, tolerance)), None)


def cost(bought: Bought) -> float:
    nodes = sum(n * (pool.price + pool.fallback_price) for pool, n in bought)
    return nodes + MICRO * sum(CELL_USD_PER_HOUR[cloud] for cloud, _ in _cells(bought))  # type: ignore[index]


def _plans(problem: Problem) -> Iterator[Bought]:
    for counts in itertools.product(*(range(pool.stock_nodes + 1) for pool in problem.candidates)):
        bought = [(p, n) for p, n in zip(problem.candidates, counts, strict=True) if n]
        if bought and _within_limits(problem, bought):
            yield bought


def _cells(bought: Bought) -> set[tuple[str, str]]:
    return {(pool.cloud, pool.region) for pool, _ in bought}


def _within_limits(problem: Problem, bought: Bought) -> bool:
    limits, used = problem.limits, Counter[str]()
    for pool, n in bought:
        used[pool.stock] += n
    if any(used[pool.stock] > pool.stock_nodes for pool, _ in bought):
        return False
    for quota in limits.quotas:
        taken = sum(
            n * (pool.gpus if quota.unit == "gpus" else 1)
            for pool, n in bought
            if pool.cloud == quota.cloud
            and quota.region in (None, pool.region)
            and quota.market in (None, pool.market)
            and (not quota.gpus or pool.shape.gpu in quota.gpus)
        )
        if taken > quota.cap:
            return False
    cells = _cells(bought)
    bill = sum(n * pool.price for pool, n in bought)
    bill += MICRO * sum(CELL_USD_PER_HOUR[cloud] for cloud, _ in cells)  # type: ignore[misc]
    if limits.budget_usd_per_hour is not None and bill > limits.budget_usd_per_hour * MICRO + 1:
        return False
    if len(cells) < limits.min_regions or len({cloud for cloud, _ in cells}) < limits.min_clouds:
        return False
    return _spread(problem, bought)


def _spread(problem: Problem, bought: Bought) -> bool:
    """Shares of capacity; a node's is what it serves of the workload's own mix, over the buckets that it can serve."""
    regions: dict[str, float] = defaultdict(float)
    clouds: dict[str, float] = defaultdict(float)
    for pool, n in bought:
        served = [
            (bucket.requests_per_second, rate)
            for bucket, rate in zip(problem.buckets, pool.shape.requests_per_second, strict=True)
            if rate
        ]
        each = sum(d for d, _ in served) / sum(d / rate for d, rate in served) if served else 0.0
        regions[pool.cell] += n * pool.replicas * each
        clouds[pool.cloud] += n * pool.replicas * each
    total = sum(clouds.values())
    limits = problem.limits
    return (
        max(regions.values()) <= limits.max_region_share * total * (1 + STRICT)
        and max(clouds.values()) <= limits.max_cloud_share * total * (1 + STRICT)
    )  # fmt: skip


Serves = Callable[[tuple[tuple[str, int], ...]], float]


def _right(problem: Problem, bought: Bought, serves: Serves, tolerance: float) -> bool:
    """Whether it serves everything, what must be left after each loss, and its floor on demand."""
    policy = problem.policy
    asked = [(1.0, bought), (policy.on_demand_share, [(p, n) for p, n in bought if p.market == "on_demand"])]  # fmt: skip
    if policy.survive != "none":
        place = {"region": lambda pool: pool.cell, "cloud": lambda pool: pool.cloud}[policy.survive]
        for domain in {place(pool) for pool, _ in bought}:
            left = [(pool, n) for pool, n in bought if place(pool) != domain]
            asked.append((policy.degraded_share, left))
    return all(
        not part or serves(_replicas(pools)) >= part * (1 - tolerance) for part, pools in asked
    )


def _replicas(bought: Bought) -> tuple[tuple[str, int], ...]:
    count: Counter[str] = Counter()
    for pool, n in bought:
        count[pool.shape.key] += n * pool.replicas
    return tuple(sorted(count.items()))


def _oracle(problem: Problem) -> Serves:
    """The largest part of every bucket that replicas can serve, with the best routing; remembers its answers."""
    rates = {pool.shape.key: pool.shape.requests_per_second for pool in problem.candidates}
    demand = [bucket.requests_per_second for bucket in problem.buckets]

    @cache
    def serves(replicas: tuple[tuple[str, int], ...]) -> float:
        pairs = [(b, g) for b in range(len(demand)) for g, (shape, _) in enumerate(replicas) if rates[shape][b]]  # fmt: skip
        if {b for b, _ in pairs} != set(range(len(demand))):
            return 0.0
        rows = np.zeros((len(demand) + len(replicas), len(pairs) + 1))
        rows[: len(demand), -1] = 1.0
        for column, (b, g) in enumerate(pairs):
            shape, count = replicas[g]
            rows[b, column] = -1.0
            rows[len(demand) + g, column] = demand[b] / rates[shape][b] / count
        right = np.concatenate([np.zeros(len(demand)), np.ones(len(replicas))])
        aim = np.zeros(len(pairs) + 1)
        aim[-1] = -1.0
        found = linprog(aim, A_ub=rows, b_ub=right, bounds=[(0, None)] * len(aim), method="highs")
        return -float(found.fun)

    return serves
