"""The method: linear bound, a good plan over few columns, exact fixing of columns, proof over the rest."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.master import EPS, Layout
from allocator.optimize.oracle import Oracle
from allocator.optimize.relax import Relaxation
from allocator.solver import Status, solve_integer

FEW = 120
TRIES = 4
NODES = 3000
LOG = None

def log(*a):
    if LOG is not None: LOG(*a)

@dataclass(frozen=True, slots=True)
class Found:
    nodes: np.ndarray
    cost: float


class Search:
    def __init__(self, fleet: Fleet, gap: float = 1e-3) -> None:
        self.fleet, self.gap = fleet, gap
        self.oracle = Oracle(fleet.load)
        finite = np.where(np.isfinite(fleet.load), fleet.load, 0.0)
        self.most = np.ceil(finite.sum(axis=0) - 1e-9)
        self.relax = Relaxation(fleet, self.oracle, self.most)
        self.best: Found | None = None
        self.bound = 0.0
        self.limit = False

    def run(self):
        fleet = self.fleet
        t0 = time.perf_counter()
        unit = fleet.price / fleet.replicas
        cheapest = np.array([unit[fleet.shape == g].min(initial=np.inf) for g in range(fleet.load.shape[1])])
        self.relax.add_cut(self.oracle.scaled(np.where(np.isfinite(cheapest), cheapest, 1e9)))
        x = self.relax.solve()
        if x is None:
            return None
        self.bound = x.bound
        log(f"  lp {x.bound:.4f} {time.perf_counter()-t0:.3f}s rounds {x.rounds} cuts {len(x.cuts)} active {len(x.active)}")
        self.cuts = list(x.active)
        order = np.lexsort((np.arange(fleet.columns), np.maximum(x.reduced, 0)))
        self.rounds(np.sort(order[:FEW]), gap=5e-3, tries=TRIES)
        log(f"  first {self.best and self.best.cost} {time.perf_counter()-t0:.3f}s cuts {len(self.cuts)}")
        for _ in range(6):
            if self.best is not None and self.best.cost - self.bound <= self.gap * self.best.cost:
                break
            ub = self.best.cost if self.best else np.inf
            kept = np.flatnonzero(x.bound + np.maximum(x.reduced, 0) <= ub * (1 - 0*self.gap) + EPS)
            before = len(self.cuts)
            t1 = time.perf_counter()
            self.rounds(kept, gap=0.9 * self.gap, tries=1, proof=True)
            log(f"  proof kept {len(kept)} bound {self.bound:.4f} best {self.best and self.best.cost} cuts {len(self.cuts)} {time.perf_counter()-t1:.3f}s")
            if len(self.cuts) > before:
                self.rounds(np.sort(order[:FEW]), gap=2e-3, tries=TRIES)
            elif self.limit: break
        log(f"  total {time.perf_counter()-t0:.3f}")
        return self

    def rounds(self, kept, gap, tries, proof=False):
        layout = Layout(self.fleet, kept)
        for _ in range(tries):
            program = layout.program(self.cuts, self.most)
            hint = {}
            if self.best is not None:
                hint = {i: float(self.best.nodes[p]) for i, p in enumerate(kept)}
            t=time.perf_counter()
            answer = solve_integer(program, gap=gap, nodes=NODES, hint=hint)
            log(f"     mip {len(kept)} cols {len(program.rows)} rows {answer.status} {answer.objective:.4f} bound {answer.bound:.4f} {time.perf_counter()-t:.3f}")
            if proof:
                self.limit = answer.limit_reached
                b = answer.bound if answer.status is not Status.INFEASIBLE else np.inf
                self.bound = max(self.bound, min(b, self.best.cost if self.best else b))
            if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
                return
            nodes = np.zeros(self.fleet.columns)
            nodes[kept] = np.round(answer.values[: len(kept)])
            if not self.check(nodes):
                return

    def check(self, nodes) -> int:
        """Add cuts that a plan violates; keep it when it violates none; else a repaired one."""
        added, worst = 0, 1.0
        for capacity, part in self.relax.worst(nodes):
            if self.oracle.known_to_serve(capacity, part):
                continue
            served, prices = self.oracle.ask(capacity)
            worst = min(worst, served / part)
            if served < part - 1e-6:
                self.cuts.append(prices)
                added += 1
                if added >= 3: break
        if not added:
            self.take(nodes)
        elif worst > 0.95:
            self.repair(nodes)
        return added

    def take(self, nodes):
        cost = self.fleet.cost(nodes)
        if self.best is None or cost < self.best.cost - EPS:
            self.best = Found(nodes, cost)

    def repair(self, nodes):
        nodes = nodes.copy()
        fleet = self.fleet
        for _ in range(12):
            bad = None
            for capacity, part in self.relax.worst(nodes):
                if self.oracle.known_to_serve(capacity, part): continue
                served, prices = self.oracle.ask(capacity)
                if served < part - 1e-6:
                    bad = (served, prices, part); break
            if bad is None: break
            served, prices, part = bad
            value = prices[fleet.shape] * fleet.replicas
            room = nodes < fleet.stock
            used = np.bincount(fleet.region, weights=nodes, minlength=len(fleet.cell_cost)) > 0
            cost = fleet.price + np.where(used[fleet.region], 0, fleet.cell_cost[fleet.region])
            gain = np.where(room, np.minimum(value, 1.2*(part - served)) / cost, 0)
            p = int(np.argmax(gain))
            nodes[p] += 1
        else:
            return
        # drop
        for p in sorted(np.flatnonzero(nodes), key=lambda p: -fleet.price[p]):
            trial = nodes.copy(); trial[p] -= 1
            if self.serves(trial): nodes = trial
        self.take(nodes)

    def serves(self, nodes):
        for capacity, part in self.relax.worst(nodes):
            if self.oracle.known_to_serve(capacity, part): continue
            if self.oracle.ask(capacity)[0] < part - 1e-6: return False
        return True
