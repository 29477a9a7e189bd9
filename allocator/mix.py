"""The optimization model: how many nodes of which pool serve the workload at the least price.

Variables: n_p, whole nodes of pool p; x_bs, the share of bucket b that shape s serves; W, the fleet's capacity.

    minimise  sum_p price_p n_p
    subject to  sum_s x_bs = 1                                              for every bucket b
                sum_b rate_b x_bs / throughput_bs <= sum_{p of s} replicas_p n_p   for every shape s
                sum_{p of stock q} n_p <= stock_q
                W = sum_p weight_p n_p;  sum_{p in region r} weight_p n_p <= share W    (likewise per cloud)
                sum_p price_p n_p <= budget

A node's weight is what it serves of the workload's own mix, in requests/s: its replicas divided by the mean time that a
replica needs per request, over the buckets that its shape can serve.

Solved in three steps, with a bound that is valid for all candidates: the linear relaxation; an integer program over
the pools of least reduced cost for a first plan; then the integer program over all pools that a better plan could use
(linear bound + reduced cost below the first plan's price).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.candidates import Candidate
from allocator.errors import InfeasibleError
from allocator.plan import Bucket
from allocator.snapshot import USD_MICRO
from allocator.solver import INFINITY, Answer, Program, Row, Status, solve_integer, solve_linear
from allocator.spec import Limits
from allocator.ties import first_regions

GAP = 1e-3
FIRST_GAP = 0.1
NODES = 20_000
"""Branch-and-bound nodes of the last program: a limit on work, never on time."""
FIRST_POOLS = 80
NEGLIGIBLE = 1e-7
"""A share that is rounding noise of the solver."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The answer: nodes per candidate, the share of each bucket per shape key, micro-USD per hour, and the proof."""

    nodes: tuple[int, ...]
    shares: tuple[dict[str, float], ...]
    objective: int
    bound: int
    limit_reached: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved; the order of candidates and buckets is the order of the answer."""

    candidates: Sequence[Candidate]
    buckets: Sequence[Bucket]
    limits: Limits


def solve_mix(problem: Problem) -> Mix | None:
    """The cheapest mix to within GAP, or None where no mix fits the limits.

    Raises InfeasibleError when the search ends at its limit without having found any.
    """
    everything = list(range(len(problem.candidates)))
    first = _first_plan(problem, everything)
    kept = _useful(problem, everything, first.objective / USD_MICRO) if first else everything
    model = _Model(problem, kept)
    answer = solve_integer(model.program, gap=GAP, nodes=NODES, hint=model.hint(first))
    found, bound = first, first.objective if first else 0  # nothing else: the first plan is optimal
    if answer.status is not Status.INFEASIBLE:
        second = model.read(answer)
        found = second if first is None or second.objective < first.objective else first
        bound = math.floor(max(answer.bound, solve_linear(model.program).objective) * USD_MICRO)
    if found is None and answer.limit_reached:
        raise InfeasibleError(
            f"no plan found within {NODES} search nodes; widen limits.max_region_share or limits.max_cloud_share"
        )
    if found is None:
        return None
    return Mix(
        nodes=first_regions(problem.candidates, found.nodes),
        shares=found.shares,
        objective=found.objective,
        bound=min(bound, found.objective),
        limit_reached=answer.limit_reached,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A plan of the whole problem: nodes per candidate, shares per bucket, micro-USD per hour."""

    nodes: tuple[int, ...]
    shares: tuple[dict[str, float], ...]
    objective: int


