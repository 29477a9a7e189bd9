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

from allocator.melange.basis import Held, Node
from allocator.melange.cuts import Cuts
from allocator.melange.prices import INFINITY, Outcome, Relaxation

NODES = 20_000
"""Of the search: a limit on work, never on time. What is open then goes to the general solver."""
NEARLY = 10_000
"""A node of no more choices is narrowed before it is solved: few may be left."""
LEVEL = 0.1
"""Bounds are told apart by this part of the common amount; among equals the newest node goes first, which dives."""
ROUNDING = 5e-10
"""A load this much above a whole number fits it: half of what a routing may exceed a count by."""
CLOSE = 1e-9
"""Relative distance of bound and cost that counts as none, where costs have no common amount."""
PART = 1e-3
"""Of the common amount: more than the rounding errors of a bound, less than would matter."""


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
    """The largest amount of at most six decimals that all costs are multiples of; 0 where there is none."""
    for places in range(7):
        scaled = costs * 10.0**places
        whole = np.rint(scaled)
        if np.abs(scaled - whole).max() <= max(CLOSE, 1e-15 * scaled.max()) and scaled.max() < 1e12:
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
        self._units = [round(cost / self._step) if self._step else 0 for cost in self._costs]
        self._best = self._cutoff = INFINITY
        self._served = self._root = self._relaxation.root()
        self._cuts = Cuts(costs / self.unit)
        self._open: list[tuple[int, int, Node]] = []
        self._made = 0
        self._dearest_first = sorted(range(len(costs)), key=lambda gpu: -self._costs[gpu])

    def run(self) -> None:
        """Find the counts and the lowest bound that any fleet has."""
        self._offer(self._root)
        self._keep(self._root)
        while self._open and self._made < NODES:
            self._expand(heapq.heappop(self._open)[2].copy())
        left = (node.bound for _, _, node in self._open)
        self.lowest = min(self.lowest, self._cutoff, *left)
        if self.lowest < self._cutoff:
            self._hand_over()
        if self._stepped():
            self.lowest = math.ceil(self.lowest / self._step - PART / 2) * self._step

    def _expand(self, node: Node) -> None:
        """Narrow a node's bounds, and divide it where its counts are not whole."""
        if node.bound >= self._cutoff or self._closed(node):
            return
        if node.solved and not _within(node, self._relaxation.noise):
            self._solve(node)
            return
        split = self._split(node) if node.solved else _middle(node)
        if split is None:
            self.lowest = min(self.lowest, node.bound)
            return
        gpu, below = split
        fewer, more = self._cuts.after_split(node, gpu, below)
        if fewer < self._cutoff:
            child = node.copy()
            child.upper[gpu] = below
            self._enter(child)
        if more < self._cutoff:
            node.lower[gpu] = below + 1
            self._enter(node)

    def _enter(self, node: Node) -> None:
        """Solve a new node, unless it closes without."""
        if node.choices() > NEARLY or not self._closed(node):
            self._solve(node)

    def _closed(self, node: Node) -> bool:
        """Whether no counts within a node's bounds, narrowed, can be cheaper, or all of them were tried."""
        if not self._cuts.tighten(node, self._cutoff):
            return True
        if self._step and self._reachable(node) >= self._cutoff:
            return True
        counts = self._cuts.left(node, self._cutoff)
        if counts is not None:
            self._try(node, counts)
        return counts is not None

    def _try(self, node: Node, choices: list[list[int]]) -> None:
        """Settle a node by all counts that it has left, cheapest first, until some serve."""
        for counts in choices:
            trial = node.copy()
            trial.lower, trial.upper = counts, list(counts)
            self._made += 1
            outcome = self._relaxation.solve(trial, INFINITY)
            if outcome is Outcome.SOLVED:
                self._offer(trial)
                return
            if outcome is Outcome.GAVE_UP:
                self.lowest = min(self.lowest, node.bound)
                return

    def _solve(self, node: Node) -> None:
        self._made += 1
        node.solved = self._relaxation.solve(node, self._cutoff) is Outcome.SOLVED
        if node.bound < INFINITY:
            self._keep(node)
        if node.solved:
            self._offer(node)

    def _keep(self, node: Node) -> None:
        """Remember a node's prices, and the node where it may lead to a better fleet."""
        self._cuts.add(*self._relaxation.cut(node))
        if node.bound < self._cutoff:
            level = math.floor(node.bound / (LEVEL * self._step or CLOSE))
            heapq.heappush(self._open, (level, -self._made, node))

    def _offer(self, node: Node) -> None:
        """A solved relaxation's loads rounded up are a fleet; remember it if it is the cheapest."""
        cost, counts = 0.0, []
        for gpu, price in enumerate(self._costs):
            counts.append(self._whole(node, gpu))
            cost += counts[-1] * price
            if cost >= self._best:
                return
        self._best, self.counts, self._served = cost, counts, node
        self._cutoff = cost - (self._step * (1 - PART) if self._stepped() else cost * CLOSE)

    def _hand_over(self) -> None:
        """The general solver has other ways to close what the limit left open."""
        from allocator.melange.whole import solve_counts

        costs = np.array(self._costs)
        counts, bound = solve_counts(costs, self._relaxation.work, self.counts)
        node = self._root.copy()
        node.lower, node.upper = counts, list(counts)
        if self._relaxation.solve(node, INFINITY) is Outcome.SOLVED:
            self._offer(node)
        self.lowest = min(max(self.lowest, bound), self._best)

    def _stepped(self) -> bool:
        """Whether the common amount of the costs is large enough to tell fleets apart."""
        return self._step > 2 * CLOSE * self._best

    def _reachable(self, node: Node) -> float:
        """The least cost from the node's bound on that its types can make: those whose counts are settled, and any
        multiple of what the costs of all others have in common.
        """
        settled = common = 0
        for units, lower, upper in zip(self._units, node.lower, node.upper, strict=True):
            if lower == upper:
                settled += units * lower
            else:
                common = math.gcd(common, units)
        if not common:
            return settled * self._step
        multiple = math.ceil((node.bound / self._step - settled - PART) / common)
        return (settled + multiple * common) * self._step

    def _whole(self, node: Node, gpu: int) -> int:
        if node.held[gpu] is not Held.LOAD:
            return node.capacity(gpu)
        return math.ceil(node.loads[gpu] - self._slack(node.loads[gpu]))

    def _slack(self, load: float) -> float:
        return ROUNDING * min(load, 1.0) + self._relaxation.noise

    def _split(self, node: Node) -> tuple[int, int] | None:
        """The dearest type whose count is not whole, and the count below."""
        for gpu in self._dearest_first:
            load = node.loads[gpu]
            if node.held[gpu] is Held.LOAD and self._whole(node, gpu) - load > self._slack(load):
                return gpu, min(max(math.floor(load), node.lower[gpu]), node.upper[gpu] - 1)
        return None

    def shares(self) -> np.ndarray:
        """The routing to the cheapest fleet, (types, buckets), without what is only rounding; sums to 1 per bucket."""
        node = self._served
        shares = np.zeros(self._relaxation.work.shape)
        shares[node.key, np.arange(len(node.key))] = 1.0
        for bucket, types in node.links.items():
            flows = np.array([node.flows[bucket, gpu] for gpu in types])
            flows[flows * list(types.values()) <= self._relaxation.noise] = 0.0
            shares[list(types), bucket] = flows / flows.sum()
        return shares


def _within(node: Node, noise: float) -> bool:
    """Whether the loads of the basis keep the bounds, which may be tighter than those it was solved in."""
    return all(
        held is not Held.LOAD or lower - noise <= load <= upper + noise
        for held, load, lower, upper in zip(
            node.held, node.loads, node.lower, node.upper, strict=True
        )
    )


def _middle(node: Node) -> tuple[int, int] | None:
    """A split where the relaxation gave no loads: the widest room in halves."""
    room = [upper - lower for lower, upper in zip(node.lower, node.upper, strict=True)]
    gpu = max(range(len(room)), key=room.__getitem__)
    return (gpu, node.lower[gpu] + room[gpu] // 2) if room[gpu] else None
