"""The linear bound: all columns, cuts and their rows as they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.master import EPS, Layout
from allocator.optimize.oracle import Cut, Oracle
from allocator.solver import INFINITY, LiveAnswer, LiveProgram

ROUNDS = 200
A_ROUND = 2
PATIENCE = 6
STALLED = 1e-5


@dataclass(frozen=True, slots=True)
class Relaxed:
    bound: float
    nodes: np.ndarray
    reduced: np.ndarray
    cuts: list[Cut]
    active: list[Cut]
    rounds: int
    weights: np.ndarray
    loss: float


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A part of all plans: so many regions in use, and so much lost with the worst domain (S of the first cut)."""

    regions: tuple[int, int]
    loss: tuple[float, float] = (0.0, INFINITY)


class Relaxation:
    def __init__(self, fleet: Fleet, oracle: Oracle, most: np.ndarray) -> None:
        self.fleet, self.oracle, self.most = fleet, oracle, most
        self.layout = Layout(fleet, np.arange(fleet.columns))
        self.live = LiveProgram(self.layout.costs(), self.layout.upper())
        self.cuts: list[Cut] = []
        self._values: list[np.ndarray] = []
        self._first_row: list[tuple[int, int]] = []
        self._lossy: set[tuple[int, int]] = set()
        self._celled: set[tuple[int, int]] = set()
        self.live.add(list(self.layout.limits()))
        cells = np.arange(self.layout.first_cell, self.layout.first_loss)
        self._count = (
            self.live.add(
                [
                    (-INFINITY, 0.0, cells, np.ones(len(cells))),
                    (-INFINITY, 0.0, cells, -np.ones(len(cells))),
                ]
            )
            if len(cells)
            else None
        )
        self._level: int | None = None
        self.box = Box((1, len(np.unique(fleet.region))))
        self.choose(self.box)

    def choose(self, box: Box) -> None:
        """Look only at plans in a box."""
        layout, before = self.layout, self.box
        self.box = box
        if self._count is not None:
            self.live.bound_rows([self._count, self._count + 1], [float(box.regions[1]), -float(box.regions[0])])
        if layout.domain is None or not self.cuts:
            return
        if box.regions[1] != before.regions[1]:
            mean = [first + self._mean for first, _ in self._first_row]
            totals = [layout.first_loss + 2 * k for k in range(len(self.cuts))]
            self.live.set_coefficients(mean, totals, 1.0 / layout.spread_over(box.regions[1]))
        if self._level is None:
            loss = layout.first_loss + 1
            self._level = self.live.add([(-INFINITY, INFINITY, [loss], [1.0]), (-INFINITY, INFINITY, [loss], [-1.0])])
        if box.loss != before.loss:
            self.live.bound_rows([self._level, self._level + 1], [box.loss[1], -box.loss[0]])
            self.live.bound_columns(range(self.fleet.columns), np.where(self.allowed(), self.fleet.stock, 0.0).tolist())

    def allowed(self) -> np.ndarray:
        """The columns that a plan in the box may use: a larger node's loss would leave it."""
        if self.layout.domain is None or not self.cuts:
            return np.ones(self.fleet.columns, dtype=bool)
        return self._values[0] <= self.box.loss[1]

    def add_cut(self, cut: Cut) -> None:
        total = self.layout.first_loss + self.layout.per_cut * len(self.cuts)
        rows = self.layout.cut_rows(cut, total, self.layout.spread_over(self.box.regions[1]))
        first = self.live.add(rows, [0.0] * self.layout.per_cut)
        self._mean = 2 if self.fleet.keep >= 1 else 3
        self.cuts.append(cut)
        self._values.append(self.layout.value(cut))
        self._first_row.append((first, first + len(rows)))

    def solve(self, *, separate: bool = True) -> Relaxed | None:
        centre, rounds, history = None, 0, []
        for rounds in range(ROUNDS):
            answer = self.live.solve()
            if not answer.feasible:
                return None
            nodes = answer.values[: self.fleet.columns]
            if self._complete(nodes, answer):
                continue
            history.append(answer.objective)
            if len(history) > PATIENCE and answer.objective <= history[-PATIENCE] * (1 + STALLED):
                break
            if not separate:
                break
            centre = nodes if centre is None else (centre + nodes) / 2
            if not (self._separate(centre) or self._separate(nodes)):
                break
        weights = np.array([np.abs(answer.prices[first:last]).max() for first, last in self._first_row])
        active = [cut for cut, weight in zip(self.cuts, weights, strict=True) if weight > 1e-9]
        loss = float(answer.values[self.layout.first_loss + 1]) if self.layout.domain is not None else 0.0
        return Relaxed(
            answer.objective, nodes, answer.reduced[: self.fleet.columns], list(self.cuts), active, rounds, weights, loss
        )

    def _complete(self, nodes: np.ndarray, answer: LiveAnswer) -> bool:
        """Add the loss and cell rows of known cuts that the point violates."""
        rows = []
        if self.layout.domain is not None and self.cuts:
            held = np.stack([np.bincount(self.fleet.domain, weights=nodes * v, minlength=self.fleet.domains) for v in self._values], axis=1)
            allowed = answer.values[self.layout.first_loss + 1 :: 2]
            for d, k in np.argwhere(held > allowed + EPS):
                if (d, k) not in self._lossy:
                    self._lossy.add((d, k))
                    rows.append(
                        self.layout.loss_row(self.cuts[k], d, self.layout.first_loss + 2 * k + 1)
                    )
        if len(self.layout.regions):
            used = np.zeros((len(self.layout.regions), self.fleet.load.shape[1]))
            np.add.at(
                used,
                (np.searchsorted(self.layout.regions, self.layout.region), self.layout.shape),
                nodes * self.layout.replicas,
            )
            opened = answer.values[self.layout.first_cell : self.layout.first_loss]
            for r, g in np.argwhere(used > self.most * opened[:, None] + EPS):
                if (r, g) not in self._celled:
                    self._celled.add((r, g))
                    rows.append(self.layout.cell_row(r, g, self.most))
        if rows:
            self.live.add(rows)
        return bool(rows)

    def _separate(self, nodes: np.ndarray) -> int:
        found = 0
        for capacity, part in self.worst(nodes)[:A_ROUND]:
            served, prices = self.oracle.ask(capacity)
            if served < part - EPS:
                self.add_cut(prices)
                found += 1
        return found

    def worst(self, nodes: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """Scenarios (capacity, part to be served), the one that known cuts like least first."""
        fleet = self.fleet
        scenarios = []
        total = fleet.capacity(nodes)
        if fleet.domain is not None:
            lost = fleet.by_domain(nodes)
            scenarios += [(total - l, fleet.keep) for l in lost[lost.any(axis=1)]]
        if fleet.domain is None or fleet.keep < 1:
            scenarios.append((total, 1.0))
        if fleet.floor > 0:
            scenarios.append((fleet.capacity(nodes * fleet.on_demand), fleet.floor))
        cuts = np.array([cut.prices for cut in self.cuts if not cut.whole])
        if not len(cuts):
            return scenarios
        return sorted(scenarios, key=lambda s: float((cuts @ s[0]).min() / s[1]))
