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
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from allocator.optimize.alike import Alike
from allocator.optimize.fleet import Fleet, Scenario
from allocator.optimize.master import Box, Layout
from allocator.optimize.oracle import SERVED, Cut, Oracle, cover_cuts, joined
from allocator.optimize.relax import Relaxation, Relaxed
from allocator.optimize.repair import mended, missing
from allocator.solver import INFINITY, Status, solve_integer

LOG = None
T0 = [0.0]
GAP = 1e-3
FEW = 80
FIRST_GAP = 5e-3
TRIES = 4
PROOFS = 6
NODES = 3000
MOST_BOXES = 150
MOST_WORK = 8.0
TRIED_FIRST = 6
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
    cuts: list[Cut] = field(compare=False, default_factory=list)


def search(fleet: Fleet, gap: float = GAP, start: np.ndarray | None = None) -> Found | None:
    """The cheapest plan to within a relative gap; None where no plan keeps the limits (or none was found in the work allowed).

    `start`: nodes of a plan that may be a good one already.
    """
    return _Search(fleet, gap).run(start)


def has_relaxed(fleet: Fleet) -> bool:
    """Whether the linear relaxation has a plan: without one there is none of whole nodes."""
    work = _Search(fleet, GAP)
    return work.relaxed() is not None


class _Search:
    def __init__(self, fleet: Fleet, gap: float) -> None:
        self.fleet, self.gap = fleet, gap
        self.oracle = Oracle(fleet.load)
        self.alike = Alike(fleet)
        self.nodes: np.ndarray | None = None
        self.cost = INFINITY
        self.known: list[Cut] = []
        self.cuts: list[Cut] = []
        self.settled: list[float] = []
        self.boxes: list[Box] = []
        self.work = 0.0

    def run(self, start: np.ndarray | None) -> Found | None:
        found = self.relaxed()
        if found is None:
            return None
        self.known = self._kept_cuts(*found)
        self.relax = Relaxation(self.fleet, self.oracle, self.known)
        if start is not None and self.fleet.fits(start):
            self._judge(start)
        relaxed = self.relax.solve(separate=False)
        assert relaxed is not None
        bound = self._boxes(relaxed)
        if self.nodes is None:
            return None
        bound = min(bound, self.cost)
        return Found(self.nodes, self.cost, bound, not self._good(bound))

    def relaxed(self) -> tuple[Relaxation, Relaxed] | None:
        """The linear relaxation over all columns, solved; None where it has no plan."""
        if not self.fleet.columns:
            return None
        relaxation = Relaxation(self.fleet, self.oracle)
        for cut in self._first_cuts():
            relaxation.add_cut(cut)
        relaxed = relaxation.solve()
        return None if relaxed is None else (relaxation, relaxed)

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
        """Split, look for plans in the first boxes, then prove, least bound first; returns the bound of all plans."""
        waiting = [_Open(relaxed.bound, self.relax.box, relaxed)]
        tried: list[_Open] = []
        while waiting and not self._good(waiting[0].bound) and len(tried) < TRIED_FIRST:
            least = heapq.heappop(waiting)
            halves = self._halves(least) if len(self.boxes) < MOST_BOXES else []
            if halves:
                for half in halves:
                    heapq.heappush(waiting, half)
            else:
                tried.append(self._look(least))
        heapq.heapify(tried)
        while (tried or waiting) and self.work < MOST_WORK:
            heap = min((h for h in (tried, waiting) if h), key=lambda h: h[0].bound)
            if self._good(heap[0].bound):
                break
            least = heapq.heappop(heap)
            if heap is tried:
                self.settled.append(self._settle(least))
            else:
                halves = self._halves(least) if len(self.boxes) < MOST_BOXES else []
                for half in halves:
                    heapq.heappush(waiting, half)
                if not halves:
                    heapq.heappush(tried, self._look(least))
        return min([*self.settled, *(box.bound for box in (*waiting, *tried))], default=INFINITY)

    def _halves(self, open_: _Open) -> list[_Open]:
        """A box in two, by the split that raises the bound most; empty where none is left to make."""
        best: list[_Open] = []
        for boxes in self._splits(open_):
            halves = []
            for box in boxes:
                self.boxes.append(box)
                self.relax.choose(box)
                inside = self.relax.solve(separate=False)
                if inside is not None:
                    halves.append(_Open(max(inside.bound, open_.bound), box, inside))
            if not halves:
                return [_Open(INFINITY, open_.box, open_.relaxed)]
            if not best or min(halves).bound > min(best).bound:
                best = halves
        return best

    def _splits(self, open_: _Open) -> Iterator[tuple[Box, Box]]:
        box, relaxed, fleet = open_.box, open_.relaxed, self.fleet
        if fleet.domain is None:
            return
        value = self.relax.values[0]
        over = (relaxed.nodes > 1e-6) & (value > relaxed.loss * 1.001)
        if over.any():
            sizes, number = np.unique(value[over], return_inverse=True)
            held = np.bincount(number, (value * relaxed.nodes)[over])
            at = float(sizes[np.argmax(held)]) * (1 - 1e-9)
            if box.loss[0] * (1 + 1e-9) < at < box.loss[1]:
                yield Box(box.regions, (box.loss[0], at)), Box(box.regions, (at, box.loss[1]))
        low, high = box.regions
        if low < high and fleet.cell_cost.any() and fleet.survives_regions:
            middle = (low + high) // 2
            yield Box((low, middle), box.loss), Box((middle + 1, high), box.loss)

    def _look(self, open_: _Open) -> _Open:
        """Look for plans in a box."""
        self.relax.choose(open_.box)
        relaxed = self.relax.solve()
        if relaxed is None:
            return _Open(INFINITY, open_.box, open_.relaxed)
        bound = max(open_.bound, relaxed.bound)
        active = self.relax.active(relaxed)
        self.known = joined(self.known, active)
        self.cuts = joined(self.known[:1], active)
        if self.alike.useful:
            bound = max(bound, self._gather(open_.box))
        if not self.alike.useful or self.nodes is None:
            self._try(self._few(relaxed, open_.box), open_.box, FIRST_GAP)
        return _Open(bound, open_.box, relaxed, self.cuts)

    def _settle(self, open_: _Open) -> float:
        """Bound a box."""
        bound = open_.bound
        if self.alike.useful:
            return bound  # its programs over regions that are alike would not end
        self.cuts = open_.cuts
        few = self._few(open_.relaxed, open_.box)
        for _ in range(PROOFS):
            before = len(self.cuts)
            bound = max(bound, self._prove(open_.relaxed, open_.box))
            if self._good(bound) or self.work > MOST_WORK or len(self.cuts) == before:
                break
            self._try(few, open_.box, 2 * self.gap)
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
        self.work += answer.work
        if LOG:
            LOG(
                f"   mip {len(layout.kept)} cols {len(program.rows)} rows {answer.status.name} {answer.objective:.4f} {answer.bound:.4f} work {answer.work:.2f} t {time.process_time() - T0[0]:.2f} best {self.cost:.4f} {box}"
            )
        if answer.status is Status.INFEASIBLE:
            return None, INFINITY
        if answer.status is Status.UNKNOWN:
            return None, answer.bound
        nodes = np.zeros(self.fleet.columns)
        nodes[layout.kept] = np.round(answer.values[layout.columns])
        return nodes, answer.bound

    def _judge(self, nodes: np.ndarray) -> int:
        """Take a plan that serves; of another, mend it and add the cuts that it violates. Returns their number."""
        scenarios = self.relax.worst(nodes)
        violated = self._violated(scenarios)
        if violated:
            self.cuts = joined(self.cuts, violated)
            return len(violated)
        wrong = missing(self.oracle, scenarios, CUTS_A_PLAN)
        taken = nodes if not wrong else mended(self.fleet, self.oracle, nodes)
        if taken is not None and self.fleet.fits(taken):
            cost = self.fleet.cost(taken)
            if cost < self.cost - EPS:
                self.nodes, self.cost = taken, cost
        fresh = [cut for _, cut in wrong]
        self.known, self.cuts = joined(self.known, fresh), joined(self.cuts, fresh)
        return len(fresh)

    def _violated(self, scenarios: list[Scenario]) -> list[Cut]:
        """Known cuts that the program in hand does not have and a plan violates, at most a few."""
        mine = {id(cut) for cut in self.cuts}
        found = []
        for cut in self.known:
            if id(cut) not in mine and not cut.whole:
                worst = min(float(cut.prices @ s.capacity) - s.part for s in scenarios)
                if worst < -SERVED:
                    found.append((worst, cut))
        return [cut for _, cut in sorted(found, key=lambda item: item[0])[:CUTS_A_PLAN]]

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
