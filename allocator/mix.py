"""From candidates and limits to the optimizer's numbers, and from its answer to a mix.

A node's weight is what it serves of the workload's own mix, in requests/s: its replicas divided by the mean time that a
replica needs per request, over the buckets that its shape can serve. Shares of capacity are shares of weight.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from allocator.candidates import Candidate
from allocator.optimize.fleet import Budget, Fleet, Group, Minimum, Spread
from allocator.optimize.search import GAP, search
from allocator.optimize.ties import first_regions
from allocator.plan import Bucket, Shape
from allocator.risk import CELL_USD_PER_HOUR, COLD_START_S
from allocator.snapshot import USD_MICRO
from allocator.spec import Limits, Policy, Quota

SWITCH_HOURS = 24.0
"""Over so long the costs of a change are spread."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved; the order of candidates and buckets is the order of the answer.

    `deployed`: nodes that run now, by candidate key.
    """

    candidates: Sequence[Candidate]
    buckets: Sequence[Bucket]
    limits: Limits
    policy: Policy
    deployed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mix:
    """Nodes per candidate. `objective` (nodes, cells, expected fallback, switching) and `bound`: micro-USD per hour."""

    nodes: tuple[int, ...]
    objective: int
    bound: int
    limit_reached: bool


def solve_mix(problem: Problem, gap: float = GAP) -> Mix | None:
    """The cheapest mix to within a gap, or None where none within the limits was found."""
    if not _sold(problem):
        return None
    model = Model(problem)
    fleet = model.fleet
    found = search(replace(fleet, budget=None), gap, model.start())
    if found is not None and not fleet.fits(found.nodes):  # the cheapest plan is above the budget
        found = search(fleet, gap, model.start())
    if found is None:
        return None
    nodes = first_regions(model.fleet, found.nodes)
    cost = model.fleet.cost(nodes) + model.constant
    return Mix(
        nodes=model.read(nodes),
        objective=round(cost * USD_MICRO),
        bound=min(math.floor((found.bound + model.constant) * USD_MICRO), round(cost * USD_MICRO)),
        limit_reached=found.limit_reached,
    )


def _sold(problem: Problem) -> bool:
    """Whether something is sold at all that serves each bucket."""
    shapes = {c.shape.key: c.shape for c in problem.candidates}.values()
    return all(
        any(shape.requests_per_second[b] > 0 for shape in shapes)
        for b in range(len(problem.buckets))
    )


def bill(problem: Problem, mix: Mix) -> float:
    """What a mix's nodes and cells cost, USD per hour: what a budget limits."""
    used = {c.cell for c, n in zip(problem.candidates, mix.nodes, strict=True) if n}
    nodes = sum(c.price * n for c, n in zip(problem.candidates, mix.nodes, strict=True))
    return nodes / USD_MICRO + sum(cell_cost(cell) for cell in used)


