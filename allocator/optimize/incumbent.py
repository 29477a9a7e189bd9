"""The best plan so far, and the integer programs that look for better ones and bound what is left."""

from __future__ import annotations

import numpy as np

from allocator.optimize.alike import Alike
from allocator.optimize.fleet import HELD, Fleet, Scenario
from allocator.optimize.master import Box, Layout
from allocator.optimize.oracle import SERVED, Cut, Oracle, joined, worst_first
from allocator.optimize.relax import Relaxed
from allocator.optimize.repair import mended, missing
from allocator.solver import INFINITY, Status, solve_integer

FEW = 80
"""Columns of the first programs of a box."""
FIRST_GAP = 5e-3
TRIES = 4
MORE = 0
NODES = 3000
"""Branch-and-bound nodes of one program."""
NODES_BY_SIZE = 2_000_000
"""Of a large one: so many over its rows and columns."""
TRIED_NODES = 300
"""Of one that only looks for plans."""
CUTS_A_PLAN = 3
EXTRAS = (0.0, 0.0005, 0.001, 0.002, 0.005)
"""What is asked beyond the demand where regions are alike, so that uneven spreading still serves."""
EPS = 1e-7


class Incumbent:
    """A fleet's best plan: `nodes` (None: none yet) at `cost` USD per hour.

    `known`: every cut found; `cuts`: those that the programs of the box in hand have. `work`: see solver.Answer;
    `ended`: whether the last proof came to its limit.
    """

    def __init__(self, fleet: Fleet, oracle: Oracle, gap: float) -> None:
        self.fleet, self.oracle, self.gap = fleet, oracle, gap
        self.alike = Alike(fleet)
        self.nodes: np.ndarray | None = None
        self.cost = INFINITY
        self.known: list[Cut] = []
        self.cuts: list[Cut] = []
        self.work = 0.0
        self.ended = self._limited = False

    def good(self, bound: float) -> bool:
        """Whether a bound proves the best plan to within the gap."""
        return bound >= self.cost * (1 - self.gap) - EPS

    def attempt(self, relaxed: Relaxed, box: Box) -> None:
        """A plan over few columns of a box."""
        self._improve(Layout(self.fleet, self._few(relaxed, box)), box, FIRST_GAP)

    def _improve(self, layout: Layout, box: Box, gap: float) -> int:
        """A plan better than the best over these columns, if a short search has one; how many cuts it misses."""
        nodes, _ = self._solve(layout, box, gap, self.cost, TRIED_NODES)
        return 0 if nodes is None else self.judge(nodes)

    def _few(self, relaxed: Relaxed, box: Box) -> np.ndarray:
        """The columns of the linear optimum and those of least reduced cost, in the regions that it fills most."""
        fleet = self.fleet
        order = np.argsort(relaxed.reduced, kind="stable")
        order = order[np.isfinite(relaxed.reduced[order])]
        if fleet.cell_cost.any() and fleet.survives_regions:
            held = np.bincount(fleet.region, relaxed.nodes * fleet.weight, len(fleet.cell_cost))
            first = np.argsort(-held, kind="stable")[: box.regions[1] + MORE]
            order = order[np.isin(fleet.region[order], first)]
        used = order[relaxed.nodes[order] > HELD]
        rest = order[relaxed.nodes[order] <= HELD]
        return np.sort(np.concatenate([used, rest])[: max(FEW, len(used))])

    def prove(self, relaxed: Relaxed, box: Box) -> float:
        """The bound of a box: of the integer program over the columns that a cheaper plan in it can use."""
        spare = self.cost - relaxed.bound
        kept = np.flatnonzero(relaxed.reduced <= spare + EPS)
        if not len(kept):
            return self.cost
        most = None
        if np.isfinite(spare):
            most = np.floor(spare / np.maximum(relaxed.reduced[kept], 1e-9) + 1e-6)
        cutoff = self.cost * (1 - 0.9 * self.gap)
        nodes, bound = self._solve(Layout(self.fleet, kept, most), box, 0.9 * self.gap, cutoff)
        self.ended = self._limited
        if nodes is not None and self.judge(nodes):
            near = Layout(self.fleet, kept[self.fleet.used_regions(nodes)[self.fleet.region[kept]]])
            for _ in range(TRIES):
                if not self._improve(near, box, self.gap):
                    break
        return min(bound, self.cost)

    def _solve(
        self,
        layout: Layout,
        box: Box,
        gap: float,
        cutoff: float = INFINITY,
        most: int = NODES,
    ) -> tuple[np.ndarray | None, float]:
        program = layout.program(self.cuts, box)
        size = len(program.costs) + len(program.rows)
        answer = solve_integer(
            program, gap=gap, nodes=min(most, 1 + NODES_BY_SIZE // size), cutoff=cutoff
        )
        self.work += answer.work
        self._limited = answer.limit_reached
        if answer.status is Status.INFEASIBLE:
            return None, INFINITY
        if answer.status is Status.UNKNOWN:
            return None, answer.bound
        nodes = np.zeros(self.fleet.columns)
        nodes[layout.kept] = np.round(answer.values[layout.columns])
        return nodes, answer.bound

    def judge(self, nodes: np.ndarray) -> int:
        """Take a plan that serves; of another, mend it and add the cuts that it violates. Returns their number."""
        scenarios = worst_first(self.fleet.scenarios(nodes), self.known)
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

    def gather(self, box: Box, over: int) -> float:
        """Plans that do not tell like regions apart, in at most `over` domains; returns the bound of their program."""
        bound = 0.0
        cells = self.fleet.cell_cost
        fixed = float(np.sort(cells)[: box.regions[0]].sum()) if cells.any() else 0.0
        for extra in EXTRAS:
            for _ in range(TRIES):
                program = self.alike.program(self.cuts, box, over, extra)
                answer = solve_integer(program, gap=self.gap / 3, nodes=NODES)
                if extra == 0:
                    bound = max(bound, answer.bound + fixed)
                if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
                    break
                nodes = self.alike.spread(answer.values, self.cuts, box.regions[1])
                if answer.bound + fixed > self.cost or nodes is None or not self.judge(nodes):
                    break
            if self.good(bound):
                break
        return bound
