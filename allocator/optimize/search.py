"""The method: a linear bound, boxes of plans, a good plan over few columns, exact fixing of columns, proof over the rest.

1. The linear bound over all columns, with cuts (relax.py). The cut of the largest dual comes first.
2. Boxes. Where whole nodes are large against the demand the linear bound is weak: it loses half a node. So plans are
   told apart by how many regions they use, and by what their worst domain holds of the first cut: below some value no
   larger node may be used at all, above it so much more must be bought. The box of the least bound is split until its
   linear optimum is at one with that.
3. In a box: an integer program over the columns of least reduced cost gives a plan; cuts that it misses are added. A plan
   that is not much cheaper than the best one cannot use a column whose reduced cost is above the difference: what is
   left is small, and the integer program over it proves the bound. Where it is not small the box is sliced first: between
   close bounds on the worst domain's loss, what a region in use may hold is known, and a part of a region costs its part.
4. Markets whose regions sell alike are solved with one column for all of them first (alike.py).

All limits are counts of work, so that the same problem ends in the same plan and the same bound everywhere.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace

import numpy as np

from allocator.optimize.boxes import Open, halves, merged, slices
from allocator.optimize.fleet import Budget, Fleet
from allocator.optimize.incumbent import Incumbent
from allocator.optimize.oracle import Cut, Oracle, cover_cuts, joined
from allocator.optimize.relax import Relaxation, Relaxed
from allocator.solver import INFINITY

GAP = 1e-3
PROOFS = 6
MOST_SPLITS = 40
MOST_WORK = 40.0
"""Of the integer programs, see solver.Answer.work: the search ends with the bound it has."""
TRIED = 8
"""Of the others, in how many before the first is proven."""
SMALL = 120
"""A box of no more columns is not sliced."""
LOOKED_INTO = 4
"""Boxes in which plans are looked for before the first is proven."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan and its proof. USD per hour; no plan costs less than `bound`. `limit_reached`: work ended before the gap."""

    nodes: np.ndarray
    cost: float
    bound: float
    limit_reached: bool


def search(fleet: Fleet, gap: float = GAP, start: np.ndarray | None = None) -> Found | None:
    """The cheapest plan to within a relative gap; None where no plan keeps the limits, or none was found in the work allowed.

    `start`: nodes of a plan that may be a good one already.
    """
    unit, fleet = _scaled(fleet)
    oracle = Oracle(fleet.load)
    first = _relaxed(fleet, oracle)
    if first is None:
        return None
    best = Incumbent(fleet, oracle, gap)
    best.known = _kept_cuts(*first)
    relaxation = Relaxation(fleet, oracle, best.known)
    if start is not None and fleet.fits(start):
        best.judge(start)
    bound = _Boxes(relaxation, best).bound()
    if best.nodes is None:
        return None
    bound = min(bound, best.cost)
    return Found(best.nodes, best.cost * unit, bound * unit, not best.good(bound))


def _scaled(fleet: Fleet) -> tuple[float, Fleet]:
    """The fleet with money in a unit of the size of its prices, so that tolerances mean the same in any currency.

    The unit (USD per hour) is a power of two: dividing by it rounds nothing.
    """
    unit = math.ldexp(1.0, math.frexp(np.abs(fleet.price).max(initial=0.0))[1])
    budget = fleet.budget
    if budget is not None:
        budget = Budget(budget.bill / unit, budget.usd / unit)
    return unit, replace(
        fleet, price=fleet.price / unit, cell_cost=fleet.cell_cost / unit, budget=budget
    )


def has_relaxed(fleet: Fleet) -> bool:
    """Whether the linear relaxation has a plan: without one there is none of whole nodes."""
    return _relaxed(fleet, Oracle(fleet.load)) is not None


def _relaxed(fleet: Fleet, oracle: Oracle) -> tuple[Relaxation, Relaxed] | None:
    """The linear relaxation over all columns, solved; None where it has no plan."""
    if not fleet.columns:
        return None
    relaxation = Relaxation(fleet, oracle)
    for cut in _first_cuts(fleet, oracle):
        relaxation.add_cut(cut)
    relaxed = relaxation.solve()
    return None if relaxed is None else (relaxation, relaxed)


def _first_cuts(fleet: Fleet, oracle: Oracle) -> list[Cut]:
    shapes = range(fleet.shapes)
    most = np.array([fleet.replicas[fleet.shape == g].max(initial=1) for g in shapes])
    unit = np.maximum(fleet.price, fleet.price.max() * 1e-3) / fleet.replicas  # none is for nothing
    dearest = unit.max(initial=1.0)
    cheapest = np.array([unit[fleet.shape == g].min(initial=dearest) for g in shapes])
    return [oracle.scaled(cheapest), *cover_cuts(fleet.load, most)]


def _kept_cuts(relaxation: Relaxation, relaxed: Relaxed) -> list[Cut]:
    """The cut of the largest dual first, then the cover cuts and all that are active."""
    plain = [k for k, cut in enumerate(relaxation.cuts) if not cut.whole]
    main = max(plain, key=lambda k: (relaxed.duals[k], -k))
    covers = [cut for cut in relaxation.cuts if cut.whole]
    return joined([relaxation.cuts[main], *covers], relaxation.active(relaxed))


