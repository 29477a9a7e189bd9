"""The least whole numbers of GPUs for Mélange's mix: branch and bound on the counts alone.

The shares need no branching: buckets are divided freely. Every node's relaxation gives a bound, and its loads rounded up
a fleet that serves; the search goes on from the node of least bound, so it ends as soon as no bound is below the best
fleet's cost. Where all costs are multiples of one amount, so is every fleet's: a bound within that amount will do.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from allocator.melange_prices import INFINITY, Held, Node, Outcome, Relaxation

NODES = 50_000
"""Of the search: a limit on work, never on time; what is not proven then shows in the bound."""
ROUNDING = 5e-10
"""A load this much above a whole number fits it: half of what a routing may exceed a count by."""
CLOSE = 1e-9
"""Relative distance of bound and cost that counts as none, where costs have no common amount."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """`counts` per type, `shares` (types, buckets) of every bucket, and what is proven: no fleet costs less than bound."""

    counts: tuple[int, ...]
    shares: np.ndarray
    cost: float
    bound: float


def cheapest_fleet(costs: np.ndarray, work: np.ndarray) -> Fleet:
    """The cheapest counts whose capacity takes all work.

    `costs` per type, >= 0; `work` (types, buckets): GPUs of the type that the whole bucket takes, inf where it cannot
    be served. Every bucket needs a type that serves it.
    """
    if not costs.all():
        return _with_free_types(costs, work)
    kept = _undominated(costs, work)
    search = _Search(costs[kept], work[kept])
    search.run()
    counts, shares = np.zeros(len(costs), dtype=int), np.zeros(work.shape)
    counts[kept], shares[kept] = search.counts, search.shares()
    cost = math.fsum(counts * costs)
    return Fleet(tuple(counts.tolist()), shares, cost, min(search.lowest * search.unit, cost))


def _with_free_types(costs: np.ndarray, work: np.ndarray) -> Fleet:
    """Types that cost nothing take all that they can serve; the others are bought for the rest."""
    free, paid = np.flatnonzero(costs == 0), np.flatnonzero(costs)
    least = work[free].argmin(axis=0)
    taken = np.isfinite(work[free].min(axis=0))
    counts, shares = np.zeros(len(costs), dtype=int), np.zeros(work.shape)
    cost = bound = 0.0
    if not taken.all():
        bought = cheapest_fleet(costs[paid], work[np.ix_(paid, ~taken)])
        counts[paid], shares[np.ix_(paid, ~taken)] = bought.counts, bought.shares
        cost, bound = bought.cost, bought.bound
    for number, gpu in enumerate(free):
        given = taken & (least == number)
        shares[gpu, given] = 1.0
        load = float(work[gpu, given].sum())
        counts[gpu] = math.ceil(load - ROUNDING * min(load, 1.0))
    return Fleet(tuple(counts.tolist()), shares, cost, bound)


def _undominated(costs: np.ndarray, work: np.ndarray) -> list[int]:
    """The types that are worth buying: no whole number of another type does all their work for no more money."""
    kept = list(range(len(costs)))
    for gpu in list(kept):
        for other in kept:
            copies = costs[gpu] // costs[other]
            if other != gpu and copies and (work[other] <= copies * work[gpu]).all():
                kept.remove(gpu)
                break
    return kept


def common_amount(costs: np.ndarray) -> float:
    """The largest decimal amount, to six places below the largest cost's, that all costs are multiples of; else 0."""
    for places in range(7):
        scaled = costs * 10.0**places
        whole = np.rint(scaled)
        if np.abs(scaled - whole).max() <= 1e-9 * scaled.max() and whole.max() < 2**53:
            return float(np.gcd.reduce(whole.astype(np.int64))) / 10.0**places
    return 0.0


