"""Can this capacity serve the workload? An answer with its reason: a price vector that proves what is missing.

For prices pi >= 0 per shape, pi . C >= sum_b min_g pi_g load_bg holds for every capacity C (replicas per shape) that can
serve all buckets b, however they are routed. Scaled so that the right-hand side is 1 this is a cut: it bounds the served
part of the workload by pi . C, in every scenario at once. (A Benders cut of the routing program; the vector is its dual.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocator.live import LiveProgram
from allocator.optimize.fleet import Scenario
from allocator.solver import INFINITY, Row

ENOUGH = 1.5
"""Served parts above it are not told apart: capacity that is plenty needs no exact answer."""
SERVED = 1e-6
"""A plan may miss so small a part of the demand: the tolerance of the programs it comes from."""


@dataclass(frozen=True, slots=True)
class Cut:
    """prices . C >= needed for every capacity that serves everything; C counts replicas, or nodes where `whole`.

    Of a `whole` cut `needed` may be a fraction of a node: whole nodes are needed of it (see `cover_cuts`).
    """

    prices: np.ndarray
    whole: bool = False
    needed: float = 1.0

    def at_least(self, part: float) -> float:
        """What a part of the demand needs."""
        if self.whole:
            return max(1.0, math.ceil(self.needed * part * (1 - SERVED) - SERVED))
        return part * self.needed

    def same(self, other: Cut) -> bool:
        """Whether both say the same."""
        return self.whole == other.whole and bool(
            np.allclose(self.prices, other.prices, rtol=1e-9, atol=1e-12)
        )


def joined(cuts: Sequence[Cut], more: Sequence[Cut]) -> list[Cut]:
    """The cuts, and those of `more` that say something else."""
    result = list(cuts)
    for cut in more:
        if not any(cut.same(known) for known in result):
            result.append(cut)
    return result


def worst_first(scenarios: Sequence[Scenario], cuts: Sequence[Cut]) -> list[Scenario]:
    """Scenarios in the order of how little of their part the known cuts allow them to serve."""
    prices = np.array([cut.prices for cut in cuts if not cut.whole])
    if not len(prices):
        return list(scenarios)
    return sorted(scenarios, key=lambda s: float((prices @ s.capacity).min() / s.part))


def cover_cuts(load: np.ndarray, most_replicas: np.ndarray) -> list[Cut]:
    """Buckets that few shapes can serve need whole nodes of them: for every such set of shapes, how many at least.

    `most_replicas[g]`: on the largest node of shape g that is sold.
    """
    able = np.isfinite(load)
    best = np.where(able, load / most_replicas, INFINITY)
    cuts = []
    for shapes in sorted({tuple(row) for row in able.tolist()}, key=lambda row: (sum(row), row)):
        inside = ~(able & ~np.array(shapes)).any(axis=1)
        nodes = float(best[inside].min(axis=1).sum())
        cuts.append(Cut(np.array(shapes, dtype=float), whole=True, needed=nodes))
    return cuts


class Oracle:
    """The routing program for a workload, kept alive: only the capacity changes between questions.

    `load[b, g]`: replicas of shape g that all of bucket b keeps busy, inf where the shape cannot serve it.
    """

    def __init__(self, load: np.ndarray) -> None:
        self.load = load
        self._pairs = np.argwhere(np.isfinite(load))
        count = len(self._pairs) + 1  # the served part, then the shares
        upper = np.full(count, INFINITY)
        upper[0] = ENOUGH
        costs = np.zeros(count)
        costs[0] = -1.0
        self._program = LiveProgram(costs, upper)
        self._program.add(list(self._rows()))
        buckets, shapes = load.shape
        self._capacity_rows = list(range(buckets, buckets + shapes))
        self._busy: list[np.ndarray] = []

    def _rows(self) -> list[Row]:
        buckets, shapes = self.load.shape
        columns = np.arange(1, len(self._pairs) + 1)
        rows: list[Row] = []
        for b in range(buckets):
            of = columns[self._pairs[:, 0] == b]
            rows.append((0.0, INFINITY, [0, *of], [-1.0, *np.ones(len(of))]))
        for g in range(shapes):
            mine = self._pairs[:, 1] == g
            rows.append((-INFINITY, 0.0, columns[mine], self.load[self._pairs[mine, 0], g]))
        return rows

    def serves(self, capacity: np.ndarray, part: float) -> tuple[bool, Cut | None]:
        """Whether a capacity serves a part of the demand; if not, the cut that it violates."""
        if any((busy * part <= capacity + SERVED * 1e-3).all() for busy in self._busy):
            return True, None  # an earlier routing fits
        served, cut = self.ask(capacity)
        return (True, None) if served >= part * (1 - SERVED) else (False, cut)

    def ask(self, capacity: np.ndarray) -> tuple[float, Cut]:
        """The part of the workload that a capacity serves (at most ENOUGH), and the cut that proves it."""
        self._program.bound_rows(self._capacity_rows, capacity.tolist())
        answer = self._program.solve()
        served = float(answer.values[0])
        if served > 0:
            busy = np.zeros(self.load.shape[1])
            np.add.at(busy, self._pairs[:, 1], answer.values[1:] * self.load[tuple(self._pairs.T)])
            self._busy.append(busy / served)
        return served, self.scaled(np.maximum(-answer.prices[self._capacity_rows], 0.0))

    def scaled(self, prices: np.ndarray) -> Cut:
        """The cut of a price vector: scaled so that serving everything costs at least 1."""
        able = np.isfinite(self.load)
        costs = np.where(able, np.where(able, self.load, 0.0) * prices, INFINITY)
        demand = costs.min(axis=1).sum()
        return Cut(prices / demand if demand > 0 else np.zeros(len(prices)))
