"""The programs over columns, with routing projected out into cuts.

Variables, in this order: n_p, nodes of a column; W, the fleet's weight (when spread limits bind); z_r, whether region r
is used (when cells cost something); then for each cut k S_k, the most that one failure domain contributes to it.

    minimise  price . n + cell_cost . z
    cut k:    pi_k . N >= 1;   pi_k . N - S_k >= keep;   S_k >= pi_k . n_d for every domain d;   pi_k . N_od >= floor
    cells:    replicas of shape g in region r <= most_useful z_r;   sum z >= min_regions;   z_r <= sum of nodes in r
    limits:   groups, spread (sum of weights in a domain <= share W), budget
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.oracle import Cut
from allocator.solver import INFINITY, LiveProgram, Program, Row

EPS = 1e-7


class Layout:
    """Where a program's variables are, for the columns that it keeps."""

    def __init__(self, fleet: Fleet, kept: np.ndarray, most: np.ndarray | None = None) -> None:
        self.kept = kept
        self.fleet = fleet
        self.price, self.shape, self.region = (
            fleet.price[kept],
            fleet.shape[kept],
            fleet.region[kept],
        )
        self.replicas, self.stock = fleet.replicas[kept], fleet.stock[kept]
        if most is not None:
            self.stock = np.minimum(self.stock, most)
        self.on_demand = fleet.on_demand[kept]
        self.domain = None if fleet.domain is None else fleet.domain[kept]
        self.capacity = len(kept)
        self.first_cell = self.capacity + bool(fleet.spreads)
        self.regions = np.unique(self.region) if fleet.uses_cells else np.zeros(0, dtype=int)
        self.first_loss = self.first_cell + len(self.regions)

    def costs(self) -> np.ndarray:
        costs = np.zeros(self.first_loss)
        costs[: len(self.kept)] = self.price
        costs[self.first_cell :] = self.fleet.cell_cost[self.regions]
        return costs

    def upper(self) -> np.ndarray:
        upper = np.full(self.first_loss, INFINITY)
        upper[: len(self.kept)] = self.stock
        upper[self.first_cell :] = 1.0
        return upper

    def value(self, cut: Cut) -> np.ndarray:
        """What a node of each kept column adds to a cut."""
        return cut.prices[self.shape] * (1.0 if cut.whole else self.replicas)

    def limits(self) -> Iterable[Row]:
        """Every row that does not come from a cut or a cell."""
        fleet, everything = self.fleet, np.arange(len(self.kept))
        position = np.full(fleet.columns, -1)
        position[self.kept] = everything
        for group in fleet.groups:
            mine = position[group.columns]
            if (mine >= 0).any():
                yield -INFINITY, group.cap, mine[mine >= 0], group.weights[mine >= 0]
        if fleet.spreads:
            weight = fleet.weight[self.kept]
            yield 0.0, 0.0, [*everything, self.capacity], [*weight, -1.0]
            for spread in fleet.spreads:
                of = spread.domain[self.kept]
                for d in np.unique(of):
                    mine = everything[of == d]
                    yield -INFINITY, 0.0, [*mine, self.capacity], [*weight[mine], -spread.share]
        if fleet.budget is not None:
            cells = range(self.first_cell, self.first_loss)
            yield (
                -INFINITY,
                fleet.budget,
                [*everything, *cells],
                [*fleet.bill[self.kept], *fleet.cell_cost[self.regions]],
            )
        if fleet.min_regions > 1:
            cells = np.arange(self.first_cell, self.first_loss)
            yield float(fleet.min_regions), INFINITY, cells, np.ones(len(cells))
            for number, region in enumerate(self.regions):
                mine = everything[self.region == region]
                yield 0.0, INFINITY, [*mine, self.first_cell + number], [*np.ones(len(mine)), -1.0]

    def cell_rows(self, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(region number, shape) of every pair in use; `most[g]`: replicas of g beyond which a region has no use."""
        pairs = np.unique(
            np.stack([np.searchsorted(self.regions, self.region), self.shape]), axis=1
        )
        return pairs[0], pairs[1]

    def cell_row(self, number: int, shape: int, most: np.ndarray) -> Row:
        mine = np.flatnonzero((self.region == self.regions[number]) & (self.shape == shape))
        limit = min(
            float((self.stock * self.replicas)[mine].sum()),
            most[shape] + self.replicas[mine].max() - 1,
        )
        return -INFINITY, 0.0, [*mine, self.first_cell + number], [*self.replicas[mine], -limit]

    def cut_rows(self, cut: Cut, total: int, most_regions: int) -> list[Row]:
        """A cut's rows but for the domains'; `total` is the column of its T = pi . N, the next one that of its S."""
        value = self.value(cut)
        used = np.flatnonzero(value)
        rows: list[Row] = [(0.0, 0.0, [*used, total], [*value[used], -1.0])]
        if self.domain is None or self.fleet.keep < 1:
            rows.append((cut.needed, INFINITY, [total], [1.0]))
        if self.domain is not None:
            rows.append((cut.at_least(self.fleet.keep), INFINITY, [total, total + 1], [1.0, -1.0]))
            rows.append((-INFINITY, 0.0, [total, total + 1], [1.0 / most_regions, -1.0]))
            if cut.whole:
                rows.append((1.0, INFINITY, [total + 1], [1.0]))
        if self.fleet.floor > 0:
            od = used[self.on_demand[used]]
            rows.append((cut.at_least(self.fleet.floor), INFINITY, od, value[od]))
        return rows

    def loss_row(self, cut: Cut, domain: int, loss: int) -> Row:
        assert self.domain is not None
        mine = np.flatnonzero(self.domain == domain)
        return -INFINITY, 0.0, [*mine, loss], [*self.value(cut)[mine], -1.0]

    @property
    def per_cut(self) -> int:
        """Columns that a cut adds."""
        return 1 if self.domain is None else 2

    def program(
        self,
        cuts: Sequence[Cut],
        most: np.ndarray,
        regions: tuple[int, int],
        loss: tuple[float, float],
        *,
        cells: bool,
    ) -> Program:
        """The integer program with all rows of the given cuts, for plans that use so many regions."""
        count = self.first_loss + self.per_cut * len(cuts)
        rows = list(self.limits())
        for k, cut in enumerate(cuts):
            total = self.first_loss + self.per_cut * k
            rows += self.cut_rows(cut, total, self.spread_over(regions[1]))
            if self.domain is not None:
                rows += [self.loss_row(cut, d, total + 1) for d in np.unique(self.domain)]
        costs = np.zeros(count)
        costs[: self.first_loss] = self.costs()
        upper = np.full(count, INFINITY)
        upper[: self.first_loss] = self.upper()
        if self.domain is not None:
            upper[self.first_loss + 1] = loss[1]
            rows.append((loss[0], INFINITY, [self.first_loss + 1], [1.0]))
        integer = np.zeros(count, dtype=bool)
        integer[: len(self.kept)] = True
        if len(self.regions):
            columns = np.arange(self.first_cell, self.first_loss)
            rows.append((float(regions[0]), float(regions[1]), columns, np.ones(len(columns))))
            if cells:
                rows += [
                    self.cell_row(r, g, most) for r, g in zip(*self.cell_rows(most), strict=True)
                ]
                integer[columns] = True
        return Program(costs, upper, integer, rows)

    def spread_over(self, regions: int) -> int:
        """The most failure domains that a plan in so many regions has."""
        return max(1, min(self.fleet.domains, regions))
