"""The same demand bought in other ways, solved with the same data.

Every row is a bill like the plan's own (Money.hourly_usd_micro): nodes at their prices while nothing is preempted, and the
cells of the regions in use. The expected fallback spend is in no row, but it has its say in what is bought on spot, as in
the plan. The on-demand rows get what no market promises, any number of nodes; SkyServe's keeps to the assumed stock, and
only the last one to the plan's limits.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.candidates import Candidate
from allocator.melange.search import ROUNDING, cheapest_fleet
from allocator.mix import Problem, cell_cost, loads, solve_mix
from allocator.plan import Baseline, Bucket, Market
from allocator.snapshot import USD_MICRO

SINGLE_TYPE = "single type on demand"
MELANGE = "Mélange on demand"
SKYSERVE = "SkyServe-like spot"
NO_SURVIVAL = "no survival"

EXTRA_NODES = 2
"""SpotHedge's N_extra, a constant of one or two replicas; the replays compare with two as well."""
LEAST_REGIONS = 3
"""SpotHedge spreads; a spread over fewer regions is accepted only where fewer sell the machine."""


@dataclass(frozen=True, slots=True)
class _Bought:
    """Nodes of some pools, and what they cost in micro-USD per hour."""

    pools: tuple[Candidate, ...]
    nodes: tuple[int, ...]

    @property
    def bill(self) -> int:
        """Nodes and the cells they are in."""
        used = {pool.cell for pool, count in self if count}
        return sum(pool.price * count for pool, count in self) + sum(map(_cell, used))

    @property
    def rank(self) -> tuple[int, str]:
        """The least comes first: by bill and expected fallback spend, among equals by key."""
        fallback = sum(pool.fallback_price * count for pool, count in self)
        return self.bill + fallback, " ".join(pool.key for pool, count in self if count)

    def __iter__(self) -> Iterator[tuple[Candidate, int]]:
        return zip(self.pools, self.nodes, strict=True)


def baselines(problem: Problem) -> tuple[Baseline, ...]:
    """What other ways of buying cost, in a fixed order; micro-USD per hour, nodes and cells."""
    return single_type(problem), melange(problem), skyserve(problem), without_survival(problem)


def single_type(problem: Problem) -> Baseline:
    """The best single machine: one shape and node size, all on demand in the one region where that is cheapest."""
    pools = _sold(problem, "on_demand")
    busy = _busy(pools, problem.buckets)
    ways = [_Bought((pool,), (_whole(busy[pool.key]),)) for pool in pools if pool.key in busy]
    if not ways:
        return Baseline(
            SINGLE_TYPE, None, "no GPU type that is sold on demand serves every request size"
        )
    best = min(ways, key=lambda way: way.rank)
    return Baseline(SINGLE_TYPE, best.bill, f"{_named(best)} on demand in {best.pools[0].cell}")


def melange(problem: Problem) -> Baseline:
    """Mélange's mix of the machines that one region sells on demand, in the cheapest region.

    A machine with several replicas is a type of its own. A region whose linear bound is no better is not solved.
    """
    regions = []
    for cell, pools in _by_cell(_sold(problem, "on_demand")).items():
        work = _work(pools, problem.buckets)
        prices = np.array([float(pool.price) for pool in pools])
        bound = float((work * prices[:, None]).min(axis=0).sum())
        if math.isfinite(bound):
            regions.append((bound + _cell(cell), cell, pools, prices, work))
    best: _Bought | None = None
    for bound, _, pools, prices, work in sorted(regions, key=lambda region: region[:2]):
        if best is not None and bound >= best.bill:
            break
        way = _Bought(tuple(pools), cheapest_fleet(prices, work).counts)
        best = way if best is None else min(best, way, key=lambda way: way.rank)
    if best is None:
        return Baseline(MELANGE, None, "no region sells on demand what every request size needs")
    return Baseline(MELANGE, best.bill, f"{_named(best)} on demand in {best.pools[0].cell}")