class Model:
    """A problem's fleet. Of a deployed pool the nodes that run are a column of their own: stopping one costs.

    `constant`: USD per hour to add to the fleet's cost, for the deployed nodes that a plan starts from.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._columns = list(self._split())
        pools = [problem.candidates[p] for p, *_ in self._columns]
        self.pools = pools
        self.constant = sum(
            stop * problem.deployed[problem.candidates[p].key]
            for p, _, _, stop in self._columns
            if stop
        )
        shapes = {c.shape.key: c.shape for c in problem.candidates}
        self.shapes = [shapes[key] for key in sorted(shapes)]
        self.cells = sorted({c.cell for c in problem.candidates})
        self.clouds = sorted({c.cloud for c in problem.candidates})
        number = {shape.key: g for g, shape in enumerate(self.shapes)}
        self._region = np.array([self.cells.index(c.cell) for c in pools])
        self._cloud = np.array([self.clouds.index(c.cloud) for c in pools])
        self.fleet = Fleet(
            load=loads(self.shapes, problem.buckets),
            price=np.array([price for _, price, _, _ in self._columns]),
            shape=np.array([number[c.shape.key] for c in pools]),
            region=self._region,
            replicas=np.array([float(c.replicas) for c in pools]),
            stock=np.array([float(stock) for _, _, stock, _ in self._columns]),
            weight=np.array([weight(c, problem.buckets) for c in pools]),
            on_demand=np.array([c.market == "on_demand" for c in pools]),
            cell_cost=np.array([cell_cost(cell) for cell in self.cells]),
            domain={"none": None, "region": self._region, "cloud": self._cloud}[
                problem.policy.survive
            ],
            keep=problem.policy.degraded_share,
            floor=problem.policy.on_demand_share,
            groups=tuple(self._groups()),
            spreads=tuple(self._spreads()),
            minimums=tuple(self._minimums()),
            budget=self._budget(),
        )

    def _split(self) -> list[tuple[int, float, int, float]]:
        """(candidate, price with all expected costs, stock, cost of stopping) of each column."""
        policy, columns = self.problem.policy, []
        switch = policy.switch_usd / SWITCH_HOURS
        for p, c in enumerate(self.problem.candidates):
            price = (c.price + c.fallback_price) / USD_MICRO
            runs = min(self.problem.deployed.get(c.key, 0), c.stock_nodes)
            start = switch + c.price / USD_MICRO * COLD_START_S / 3600 / SWITCH_HOURS
            if not self.problem.deployed:
                start = 0.0
            if runs:
                stop = min(switch, price)
                columns.append((p, price - stop, runs, stop))
            if c.stock_nodes > runs:
                columns.append((p, price + start, c.stock_nodes - runs, 0.0))
        return columns

    def _groups(self) -> list[Group]:
        by_stock: dict[str, list[int]] = defaultdict(list)
        for number, c in enumerate(self.pools):
            by_stock[c.stock].append(number)
        groups = [
            Group(key, np.array(mine), np.ones(len(mine)), float(self.pools[mine[0]].stock_nodes))
            for key, mine in sorted(by_stock.items())
            if len(mine) > 1
        ]
        for number, quota in enumerate(self.problem.limits.quotas):
            mine = [n for n, c in enumerate(self.pools) if in_quota(quota, c)]
            if mine:
                weights = [float(quota_weight(quota, self.pools[n])) for n in mine]
                groups.append(
                    Group(f"quota {number}", np.array(mine), np.array(weights), float(quota.cap))
                )
        return groups

    def _spreads(self) -> list[Spread]:
        limits = self.problem.limits
        shares = ((limits.max_region_share, self._region), (limits.max_cloud_share, self._cloud))
        return [Spread(domain, share) for share, domain in shares if share < 1]

    def _minimums(self) -> list[Minimum]:
        limits = self.problem.limits
        counts = ((limits.min_regions, self._region), (limits.min_clouds, self._cloud))
        return [Minimum(domain, count) for count, domain in counts if count > 1]

    def _budget(self) -> Budget | None:
        usd = self.problem.limits.budget_usd_per_hour
        return (
            None
            if usd is None
            else Budget(np.array([c.price / USD_MICRO for c in self.pools]), usd)
        )

    def start(self) -> np.ndarray | None:
        """The deployed plan's nodes per column."""
        if not self.problem.deployed:
            return None
        return self.nodes_of(self.problem.deployed)

    def nodes_of(self, nodes: Mapping[str, int]) -> np.ndarray:
        """Nodes by candidate key as nodes per column; what no candidate offers is left out."""
        left = dict(nodes)
        columns = np.zeros(len(self.pools))
        for number, (pool, (_, _, stock, _)) in enumerate(
            zip(self.pools, self._columns, strict=True)
        ):
            columns[number] = min(left.get(pool.key, 0), stock)
            left[pool.key] = left.get(pool.key, 0) - int(columns[number])
        return columns

    def read(self, nodes: np.ndarray) -> tuple[int, ...]:
        """Nodes per candidate."""
        result = [0] * len(self.problem.candidates)
        for (p, *_), count in zip(self._columns, nodes, strict=True):
            result[p] += round(float(count))
        return tuple(result)


def in_quota(quota: Quota, pool: Candidate) -> bool:
    """Whether a pool draws on a quota."""
    return (
        pool.cloud == quota.cloud
        and quota.region in (None, pool.region)
        and quota.market in (None, pool.market)
        and (quota.gpus is None or pool.shape.gpu in quota.gpus)
    )


def quota_weight(quota: Quota, pool: Candidate) -> int:
    """What one node takes of it."""
    return pool.gpus if quota.unit == "gpus" else 1


def cell_cost(cell: str) -> float:
    """USD per hour of a region in use (its key, e.g. aws-us-east-1)."""
    return next(usd for cloud, usd in CELL_USD_PER_HOUR.items() if cell.startswith(f"{cloud}-"))


def loads(shapes: Sequence[Shape], buckets: Sequence[Bucket]) -> np.ndarray:
    """Replicas of a shape (column) that all of a bucket (row) keeps busy; inf where it cannot serve it."""
    rates = np.array([shape.requests_per_second for shape in shapes]).T
    demand = np.array([bucket.requests_per_second for bucket in buckets])
    with np.errstate(divide="ignore"):
        return np.where(rates > 0, demand[:, None] / rates, np.inf)


def weight(pool: Candidate, buckets: Sequence[Bucket]) -> float:
    """Requests/s of the workload's own mix that a node serves, over the buckets that its shape can serve."""
    return pool.replicas * own_rate(pool.shape, buckets)


def own_rate(shape: Shape, buckets: Sequence[Bucket]) -> float:
    """The same of one replica of a shape."""
    served = [
        (bucket.requests_per_second, rate)
        for bucket, rate in zip(buckets, shape.requests_per_second, strict=True)
        if rate > 0
    ]
    return sum(demand for demand, _ in served) / sum(demand / rate for demand, rate in served)
