"""The method: a linear bound, boxes of plans, a good plan over few columns, exact fixing of columns, proof over the rest.

1. The linear bound over all columns, with cuts (relax.py). The cut of the largest dual comes first.
2. Boxes. Where whole nodes are large against the demand the linear bound is weak: it loses half a node. So plans are
   told apart by how many regions they use, and by what their worst domain holds of the first cut: below some value no
   larger node may be used at all, above it so much more must be bought. The box of the least bound is split until its
   linear optimum is at one with that.
3. In a box: an integer program over the columns of least reduced cost gives a plan; cuts that it misses are added. A plan
   that is not much cheaper than the best one cannot use a column whose reduced cost is above the difference: what is
   left is small, and the integer program over it proves the bound.
4. Markets whose regions sell alike are solved with one column for all of them first (alike.py).

All limits are counts of work, so that the same problem ends in the same plan and the same bound everywhere.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from allocator.optimize.alike import Alike
from allocator.optimize.fleet import Fleet
from allocator.optimize.master import Box, Layout
from allocator.optimize.oracle import Cut, Oracle, cover_cuts, joined
from allocator.optimize.relax import Relaxation, Relaxed
from allocator.optimize.repair import mended, missing
from allocator.solver import INFINITY, Status, solve_integer

GAP = 1e-3
FEW = 80
FIRST_GAP = 5e-3
TRIES = 4
PROOFS = 6
NODES = 3000
MOST_BOXES = 150
MOST_SETTLED = 10
CUTS_A_PLAN = 3
EXTRAS = (0.0, 0.0005, 0.001, 0.002, 0.005)
"""What is asked beyond the demand where regions are alike, so that uneven spreading still serves."""
EPS = 1e-7


@dataclass(frozen=True, slots=True)
class Found:
    """A plan and its proof. USD per hour; no plan costs less than `bound`. `limit_reached`: work ended before the gap."""

    nodes: np.ndarray
    cost: float
    bound: float
    limit_reached: bool


@dataclass(order=True, slots=True)
class _Open:
    bound: float
    box: Box
    relaxed: Relaxed = field(compare=False)


def search(fleet: Fleet, gap: float = GAP, start: np.ndarray | None = None) -> Found | None:
    """The cheapest plan to within a relative gap; None where no plan keeps the limits (or none was found in the work allowed).

    `start`: nodes of a plan that may be a good one already.
    """
    return _Search(fleet, gap).run(start)


class _Search:
    def __init__(self, fleet: Fleet, gap: float) -> None:
        self.fleet, self.gap = fleet, gap
        self.oracle = Oracle(fleet.load)
        self.alike = Alike(fleet)
        self.nodes: np.ndarray | None = None
        self.cost = INFINITY
        self.cuts: list[Cut] = []
        self.settled: list[float] = []

    def run(self, start: np.ndarray | None) -> Found | None:
        first = Relaxation(self.fleet, self.oracle)
        for cut in self._first_cuts():
            first.add_cut(cut)
        relaxed = first.solve()
        if relaxed is None:
            return None
        self.cuts = self._kept_cuts(first, relaxed)
        self.relax = Relaxation(self.fleet, self.oracle, self.cuts)
        if start is not None and self.fleet.fits(start):
            self._judge(start)
        relaxed = self.relax.solve(separate=False)
        assert relaxed is not None
        bound = self._boxes(relaxed)
        if self.nodes is None:
            return None
        bound = min(bound, self.cost)
        return Found(self.nodes, self.cost, bound, not self._good(bound))

    def _first_cuts(self) -> list[Cut]:
        fleet = self.fleet
        shapes = range(fleet.shapes)
        most = np.array([fleet.replicas[fleet.shape == g].max(initial=1) for g in shapes])
        unit = fleet.price / fleet.replicas
        dearest = unit.max(initial=1.0)
        cheapest = np.array([unit[fleet.shape == g].min(initial=dearest) for g in shapes])
        return [self.oracle.scaled(cheapest), *cover_cuts(fleet.load, most)]

    def _kept_cuts(self, relaxation: Relaxation, relaxed: Relaxed) -> list[Cut]:
        """The cut of the largest dual, the cover cuts, and all that are active."""
        plain = [k for k, cut in enumerate(relaxation.cuts) if not cut.whole]
        main = max(plain, key=lambda k: (relaxed.duals[k], -k))
        covers = [cut for cut in relaxation.cuts if cut.whole]
        return joined([relaxation.cuts[main], *covers], relaxation.active(relaxed))

    def _good(self, bound: float) -> bool:
        return bound >= self.cost * (1 - self.gap) - EPS

    def _boxes(self, relaxed: Relaxed) -> float:
        """Split, settle, and return the bound of all plans."""
        waiting = [_Open(relaxed.bound, self.relax.box, relaxed)]
        boxes = 0
        while waiting and not self._good(waiting[0].bound) and len(self.settled) < MOST_SETTLED:
            least = heapq.heappop(waiting)
            halves = self._split(least) if boxes < MOST_BOXES else []
            for half in halves:
                self.relax.choose(half)
                inside = self.relax.solve(separate=False)
                boxes += 1
                if inside is not None:
                    heapq.heappush(waiting, _Open(max(inside.bound, least.bound), half, inside))
            if not halves:
                self.settled.append(self._settle(least))
        return min([*self.settled, *(box.bound for box in waiting)], default=INFINITY)

    def _split(self, open_: _Open) -> list[Box]:
        box, relaxed, fleet = open_.box, open_.relaxed, self.fleet
        low, high = box.regions
        if fleet.domain is None:
            return []
        if low < high and fleet.cell_cost.any() and fleet.survives_regions:
            middle = (low + high) // 2
            return [Box((low, middle), box.loss), Box((middle + 1, high), box.loss)]
        value = self.relax.values[0]
        over = (relaxed.nodes > 1e-6) & (value > relaxed.loss * 1.001)
        if not over.any():
            return []
        sizes, number = np.unique(value[over], return_inverse=True)
        held = np.bincount(number, (value * relaxed.nodes)[over])
        at = float(sizes[np.argmax(held)]) * (1 - 1e-9)
        if not box.loss[0] * (1 + 1e-9) < at < box.loss[1]:
            return []
        return [Box(box.regions, (box.loss[0], at)), Box(box.regions, (at, box.loss[1]))]

    def _settle(self, open_: _Open) -> float:
        """Find plans in a box and bound it."""
        box, bound = open_.box, open_.bound
        self.relax.choose(box)
        relaxed = self.relax.solve()
        if relaxed is None:
            return INFINITY
        bound = max(bound, relaxed.bound)
        self.cuts = joined(self.cuts, self.relax.active(relaxed))
        if self.alike.useful:
            bound = max(bound, self._gather(box))
            if self.nodes is not None:
                return bound
        few = self._few(relaxed, box)
        self._try(few, box, FIRST_GAP)
        for _ in range(PROOFS):
            if self._good(bound):
                break
            before = len(self.cuts)
            bound = max(bound, self._prove(relaxed, box))
            if len(self.cuts) == before:
                break
            self._try(few, box, 2 * self.gap)
        return bound

    def _few(self, relaxed: Relaxed, box: Box) -> np.ndarray:
        """The columns of least reduced cost, in the regions that the linear optimum fills most."""
        fleet = self.fleet
        order = np.argsort(relaxed.reduced, kind="stable")
        order = order[np.isfinite(relaxed.reduced[order])]
        if fleet.cell_cost.any() and fleet.survives_regions:
            held = np.bincount(fleet.region, relaxed.nodes * fleet.weight, len(fleet.cell_cost))
            first = np.argsort(-held, kind="stable")[: box.regions[1]]
            order = order[np.isin(fleet.region[order], first)]
        return np.sort(order[:FEW])

    def _try(self, kept: np.ndarray, box: Box, gap: float) -> None:
        """Plans over few columns, with the cuts that they miss added between."""
        layout = Layout(self.fleet, kept)
        for _ in range(TRIES):
            nodes, _ = self._solve(layout, box, gap)
            if nodes is None or not self._judge(nodes):
                return

    def _prove(self, relaxed: Relaxed, box: Box) -> float:
        """The bound of a box: of the integer program over the columns that a cheaper plan in it can use."""
        spare = self.cost - relaxed.bound
        kept = np.flatnonzero(relaxed.reduced <= spare + EPS)
        if not len(kept):
            return self.cost
        most = None
        if np.isfinite(spare):
            most = np.floor(spare / np.maximum(relaxed.reduced[kept], 1e-9) + 1e-6)
        nodes, bound = self._solve(Layout(self.fleet, kept, most), box, 0.9 * self.gap)
        if nodes is not None:
            self._judge(nodes)
        return min(bound, self.cost)

    def _solve(self, layout: Layout, box: Box, gap: float) -> tuple[np.ndarray | None, float]:
        program = layout.program(self.cuts, box)
        hint = {}
        if self.nodes is not None:
            hint = {n: float(self.nodes[p]) for n, p in enumerate(layout.kept)}
        answer = solve_integer(program, gap=gap, nodes=NODES, hint=hint)
        if answer.status is Status.INFEASIBLE:
            return None, INFINITY
        if answer.status is Status.UNKNOWN:
            return None, answer.bound
        nodes = np.zeros(self.fleet.columns)
        nodes[layout.kept] = np.round(answer.values[layout.columns])
        return nodes, answer.bound

    def _judge(self, nodes: np.ndarray) -> int:
        """Take a plan that serves; of another, mend it and add the cuts that it violates. Returns their number."""
        wrong = missing(self.oracle, self.relax.worst(nodes), CUTS_A_PLAN)
        taken = nodes if not wrong else mended(self.fleet, self.oracle, nodes)
        if taken is not None and self.fleet.fits(taken):
            cost = self.fleet.cost(taken)
            if cost < self.cost - EPS:
                self.nodes, self.cost = taken, cost
        before = len(self.cuts)
        self.cuts = joined(self.cuts, [cut for _, cut in wrong])
        return len(self.cuts) - before

    def _gather(self, box: Box) -> float:
        """Plans that do not tell like regions apart; the bound is that of their program."""
        bound = 0.0
        cells = self.fleet.cell_cost
        fixed = float(np.sort(cells)[: box.regions[0]].sum()) if cells.any() else 0.0
        over = self.relax.layout.spread_over(box.regions[1])
        for extra in EXTRAS:
            for _ in range(TRIES):
                program = self.alike.program(self.cuts, box, over, extra)
                answer = solve_integer(program, gap=self.gap / 3, nodes=NODES)
                if extra == 0:
                    bound = max(bound, answer.bound + fixed)
                if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
                    break
                nodes = self.alike.spread(answer.values, self.cuts, box.regions[1])
                if answer.bound + fixed > self.cost or nodes is None or not self._judge(nodes):
                    break
            if self._good(bound):
                break
        return bound