def skyserve(problem: Problem) -> Baseline:
    """One shape and node size on spot with extra nodes, spread evenly over the cheapest regions; no survival promised."""
    pools = _sold(problem, "spot")
    busy = _busy(pools, problem.buckets)
    if not busy:
        return Baseline(
            SKYSERVE, None, "no GPU type that is sold on spot serves every request size"
        )
    machines: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for pool in pools:
        if pool.key in busy:
            machines[pool.shape.key, pool.gpus].append(pool)
    ways = [
        way
        for sellers in machines.values()
        for way in _spreads(sellers, _whole(busy[sellers[0].key]))
    ]
    if not ways:
        return Baseline(
            SKYSERVE, None, "no GPU type that serves every request size has enough spot stock"
        )
    best = min(ways, key=lambda way: way.rank)
    left = (sum(best.nodes) - max(best.nodes)) / busy[best.pools[0].key]
    where = f"({EXTRA_NODES} extra) on spot in {_regions(best)}"
    kept = f"one region lost leaves {min(math.floor(100 * left + ROUNDING), 100)} % served"
    return Baseline(SKYSERVE, best.bill, f"{_named(best)} {where}; no survival promised: {kept}")


def _spreads(sellers: Sequence[Candidate], needed: int) -> Iterator[_Bought]:
    """The nodes and the extra ones over the k cheapest regions, for every k that may be."""
    ordered = sorted(sellers, key=lambda pool: (pool.price + pool.fallback_price, pool.key))
    nodes = needed + EXTRA_NODES
    for k in range(min(LEAST_REGIONS, len(ordered)), min(nodes, len(ordered)) + 1):
        chosen = tuple(ordered[:k])
        if sum(pool.stock_nodes for pool in chosen) >= nodes:
            yield _Bought(chosen, _even([pool.stock_nodes for pool in chosen], nodes))


def _even(stocks: Sequence[int], nodes: int) -> tuple[int, ...]:
    """As evenly as stock allows; those that do not divide go to the first."""
    counts = [0] * len(stocks)
    while left := nodes - sum(counts):
        open_ = [n for n, stock in enumerate(stocks) if counts[n] < stock]
        step = min(left // len(open_), *(stocks[n] - counts[n] for n in open_))
        for n in open_ if step else open_[:left]:
            counts[n] += max(step, 1)
    return tuple(counts)


def without_survival(problem: Problem) -> Baseline:
    """This plan, but nothing is held for the loss of a domain."""
    policy = problem.policy.model_copy(update={"survive": "none"})
    mix = solve_mix(dataclasses.replace(problem, policy=policy, deployed={}))
    if mix is None:
        return Baseline(NO_SURVIVAL, None, "no plan within the limits was found")
    bought = _Bought(tuple(problem.candidates), mix.nodes)
    nodes = f"{sum(mix.nodes)} nodes in {_regions(bought)}"
    return Baseline(NO_SURVIVAL, bought.bill, f"this plan with nothing held for a loss: {nodes}")


def _sold(problem: Problem, market: Market) -> list[Candidate]:
    return sorted((c for c in problem.candidates if c.market == market), key=lambda c: c.key)


def _by_cell(pools: Sequence[Candidate]) -> Mapping[str, list[Candidate]]:
    cells: dict[str, list[Candidate]] = defaultdict(list)
    for pool in pools:
        cells[pool.cell].append(pool)
    return cells


def _work(pools: Sequence[Candidate], buckets: Sequence[Bucket]) -> np.ndarray:
    """Nodes of a pool (row) that all of a bucket (column) keeps busy; inf where it cannot serve it."""
    replicas = np.array([[float(pool.replicas)] for pool in pools])
    work: np.ndarray = loads([pool.shape for pool in pools], buckets).T / replicas
    return work


def _busy(pools: Sequence[Candidate], buckets: Sequence[Bucket]) -> dict[str, float]:
    """Nodes of a pool that all demand keeps busy, by key; only pools that serve every bucket."""
    if not pools:
        return {}
    needed = _work(pools, buckets).sum(axis=1).tolist()
    return {pool.key: load for pool, load in zip(pools, needed, strict=True) if math.isfinite(load)}


def _whole(load: float) -> int:
    return math.ceil(load - ROUNDING * min(load, 1.0))


def _cell(cell: str) -> int:
    return round(cell_cost(cell) * USD_MICRO)


def _regions(bought: _Bought) -> str:
    number = len({pool.cell for pool, count in bought if count})
    return "1 region" if number == 1 else f"{number} regions"


def _named(bought: _Bought) -> str:
    """Like machines together, most nodes first: 14 x h100x1, 2 x a100-80gbx8-tp2."""
    machines: dict[str, int] = defaultdict(int)
    for pool, count in bought:
        parallel = pool.shape.tensor_parallel
        size = f"{pool.shape.gpu.lower()}x{pool.gpus}"
        machines[size if parallel == 1 else f"{size}-tp{parallel}"] += count
    ordered = sorted(machines.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} x {name}" for name, count in ordered if count)