def _first_plan(problem: Problem, pools: list[int]) -> _Found | None:
    """A good plan over the pools of least reduced cost."""
    relaxed = solve_linear(_Model(problem, pools).program)
    if relaxed.status is Status.INFEASIBLE:
        return None
    reduced = np.maximum(relaxed.reduced[: len(pools)], 0.0)
    order = np.lexsort((np.arange(len(pools)), reduced))
    model = _Model(problem, sorted(order[:FIRST_POOLS].tolist()))
    answer = solve_integer(model.program, gap=FIRST_GAP, nodes=NODES // 10)
    return None if answer.status is Status.INFEASIBLE else model.read(answer)


def _useful(problem: Problem, pools: list[int], best: float) -> list[int]:
    """The pools that a plan cheaper than `best` (USD per hour) could use; exact.

    A plan that uses pool p costs at least the linear bound + p's reduced cost. Where a domain may hold a share s of
    the capacity, it also has W >= weight_p / s: fleets too small for a large node cannot spread around it.
    """
    share = min(problem.limits.max_region_share, problem.limits.max_cloud_share)
    while True:
        model = _Model(problem, pools)
        relaxed = solve_linear(model.program)
        if relaxed.status is Status.INFEASIBLE:  # what is left cannot serve: no cheaper plan
            return pools
        reduced = np.maximum(relaxed.reduced[: len(pools)], 0.0)
        largest = model.largest_weight(share, best)
        kept = [
            p
            for p, extra in zip(pools, reduced, strict=True)
            if relaxed.objective + extra < best
            and weight(problem.candidates[p], problem.buckets) <= largest
        ]
        if len(kept) == len(pools) or not kept:
            return pools
        pools = kept


def most_served(problem: Problem) -> float:
    """The largest part of the demand that all stock within the limits could serve, in the linear relaxation."""
    model = _Model(problem, range(len(problem.candidates)), maximise=True)
    answer = solve_linear(model.program)
    return 0.0 if answer.status is Status.INFEASIBLE else -answer.objective


class _Model:
    """Columns: kept pools, shares of the served buckets, capacity W, and (to maximise) the served part."""

    def __init__(self, problem: Problem, kept: Iterable[int], *, maximise: bool = False) -> None:
        self._problem = problem
        self._kept = list(kept)
        self._pools = [problem.candidates[p] for p in self._kept]
        self._shapes = sorted(
            {c.shape.key: c.shape for c in self._pools}.values(), key=lambda s: s.key
        )
        self._pairs = [
            (b, s)
            for b in range(len(problem.buckets))
            for s, shape in enumerate(self._shapes)
            if shape.requests_per_second[b] > 0
        ]
        first_share = len(self._pools)
        self._capacity = first_share + len(self._pairs)
        count = self._capacity + 1 + maximise
        costs = np.zeros(count)
        upper = np.full(count, INFINITY)
        upper[: len(self._pools)] = [c.stock_nodes for c in self._pools]
        upper[first_share : self._capacity] = 1.0
        if maximise:
            costs[-1] = -1.0
        else:
            costs[: len(self._pools)] = [c.price / USD_MICRO for c in self._pools]
        integer = np.arange(count) < len(self._pools)
        self.program = Program(costs, upper, integer, [*self._serve(maximise), *self._limits()])

    def _serve(self, maximise: bool) -> Iterable[Row]:
        """Every bucket is served, and no shape is loaded above its replicas."""
        first = len(self._pools)
        by_bucket: dict[int, list[int]] = defaultdict(list)
        by_shape: dict[int, list[int]] = defaultdict(list)
        for number, (b, s) in enumerate(self._pairs):
            by_bucket[b].append(number)
            by_shape[s].append(number)
        for b in range(len(self._problem.buckets)):
            columns = [first + number for number in by_bucket[b]]
            if maximise:
                yield 0.0, 0.0, [*columns, self._capacity + 1], [*[1.0] * len(columns), -1.0]
            else:
                yield 1.0, 1.0, columns, [1.0] * len(columns)
        for s, shape in enumerate(self._shapes):
            load = [
                self._problem.buckets[self._pairs[number][0]].requests_per_second
                / shape.requests_per_second[self._pairs[number][0]]
                for number in by_shape[s]
            ]
            pools = [p for p, c in enumerate(self._pools) if c.shape.key == shape.key]
            replicas = [-float(self._pools[p].replicas) for p in pools]
            yield (
                -INFINITY, 0.0,
                [*(first + number for number in by_shape[s]), *pools], [*load, *replicas],
            )  # fmt: skip

    def _limits(self) -> Iterable[Row]:
        """Stock, spread over regions and clouds, budget."""
        limits = self._problem.limits
        weights = [weight(c, self._problem.buckets) for c in self._pools]
        everything = list(range(len(self._pools)))
        yield 0.0, 0.0, [*everything, self._capacity], [*weights, -1.0]
        for share, of in ((limits.max_region_share, _cell), (limits.max_cloud_share, _cloud)):
            if share < 1:
                for pools in self._grouped(of):
                    yield (
                        -INFINITY, 0.0,
                        [*pools, self._capacity], [*(weights[p] for p in pools), -share],
                    )  # fmt: skip
        for pools in self._grouped(_stock):
            if len(pools) > 1:
                yield 0.0, float(self._pools[pools[0]].stock_nodes), pools, [1.0] * len(pools)
        if limits.budget_usd_per_hour is not None:
            prices = [c.price / USD_MICRO for c in self._pools]
            yield -INFINITY, limits.budget_usd_per_hour, everything, prices

    def _grouped(self, of: object) -> list[list[int]]:
        groups: dict[str, list[int]] = defaultdict(list)
        for number, pool in enumerate(self._pools):
            groups[of(pool)].append(number)  # type: ignore[operator]
        return [groups[key] for key in sorted(groups)]

    def largest_weight(self, share: float, best: float) -> float:
        """The heaviest node that a fleet of W >= weight / share, cheaper than `best` USD per hour, may have."""
        weights = sorted({weight(c, self._problem.buckets) for c in self._pools})
        program = self.program
        low, high = 0, len(weights) - 1
        while low < high:
            middle = (low + high + 1) // 2
            at_least: Row = (weights[middle] / share, INFINITY, [self._capacity], [1.0])
            larger = Program(
                program.costs, program.upper, program.integer, [*program.rows, at_least]
            )
            if solve_linear(larger).objective < best:
                low = middle
            else:
                high = middle - 1
        return weights[low]

    def hint(self, found: _Found | None) -> dict[int, float]:
        """A start for the solver: the nodes of a known plan, by column."""
        return {n: float(found.nodes[p]) for n, p in enumerate(self._kept)} if found else {}

    def read(self, answer: Answer) -> _Found:
        """The plan in the whole problem's terms."""
        nodes = [0] * len(self._problem.candidates)
        for number, p in enumerate(self._kept):
            nodes[p] = round(answer.values[number])
        shares: list[dict[str, float]] = [{} for _ in self._problem.buckets]
        for number, (b, s) in enumerate(self._pairs):
            share = answer.values[len(self._pools) + number]
            if share > NEGLIGIBLE:
                shares[b][self._shapes[s].key] = float(share)
        price = sum(n * c.price for n, c in zip(nodes, self._problem.candidates, strict=True))
        return _Found(tuple(nodes), tuple(shares), price)


def _cell(pool: Candidate) -> str:
    return pool.cell


def _cloud(pool: Candidate) -> str:
    return pool.cloud


def _stock(pool: Candidate) -> str:
    return pool.stock


def weight(pool: Candidate, buckets: Sequence[Bucket]) -> float:
    """Requests/s of the workload's own mix that a node serves, over the buckets that its shape can serve."""
    rates = pool.shape.requests_per_second
    served = [
        (bucket.requests_per_second, rate)
        for bucket, rate in zip(buckets, rates, strict=True)
        if rate > 0
    ]
    requests = sum(demand for demand, _ in served)
    return pool.replicas * requests / sum(demand / rate for demand, rate in served)
