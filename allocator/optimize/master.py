"""The programs over columns, with routing projected out into cuts.

Variables, in this order: n_p, nodes of a column; W, the fleet's weight (when spread is limited); z_r, whether region r is
used (when cells cost something); u_d, whether domain d counts for a minimum; then for each cut k T_k, what all nodes
contribute to it, and S_k, the most that one failure domain does.

    minimise  price . n + cell_cost . z
    cut k     T_k = pi_k . N >= 1;   T_k - S_k >= keep;   S_k >= pi_k . n_d for every domain d;   pi_k . N_od >= floor
              S_k >= T_k / (most domains in use)
    levels    pi_1 . n_r <= high z_r  and  <= S_1 - low (1 - z_r)  for every region r, in a box where low <= S_1 <= high
    cells     replicas of shape g in region r <= most_useful z_r
    limits    groups;   weights of a domain <= share W;   sum_d u_d >= count, u_d <= nodes in d;   budget
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.oracle import Cut
from allocator.solver import INFINITY, Program, Row


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A part of all plans: so many regions in use, and so much lost with the worst domain (S of the first cut)."""

    regions: tuple[int, int]
    loss: tuple[float, float] = (0.0, INFINITY)


class Layout:
    """Where a program's variables are, and its rows, for the columns that it keeps (`most[p]` nodes of each)."""

    def __init__(self, fleet: Fleet, kept: np.ndarray, most: np.ndarray | None = None) -> None:
        self.fleet, self.kept = fleet, kept
        self.shape, self.region = fleet.shape[kept], fleet.region[kept]
        self.replicas = fleet.replicas[kept]
        self.stock = fleet.stock[kept] if most is None else np.minimum(fleet.stock[kept], most)
        self.domain = None if fleet.domain is None else fleet.domain[kept]
        self.columns = np.arange(len(kept))
        self.weight_column = len(kept)
        self.first_cell = len(kept) + bool(fleet.spreads)
        self.regions = np.unique(self.region) if fleet.cell_cost.any() else np.zeros(0, dtype=int)
        self.first_count = self.first_cell + len(self.regions)
        self._counted = [np.unique(minimum.domain[kept]) for minimum in fleet.minimums]
        self.first_cut = self.first_count + sum(map(len, self._counted))
        self.per_cut = 1 if fleet.domain is None else 2
        finite = np.where(np.isfinite(fleet.load), fleet.load, 0.0)
        self._useful = np.maximum(np.ceil(finite.sum(axis=0) - 1e-9), 1.0)
        if fleet.spreads or (fleet.price <= 0).any():
            self._useful[:] = INFINITY  # idle nodes make the other domains' shares smaller, or pay

    def costs(self, cuts: int = 0) -> np.ndarray:
        """Objective, with room for so many cuts."""
        costs = np.zeros(self.first_cut + self.per_cut * cuts)
        costs[self.columns] = self.fleet.price[self.kept]
        costs[self.first_cell : self.first_count] = self.fleet.cell_cost[self.regions]
        return costs

    def upper(self, cuts: int = 0) -> np.ndarray:
        """Upper bounds, with room for so many cuts."""
        upper = np.full(self.first_cut + self.per_cut * cuts, INFINITY)
        upper[self.columns] = self.stock
        upper[self.first_cell : self.first_cut] = 1.0
        return upper

    def total(self, cut: int) -> int:
        """The column of a cut's T; its S, where there are failure domains, is the next."""
        return self.first_cut + self.per_cut * cut

    def value(self, cut: Cut) -> np.ndarray:
        """What a node of each kept column adds to a cut."""
        return np.asarray(cut.prices[self.shape] * (1.0 if cut.whole else self.replicas))

    def spread_over(self, regions: int) -> int:
        """The most failure domains that a plan in so many regions has."""
        fleet = self.fleet
        return max(1, min(fleet.domains, regions) if fleet.survives_regions else fleet.domains)

    def limits(self) -> Iterator[Row]:
        """Every row that comes neither from a cut nor from a cell."""
        fleet = self.fleet
        place = np.full(fleet.columns, -1)
        place[self.kept] = self.columns
        for group in fleet.groups:
            mine = place[group.columns]
            if (mine >= 0).any():
                yield -INFINITY, group.cap, mine[mine >= 0], group.weights[mine >= 0]
        weight = fleet.weight[self.kept]
        if fleet.spreads:
            yield 0.0, 0.0, [*self.columns, self.weight_column], [*weight, -1.0]
        for spread in fleet.spreads:
            for d in np.unique(spread.domain[self.kept]):
                mine = np.flatnonzero(spread.domain[self.kept] == d)
                yield -INFINITY, 0.0, [*mine, self.weight_column], [*weight[mine], -spread.share]
        yield from self._minimums()
        if fleet.budget is not None:
            cells = range(self.first_cell, self.first_count)
            yield (
                -INFINITY, fleet.budget.usd,
                [*self.columns, *cells], [*fleet.budget.bill[self.kept], *fleet.cell_cost[self.regions]],
            )  # fmt: skip

    def _minimums(self) -> Iterator[Row]:
        first = self.first_count
        for minimum, domains in zip(self.fleet.minimums, self._counted, strict=True):
            yield (
                float(minimum.count),
                INFINITY,
                range(first, first + len(domains)),
                np.ones(len(domains)),
            )
            for number, d in enumerate(domains, first):
                mine = np.flatnonzero(minimum.domain[self.kept] == d)
                yield 0.0, INFINITY, [*mine, number], [*np.ones(len(mine)), -1.0]
            first += len(domains)

    def cut_rows(self, cut: Cut, total: int, regions: int) -> list[Row]:
        """A cut's rows but for the domains', for plans in at most so many regions."""
        value, keep = self.value(cut), self.fleet.keep
        used = np.flatnonzero(value)
        rows: list[Row] = [(0.0, 0.0, [*used, total], [*value[used], -1.0])]
        if self.domain is not None:
            rows.append(
                (-INFINITY, 0.0, [total, total + 1], [1.0 / self.spread_over(regions), -1.0])
            )
            rows.append((cut.at_least(keep), INFINITY, [total, total + 1], [1.0, -1.0]))
            if cut.whole:
                rows.append((1.0, INFINITY, [total + 1], [1.0]))
        if self.domain is None or keep < 1:
            rows.append((cut.at_least(1.0), INFINITY, [total], [1.0]))
        if self.fleet.floor > 0:
            own = used[self.fleet.on_demand[self.kept][used]]
            rows.append((cut.at_least(self.fleet.floor), INFINITY, own, value[own]))
        return rows

    MEAN_ROW = 1
    """Which of a cut's rows says that the worst domain holds at least the mean."""

    def loss_row(self, cut: Cut, domain: int, total: int) -> Row:
        """S_k >= pi_k . n_d."""
        mine = np.flatnonzero(np.asarray(self.domain) == domain)
        return -INFINITY, 0.0, [*mine, total + 1], [*self.value(cut)[mine], -1.0]

    def open_row(self, cut: Cut, number: int, high: float) -> Row:
        """A region in use holds at most so much of a cut, any other nothing."""
        mine = np.flatnonzero(self.region == self.regions[number])
        return -INFINITY, 0.0, [*mine, self.first_cell + number], [*self.value(cut)[mine], -high]

    def shut_row(self, cut: Cut, number: int, total: int, low: float) -> Row:
        """S_k >= pi_k . n_r where a region is in use, S_k >= low where it is not."""
        mine, used = np.flatnonzero(self.region == self.regions[number]), self.first_cell + number
        return -INFINITY, -low, [*mine, total + 1, used], [*self.value(cut)[mine], -1.0, -low]

    def in_cells(self, nodes: np.ndarray) -> np.ndarray:
        """Replicas per region in use (in the order of the z) and shape."""
        held = np.zeros((len(self.regions), self.fleet.shapes))
        np.add.at(
            held, (np.searchsorted(self.regions, self.region), self.shape), nodes * self.replicas
        )
        return held

    def useful(self) -> np.ndarray:
        """Replicas of each shape beyond which a region has no use for more: those that serve everything alone."""
        return np.asarray(self._useful)

    def sold(self) -> np.ndarray:
        """Replicas per region in use and shape that the stock allows."""
        return self.in_cells(self.stock)

    def cell_row(self, number: int, shape: int) -> Row:
        """Nodes of a shape need their region."""
        mine = np.flatnonzero((self.region == self.regions[number]) & (self.shape == shape))
        sold = float((self.stock * self.replicas)[mine].sum())
        most = min(sold, self._useful[shape] + self.replicas[mine].max() - 1)
        return -INFINITY, 0.0, [*mine, self.first_cell + number], [*self.replicas[mine], -most]

    def cell_rows(self) -> list[Row]:
        """All of them."""
        if not len(self.regions):
            return []
        places = np.searchsorted(self.regions, self.region)
        pairs = np.unique(np.stack([places, self.shape], axis=1), axis=0)
        return [self.cell_row(int(r), int(g)) for r, g in pairs]

    def program(self, cuts: Sequence[Cut], box: Box) -> Program:
        """The integer program with all rows of the given cuts, for the plans in a box."""
        rows = [*self.limits(), *self.cell_rows()]
        for k, cut in enumerate(cuts):
            rows += self.cut_rows(cut, self.total(k), box.regions[1])
            if self.domain is not None:
                rows += [self.loss_row(cut, d, self.total(k)) for d in np.unique(self.domain)]
        costs, upper = self.costs(len(cuts)), self.upper(len(cuts))
        integer = np.zeros(len(costs), dtype=bool)
        integer[self.columns] = True
        integer[self.first_cell : self.first_cut] = True
        if len(self.regions):
            cells = range(self.first_cell, self.first_count)
            rows.append((float(box.regions[0]), float(box.regions[1]), cells, np.ones(len(cells))))
        if self.domain is not None and cuts:
            low, high = box.loss
            upper[self.total(0) + 1] = high
            rows.append((low, INFINITY, [self.total(0) + 1], [1.0]))
            for number in range(len(self.regions)):
                if high < INFINITY:
                    rows.append(self.open_row(cuts[0], number, high))
                rows.append(self.shut_row(cuts[0], number, self.total(0), low))
        return Program(costs, upper, integer, rows)
