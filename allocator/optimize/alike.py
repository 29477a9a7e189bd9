"""Regions that sell alike: one column for all of them, and how its nodes are spread over them afterwards.

Where many regions ask the same price, which of them gets a node changes nothing but the loss of the fullest one, and a
solver that tries all permutations never ends. So like columns are one: n_c nodes, at most the sum of their stocks, with
S_k >= T_k / regions (the fullest holds at least the mean) and S_k >= value_kc s_c, n_c <= regions_c s_c (it holds at least
s_c whole nodes of class c). This bounds the cost of every plan from below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.master import Box
from allocator.optimize.oracle import Cut
from allocator.solver import INFINITY, Program, Row


class Alike:
    """Classes of columns that differ only in their region and stock."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        keys = np.stack(
            [fleet.shape, fleet.price, fleet.replicas, fleet.on_demand.astype(float)], axis=1
        )
        _, first, self.of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        self.first = first
        self.of = self.of.reshape(-1)
        self.stock = np.bincount(self.of, weights=fleet.stock)
        self.count = len(first)
        self.domain = fleet.region if fleet.domain is None else fleet.domain
        pairs = np.unique(np.stack([self.of, self.domain]), axis=1)
        self.domains = np.bincount(pairs[0], minlength=self.count).astype(float)

    @property
    def useful(self) -> bool:
        """Whether there is much to gather, and no limit that tells the columns apart."""
        fleet = self.fleet
        plain = not (fleet.spreads or fleet.groups or fleet.minimums or fleet.budget or fleet.floor)
        return plain and fleet.survives_regions and self.count * 3 <= fleet.columns

    def program(self, cuts: Sequence[Cut], box: Box, spread_over: int, extra: float) -> Program:
        """n_c, s_c, then T and S of each cut. `extra` is added to what must survive. Without the cells' costs."""
        count, fleet = self.count, self.fleet
        shape, replicas = fleet.shape[self.first], fleet.replicas[self.first]
        size = 2 * count + 2 * len(cuts)
        costs = np.zeros(size)
        costs[:count] = fleet.price[self.first]
        upper = np.full(size, INFINITY)
        upper[:count] = self.stock
        rows: list[Row] = [
            (-INFINITY, 0.0, [c, count + c], [1.0, -self.domains[c]]) for c in range(count)
        ]
        for k, cut in enumerate(cuts):
            total = 2 * count + 2 * k
            value = cut.prices[shape] * (1.0 if cut.whole else replicas)
            used = np.flatnonzero(value)
            rows.append((0.0, 0.0, [*used, total], [*value[used], -1.0]))
            rows.append((cut.at_least(1.0), INFINITY, [total], [1.0]))
            kept = cut.at_least(fleet.keep) + (0.0 if cut.whole else extra)
            rows.append((kept, INFINITY, [total, total + 1], [1.0, -1.0]))
            rows.append((-INFINITY, 0.0, [total, total + 1], [1.0 / spread_over, -1.0]))
            if cut.whole:
                rows.append((1.0, INFINITY, [total + 1], [1.0]))
            rows += [(-INFINITY, 0.0, [count + int(c), total + 1], [value[c], -1.0]) for c in used]
            if k == 0:
                upper[total + 1] = box.loss[1]
                rows.append((box.loss[0], INFINITY, [total + 1], [1.0]))
                upper[:count][value > box.loss[1]] = 0.0
        integer = np.zeros(size, dtype=bool)
        integer[: 2 * count] = True
        return Program(costs, upper, integer, rows)

    def spread(self, values: np.ndarray, cuts: Sequence[Cut], regions: int) -> np.ndarray | None:
        """An answer of the program spread over the columns so that no domain holds much of any cut.

        Over at most so many regions, those of the largest stock; None where stock ends.

        The largest first, each where the fullest cut stays lowest; then moves and swaps out of the fullest domain.
        """
        fleet, shape = self.fleet, self.fleet.shape[self.first]
        replicas, nodes = fleet.replicas[self.first], np.round(values[: self.count])
        plain = [cut for cut in cuts if not cut.whole]
        values = np.array([cut.prices[shape] * replicas for cut in plain])
        spare = np.maximum(values @ nodes - fleet.keep, 1e-6)
        values = values / spare[:, None]  # of what may be lost
        free = np.zeros((self.count, fleet.domains))
        np.add.at(free, (self.of, self.domain), fleet.stock)
        sold = np.minimum(free, nodes[:, None]).sum(axis=0)
        free[:, np.argsort(-sold, kind="stable")[regions:]] = 0.0
        placed = np.zeros_like(free)
        held = np.zeros((len(plain), fleet.domains))
        for c in sorted(np.flatnonzero(nodes), key=lambda c: (-values[:, c].max(), c)):
            for _ in range(int(nodes[c])):
                after = (held + values[:, c : c + 1]).max(axis=0)
                after[placed[c] >= free[c]] = INFINITY
                d = int(np.argmin(after))
                if not np.isfinite(after[d]):
                    return None
                placed[c, d] += 1
                held[:, d] += values[:, c]
        for _ in range(MOVES):
            if not _improve(placed, held, values, free):
                break
        return self._columns(placed)

    def _columns(self, placed: np.ndarray) -> np.ndarray:
        """Nodes per column from nodes per class and domain: first columns first."""
        fleet = self.fleet
        left, nodes = placed.copy(), np.zeros(fleet.columns)
        for p in range(fleet.columns):
            place = self.of[p], self.domain[p]
            nodes[p] = min(left[place], fleet.stock[p])
            left[place] -= nodes[p]
        return nodes


MOVES = 300


def _improve(placed: np.ndarray, held: np.ndarray, values: np.ndarray, free: np.ndarray) -> bool:
    """One move or swap out of the fullest domain that leaves both domains below it; whether there was one."""
    full = held.max(axis=0)
    worst = int(np.argmax(full))
    best = full[worst] - 1e-9
    found: tuple[int, int, int] | None = None
    for c in np.flatnonzero(placed[:, worst]):
        here = held[:, worst] - values[:, c]
        there = held + values[:, c : c + 1]
        room = placed[c] < free[c]
        room[worst] = False
        level = np.maximum(there.max(axis=0), here.max())
        level[~room] = INFINITY
        d = int(np.argmin(level))
        if level[d] < best:
            best, found = level[d], (int(c), d, -1)
        for back in np.flatnonzero(placed.any(axis=1)):
            if back == c or placed[back, worst] >= free[back, worst]:
                continue
            swapped = np.maximum(
                (there - values[:, back : back + 1]).max(axis=0), (here + values[:, back]).max()
            )
            swapped[~room | (placed[back] < 1)] = INFINITY
            d = int(np.argmin(swapped))
            if swapped[d] < best:
                best, found = swapped[d], (int(c), d, int(back))
    if found is None:
        return False
    moved, to, swapped_back = found
    _shift(placed, held, values, moved, worst, to)
    if swapped_back >= 0:
        _shift(placed, held, values, swapped_back, to, worst)
    return True


def _shift(
    placed: np.ndarray, held: np.ndarray, values: np.ndarray, c: int, a: int, b: int
) -> None:
    placed[c, a] -= 1
    placed[c, b] += 1
    held[:, a] -= values[:, c]
    held[:, b] += values[:, c]
