"""The linear bound: all columns in a program that stays alive, cuts and their rows as they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocator.live import LiveAnswer, LiveProgram
from allocator.optimize.fleet import Fleet
from allocator.optimize.master import Box, Layout
from allocator.optimize.oracle import SERVED, Cut, Oracle, worst_first
from allocator.solver import INFINITY, Numbers

ROUNDS = 200
CUTS_A_ROUND = 2
PATIENCE = 6
STALLED = 1e-5
"""Separation ends when the bound has risen by less than this part in PATIENCE rounds."""
VIOLATED = 1e-7
ACTIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A linear optimum: its value, nodes and reduced costs per column, S of the first cut, and the dual of each cut."""

    bound: float
    nodes: np.ndarray
    reduced: np.ndarray
    loss: float
    duals: np.ndarray


class Relaxation:
    """The linear program over all columns of a fleet."""

    def __init__(self, fleet: Fleet, oracle: Oracle, cuts: Sequence[Cut] = ()) -> None:
        self.fleet, self.oracle = fleet, oracle
        self.layout = Layout(fleet, np.arange(fleet.columns))
        self.box = Box((1, len(np.unique(fleet.region))))
        self.cuts: list[Cut] = []
        self.values: list[np.ndarray] = []
        self._rows: list[tuple[int, int]] = []
        self._lossy: set[tuple[int, int]] = set()
        self._celled: set[tuple[int, int]] = set()
        self._open: dict[int, int] = {}
        self._shut: dict[int, int] = {}
        self._live = LiveProgram(self.layout.costs(), self.layout.upper())
        self._live.add(list(self.layout.limits()))
        cells = np.arange(self.layout.first_cell, self.layout.first_count)
        self._count = self._both_ways(cells) if len(cells) else -1
        for cut in cuts:
            self.add_cut(cut)
        self._level = self._both_ways([self.layout.total(0) + 1]) if cuts and fleet.domains else -1
        self.choose(self.box)

    def _both_ways(self, columns: Numbers) -> int:
        """Two rows whose upper bounds hold a sum from both sides, free at first."""
        ones = np.ones(len(columns))
        return self._live.add(
            [(-INFINITY, INFINITY, columns, ones), (-INFINITY, INFINITY, columns, -ones)]
        )

    def add_cut(self, cut: Cut) -> None:
        """Append a cut with its own columns; its domains' rows follow when they are violated."""
        total = self.layout.total(len(self.cuts))
        rows = self.layout.cut_rows(cut, total, self.box.regions[1])
        first = self._live.add(rows, [0.0] * self.layout.per_cut)
        self.cuts.append(cut)
        self.values.append(self.layout.value(cut))
        self._rows.append((first, first + len(rows)))

    def choose(self, box: Box) -> None:
        """Look only at the plans in a box (a box of losses needs a first cut from the start)."""
        before, self.box = self.box, box
        if self._count >= 0:
            low, high = box.regions
            self._live.bound_rows([self._count, self._count + 1], [float(high), -float(low)])
        if self.fleet.domain is None or not self.cuts:
            return
        if box.regions[1] != before.regions[1]:
            means = [first + Layout.MEAN_ROW for first, _ in self._rows]
            totals = [self.layout.total(k) for k in range(len(self.cuts))]
            share = 1.0 / self.layout.spread_over(box.regions[1])
            self._live.set_coefficients(means, totals, share)
        if box.loss != before.loss:
            self._live.bound_rows([self._level, self._level + 1], [box.loss[1], -box.loss[0]])
            upper = np.where(self.allowed(), self.fleet.stock, 0.0)
            self._live.bound_columns(self.layout.columns, upper)
            self._move_levels()

    def _move_levels(self) -> None:
        """Give the rows of regions (their numbers, by region) the box's least and largest loss."""
        low, high = self.box.loss
        for rows, level in ((self._open, min(high, self._plenty())), (self._shut, low)):
            numbers = sorted(rows, key=rows.__getitem__)
            cells = [self.layout.first_cell + number for number in numbers]
            self._live.set_coefficients([rows[n] for n in numbers], cells, -level)
        shut = sorted(self._shut.values())
        self._live.bound_rows(shut, [-low] * len(shut))

    def _plenty(self) -> float:
        """More than any region holds of the first cut."""
        return 1.0 + float(np.bincount(self.fleet.region, self.fleet.stock * self.values[0]).max())

    def allowed(self) -> np.ndarray:
        """The columns that a plan in the box may use: losing a larger node would be losing too much."""
        if self.fleet.domain is None or not self.cuts:
            return np.ones(self.fleet.columns, dtype=bool)
        return self.values[0] <= self.box.loss[1]

    def solve(self, *, separate: bool = True) -> Relaxed | None:
        """The bound of the box; None where it holds no plan. `separate`: look for new cuts on the way."""
        centre, history = None, []
        for _ in range(ROUNDS):
            answer = self._live.solve()
            if not answer.feasible:
                return None
            nodes = answer.values[: self.fleet.columns]
            if self._complete(nodes, answer):
                continue
            history.append(answer.objective)
            stalled = len(history) > PATIENCE and answer.objective <= history[-PATIENCE] * (
                1 + STALLED
            )
            if stalled or not separate:
                break
            centre = nodes if centre is None else (centre + nodes) / 2
            if not (self._separate(centre) or self._separate(nodes)):
                break
        first = self.layout.total(0) + 1
        return Relaxed(
            bound=answer.objective,
            nodes=nodes,
            reduced=np.where(
                self.allowed(), np.maximum(answer.reduced[: self.fleet.columns], 0.0), INFINITY
            ),
            loss=float(answer.values[first])
            if self.fleet.domain is not None and self.cuts
            else 0.0,
            duals=np.array([np.abs(answer.prices[a:b]).max() for a, b in self._rows]),
        )

    def active(self, relaxed: Relaxed) -> list[Cut]:
        """The cuts that carry an optimum."""
        return [cut for cut, dual in zip(self.cuts, relaxed.duals, strict=True) if dual > ACTIVE]

    def _complete(self, nodes: np.ndarray, answer: LiveAnswer) -> bool:
        """Add the rows of known cuts and cells that the point violates; whether there were any."""
        layout, rows = self.layout, []
        if layout.domain is not None and self.cuts:
            of = range(len(self.cuts))
            held = np.stack(
                [np.bincount(layout.domain, nodes * v, self.fleet.domains) for v in self.values]
            )
            allowed = answer.values[[layout.total(k) + 1 for k in of]]
            for k, d in np.argwhere(held > allowed[:, None] + VIOLATED):
                if (k, d) not in self._lossy:
                    self._lossy.add((k, d))
                    rows.append(layout.loss_row(self.cuts[k], d, layout.total(k)))
        if len(layout.regions):
            opened = answer.values[layout.first_cell : layout.first_count, None]
            used = layout.in_cells(nodes)
            most = np.minimum(layout.useful(), layout.sold())
            for r, g in np.argwhere(used > most * opened + VIOLATED):
                if (r, g) not in self._celled:
                    self._celled.add((r, g))
                    rows.append(layout.cell_row(r, g))
        if rows:
            self._live.add(rows)
        return self._tie(nodes, answer) or bool(rows)

    def _tie(self, nodes: np.ndarray, answer: LiveAnswer) -> bool:
        """Add the rows of what regions hold of the first cut that the point violates; whether there were any."""
        layout, (low, high) = self.layout, self.box.loss
        if layout.domain is None or not self.cuts or not len(layout.regions):
            return False
        held = np.bincount(
            np.searchsorted(layout.regions, layout.region),
            nodes * self.values[0],
            len(layout.regions),
        )
        used, total = answer.values[layout.first_cell : layout.first_count], layout.total(0)
        loss = answer.values[total + 1]
        before = len(self._open) + len(self._shut)
        if high < INFINITY:
            for r in np.flatnonzero(held > high * used + VIOLATED).tolist():
                if r not in self._open:
                    self._open[r] = self._live.add([layout.open_row(self.cuts[0], r, high)])
        if low > 0:
            for r in np.flatnonzero(held > loss - low * (1 - used) + VIOLATED).tolist():
                if r not in self._shut:
                    self._shut[r] = self._live.add([layout.shut_row(self.cuts[0], r, total, low)])
        return len(self._open) + len(self._shut) > before

    def _separate(self, nodes: np.ndarray) -> int:
        found = 0
        scenarios = worst_first(self.fleet.scenarios(nodes), self.cuts)
        for scenario in scenarios[:CUTS_A_ROUND]:
            served, cut = self.oracle.ask(scenario.capacity)
            if served < scenario.part * (1 - SERVED):
                self.add_cut(cut)
                found += 1
        return found