class _Search:
    """One search; money in units of the dearest type's cost."""

    def __init__(self, costs: np.ndarray, work: np.ndarray) -> None:
        self.unit = float(costs.max())
        self.lowest = INFINITY
        self.counts: list[int] = []
        self._relaxation = Relaxation(costs / self.unit, work)
        self._costs = self._relaxation.costs
        self._step = common_amount(costs) / self.unit
        self._best = self._cutoff = INFINITY
        self._served = self._relaxation.root()
        self._dearest_first = sorted(range(len(costs)), key=lambda gpu: -self._costs[gpu])

    def run(self) -> None:
        """Find the counts and the lowest bound that any fleet has."""
        root = self._served
        self._offer(root)
        open_nodes = [(root.bound, 0, root)]
        made = 0
        while open_nodes and open_nodes[0][0] < self._cutoff and made < NODES:
            _, _, node = heapq.heappop(open_nodes)
            self._tighten(node)
            children = self._children(node)
            if not children:
                self.lowest = min(self.lowest, node.bound)
            for child in children:
                made += 1
                outcome = self._relaxation.solve(child, self._cutoff)
                child.solved = outcome is Outcome.SOLVED
                if child.solved:
                    self._offer(child)
                heapq.heappush(open_nodes, (child.bound, made, child))
        if open_nodes:
            self.lowest = min(self.lowest, open_nodes[0][0])
        self.lowest = min(self.lowest, self._best)
        if self.lowest >= self._cutoff and self._stepped():
            self.lowest = self._best

    def _offer(self, node: Node) -> None:
        """A solved relaxation's loads rounded up are a fleet; remember it if it is the cheapest."""
        counts = [self._whole(node, gpu) for gpu in range(len(self._costs))]
        cost = sum(count * price for count, price in zip(counts, self._costs, strict=True))
        if cost < self._best:
            self._best, self.counts, self._served = cost, counts, node
            self._cutoff = cost - (self._step * 0.999 if self._stepped() else cost * CLOSE)

    def _stepped(self) -> bool:
        """Whether the common amount of the costs is large enough to tell fleets apart."""
        return self._step > 2 * CLOSE * self._best

    def _whole(self, node: Node, gpu: int) -> int:
        if node.held[gpu] is not Held.LOAD:
            return node.capacity(gpu)
        return math.ceil(node.loads[gpu] - self._slack(node.loads[gpu]))

    def _slack(self, load: float) -> float:
        return ROUNDING * min(load, 1.0) + self._relaxation.noise

    def _tighten(self, node: Node) -> None:
        """Bounds that a fleet below the cut-off keeps: every GPU more (or less) than the bound costs the difference
        between cost and price.
        """
        spare = self._cutoff - node.bound
        for gpu, price in enumerate(node.prices.tolist()):
            extra = self._costs[gpu] - price
            if extra * (node.upper[gpu] - node.lower[gpu]) > spare:
                node.upper[gpu] = node.lower[gpu] + math.floor(spare / extra + CLOSE)
            elif extra * (node.lower[gpu] - node.upper[gpu]) > spare:
                node.lower[gpu] = node.upper[gpu] - math.floor(-spare / extra + CLOSE)

    def _children(self, node: Node) -> list[Node]:
        """The node without a unit interval of one type's count; none where all counts are whole."""
        split = self._split(node) if node.solved else _middle(node)
        if split is None:
            return []
        gpu, below = split
        fewer, more = node.copy(), node.copy()
        fewer.upper[gpu] = below
        more.lower[gpu] = below + 1
        return [fewer, more]

    def _split(self, node: Node) -> tuple[int, int] | None:
        """The dearest type whose count is not whole, and the count below."""
        for gpu in self._dearest_first:
            load = node.loads[gpu]
            if node.held[gpu] is Held.LOAD and self._whole(node, gpu) - load > self._slack(load):
                return gpu, min(max(math.floor(load), node.lower[gpu]), node.upper[gpu] - 1)
        return None

    def shares(self) -> np.ndarray:
        """The routing to the cheapest fleet, (types, buckets), without what is only rounding; sums to 1 per bucket."""
        node, work = self._served, self._relaxation.work
        shares = np.zeros(work.shape)
        shares[node.key, np.arange(len(node.key))] = 1.0
        for bucket, types in node.links.items():
            flows = np.array([node.flows[bucket, gpu] for gpu in types])
            flows[flows * work[types, bucket] <= self._relaxation.noise] = 0.0
            shares[types, bucket] = flows / flows.sum()
        return shares


def _middle(node: Node) -> tuple[int, int] | None:
    """A split where the relaxation gave no loads: the widest room in halves."""
    room = [upper - lower for lower, upper in zip(node.lower, node.upper, strict=True)]
    gpu = max(range(len(room)), key=room.__getitem__)
    return (gpu, node.lower[gpu] + room[gpu] // 2) if room[gpu] else None