class _Boxes:
    """The boxes of a search: `waiting` ones, those `looked` into, and the `settled` ones with the best cost that they were at."""

    def __init__(self, relaxation: Relaxation, best: Incumbent) -> None:
        self._relax, self._best = relaxation, best
        self._waiting: list[Open] = []
        self._looked: list[Open] = []
        self._settled: list[tuple[float, Open]] = []
        self._splits = 0

    def bound(self) -> float:
        """Split, look for plans in the first boxes, then prove, least bound first; the bound of all plans."""
        relaxed = self._relax.solve(separate=False)
        if relaxed is None:
            return INFINITY
        self._waiting = [Open(relaxed.bound, self._relax.box, relaxed)]
        while self._waiting and len(self._looked) < LOOKED_INTO:
            if self._best.good(self._waiting[0].bound):
                break
            self._advance()
        self._merge()
        self._try()
        while self._best.work < MOST_WORK and (heap := self._next()):
            if heap is self._waiting:
                self._advance()
            else:
                self._narrow(heapq.heappop(heap))
        left = (*self._waiting, *self._looked, *(open_ for _, open_ in self._settled))
        return min((open_.bound for open_ in left), default=INFINITY)

    def _next(self) -> list[Open]:
        """The boxes with the least bound that is too low, or none; a settled box comes back once the best plan is cheaper."""
        good, cost = self._best.good, self._best.cost
        heaps = [h for h in (self._looked, self._waiting) if h and not good(h[0].bound)]
        if heaps:
            return min(heaps, key=lambda h: h[0].bound)
        again = [open_ for at, open_ in self._settled if at > cost and not good(open_.bound)]
        self._settled = [(at, open_) for at, open_ in self._settled if open_ not in again]
        self._looked += again
        heapq.heapify(self._looked)
        return self._looked if again else []

    def _advance(self) -> None:
        """Split the waiting box of least bound, or look into it where no split is left."""
        least = heapq.heappop(self._waiting)
        made = halves(self._relax, least) if self._splits < MOST_SPLITS else []
        self._splits += 1
        for half in made:
            heapq.heappush(self._waiting, half)
        if not made:
            heapq.heappush(self._looked, self._look(least))

    def _merge(self) -> None:
        """Make one of the boxes with more regions than the best plan has."""
        best = self._best
        if best.nodes is None or best.alike.useful:
            return
        used = int(best.fleet.used_regions(best.nodes).sum())
        self._looked = merged(self._relax, [*self._looked, *self._waiting], used)
        self._waiting = []
        heapq.heapify(self._looked)

    def _try(self) -> None:
        """Look for plans in the boxes that none was looked for in."""
        best = self._best
        if best.alike.useful:
            return
        for open_ in sorted(self._looked)[:TRIED]:
            if not open_.tried and not best.good(open_.bound):
                best.cuts = joined(best.known[:1], open_.cuts)
                best.attempt(open_.relaxed, open_.box)

    def _look(self, open_: Open) -> Open:
        """Look for plans in a box."""
        best = self._best
        self._relax.choose(open_.box)
        relaxed = self._relax.solve()
        if relaxed is None:
            return Open(INFINITY, open_.box, open_.relaxed)
        bound = max(open_.bound, relaxed.bound)
        active = self._relax.active(relaxed)
        best.known = joined(best.known, active)
        best.cuts = joined(best.known[:1], active)
        if best.alike.useful:
            over = self._relax.layout.spread_over(open_.box.regions[1])
            bound = max(bound, best.gather(open_.box, over))
        if not best.alike.useful or best.nodes is None:
            best.attempt(relaxed, open_.box)
        return Open(bound, open_.box, relaxed, best.cuts, tried=True)

    def _narrow(self, open_: Open) -> None:
        """Slice a box, or bound it where it is narrow or has few columns."""
        self._relax.choose(open_.box)
        relaxed = self._relax.solve(separate=False)
        if relaxed is None:
            return
        open_ = Open(
            max(relaxed.bound, open_.bound), open_.box, relaxed, self._relax.active(relaxed)
        )
        wide = np.count_nonzero(relaxed.reduced <= self._best.cost - relaxed.bound) > SMALL
        made = slices(self._relax, open_) if wide else []
        for part in made:
            heapq.heappush(self._looked, part)
        if not made:
            self._settle(open_)
            self._settled.append((self._best.cost, open_))

    def _settle(self, open_: Open) -> None:
        """Raise the bound of a box."""
        best = self._best
        if best.alike.useful or best.good(open_.bound):
            return  # the programs over regions that are alike would not end
        best.cuts = joined(best.known[:1], open_.cuts)
        for _ in range(PROOFS):
            cuts, cost = len(best.cuts), best.cost
            open_.bound = max(open_.bound, best.prove(open_.relaxed, open_.box))
            if best.good(open_.bound) or best.work > MOST_WORK:
                break
            if best.cost == cost and (best.ended or len(best.cuts) == cuts):
                break
