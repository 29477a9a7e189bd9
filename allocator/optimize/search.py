"""The method: linear bound, a good plan over few columns, exact fixing of columns, proof over the rest."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.master import EPS, Layout
from allocator.optimize.oracle import Oracle, cover_cuts
from allocator.optimize.relax import Box, Relaxation
from allocator.solver import Status, solve_integer

FEW = 80
TRIES = 4
NODES = 3000
LOG = None
SERVED = 1e-6


def log(*a):
    if LOG is not None:
        LOG(*a)


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
        self.t0 = time.process_time()

    def done(self, bound: float) -> bool:
        return self.best is not None and bound >= self.best.cost * (1 - self.gap) - EPS

    def run(self):
        fleet = self.fleet
        unit = fleet.price / fleet.replicas
        cheapest = np.array(
            [unit[fleet.shape == g].min(initial=np.inf) for g in range(fleet.load.shape[1])]
        )
        self.relax.add_cut(self.oracle.scaled(np.where(np.isfinite(cheapest), cheapest, 1e9)))
        most = np.array([fleet.replicas[fleet.shape == g].max(initial=1) for g in range(fleet.load.shape[1])])
        self.covers = cover_cuts(fleet.load, most)
        for cut in self.covers:
            self.relax.add_cut(cut)
        x = self.relax.solve()
        if x is None:
            return None
        log(
            f"  lp {x.bound:.4f} {time.process_time() - self.t0:.3f}s rounds {x.rounds} cuts {len(x.cuts)} active {len(x.active)}"
        )
        real = [(w, i) for i, (w, c) in enumerate(zip(x.weights, x.cuts)) if not c.whole]
        first = x.cuts[max(real, key=lambda t: (t[0], -t[1]))[1]]
        self.cuts = merge([first], merge(self.covers, x.active))
        self.relax = Relaxation(fleet, self.oracle, self.most)
        for c in self.cuts: self.relax.add_cut(c)
        box = Box((1, len(np.unique(fleet.region))))
        self.relax.choose(box); x = self.relax.solve(separate=False)
        open_ = [(x.bound, box, x)]
        settled = []
        boxes = 0
        while open_:
            bound, box, x = heapq.heappop(open_)
            if self.done(bound):
                settled.append(bound)
                break
            halves = self.split(box, x)
            if halves:
                for half in halves:
                    self.relax.choose(half)
                    y = self.relax.solve(separate=False)
                    boxes += 1
                    if y is not None:
                        log(f"   box {half} {y.bound:.4f} loss {y.loss:.4f}")
                        heapq.heappush(open_, (max(y.bound, bound), half, y))
                continue
            settled.append(self.settle(box, bound))
        self.bound = min([*settled, *(b for b, _, _ in open_), self.best.cost if self.best else np.inf])
        log(f"  total {time.process_time()-self.t0:.3f} boxes {boxes}")
        return self

    def split(self, box, x):
        low, high = box.regions
        if low < high and self.fleet.uses_cells and self.fleet.domain is not None:
            middle = (low + high) // 2
            return [Box((low, middle), box.loss), Box((middle + 1, high), box.loss)]
        if self.fleet.domain is None: return []
        value = self.relax._values[0]
        over = (x.nodes > 1e-6) & (value > x.loss * 1.001)
        if not over.any(): return []
        classes, number = np.unique(value[over], return_inverse=True)
        at = float(classes[np.argmax(np.bincount(number, weights=(value * x.nodes)[over]))]) * (1 - 1e-9)
        if at <= box.loss[0] * (1+1e-9): return []
        return [Box(box.regions, (box.loss[0], at)), Box(box.regions, (at, box.loss[1]))]

    def settle(self, box, bound):
        fleet = self.fleet
        self.relax.choose(box)
        x = self.relax.solve()
        if x is None: return np.inf
        self.cuts = merge(self.cuts, x.active)
        bound = max(bound, x.bound)
        log(f"  box {box} lp {bound:.4f} cuts {len(self.cuts)} at {time.process_time()-self.t0:.3f}")
        reduced = np.where(self.relax.allowed(), np.maximum(x.reduced, 0), np.inf)
        few = self.few(x, box.regions, reduced)
        self.rounds(few, box, gap=5e-3, tries=TRIES)
        log(f"  first {self.best and self.best.cost} at {time.process_time()-self.t0:.3f}s")
        for _ in range(6):
            if self.done(bound): break
            ub = self.best.cost if self.best else np.inf
            kept = np.flatnonzero((x.bound + reduced <= ub + EPS) & np.isfinite(reduced))
            before = len(self.cuts)
            most = np.floor((ub - x.bound) / np.maximum(reduced[kept], 1e-9) + 1e-6) if self.best else None
            b = self.rounds(kept, box, gap=0.9 * self.gap, tries=1, most=most)
            bound = max(bound, min(b, self.best.cost if self.best else b))
            log(f"  proof kept {len(kept)} bound {bound:.4f} best {self.best and self.best.cost} cuts {len(self.cuts)} at {time.process_time()-self.t0:.3f}s")
            if len(self.cuts) > before:
                self.rounds(few, box, gap=2e-3, tries=TRIES)
            else: break
        return bound

    def few(self, x, span, reduced):
        fleet = self.fleet
        order = np.lexsort((np.arange(fleet.columns), reduced))
        if fleet.uses_cells:
            held = np.bincount(
                fleet.region, weights=x.nodes * fleet.weight, minlength=len(fleet.cell_cost)
            )
            used = np.zeros(len(fleet.cell_cost), bool)
            used[np.argsort(-held, kind="stable")[: span[1]]] = True
            order = order[used[fleet.region[order]]]
        order = order[np.isfinite(reduced[order])]
        return np.sort(order[:FEW])

    def rounds(self, kept, box, gap, tries, most=None):
        layout = Layout(self.fleet, kept, most)
        bound = 0.0
        for _ in range(tries):
            program = layout.program(self.cuts, self.most, box.regions, box.loss, cells=False)
            hint = {}
            if self.best is not None:
                hint = {i: float(self.best.nodes[p]) for i, p in enumerate(kept)}
            t = time.process_time()
            answer = solve_integer(program, gap=gap, nodes=NODES, hint=hint)
            log(
                f"     mip {len(kept)} cols {len(program.rows)} rows {answer.status} {answer.objective:.4f} bound {answer.bound:.4f} {time.process_time() - t:.3f}"
            )
            self.limit |= answer.limit_reached
            bound = answer.bound if answer.status is not Status.INFEASIBLE else np.inf
            if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
                break
            nodes = np.zeros(self.fleet.columns)
            nodes[kept] = np.round(answer.values[: len(kept)])
            if not self.check(nodes):
                break
        return bound

    def check(self, nodes) -> int:
        added, worst = 0, 1.0
        for capacity, part in self.relax.worst(nodes):
            if self.oracle.known_to_serve(capacity, part):
                continue
            served, prices = self.oracle.ask(capacity)
            worst = min(worst, served / part)
            if served < part - SERVED:
                self.cuts.append(prices)
                added += 1
                if added >= 3:
                    break
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
                if self.oracle.known_to_serve(capacity, part):
                    continue
                served, prices = self.oracle.ask(capacity)
                if served < part - SERVED:
                    bad = (served, prices, part)
                    break
            if bad is None:
                break
            served, prices, part = bad
            value = prices.prices[fleet.shape] * fleet.replicas
            room = nodes < fleet.stock
            used = np.bincount(fleet.region, weights=nodes, minlength=len(fleet.cell_cost)) > 0
            cost = fleet.price + np.where(used[fleet.region], 0, fleet.cell_cost[fleet.region])
            gain = np.where(room, np.minimum(value, 1.2 * (part - served)) / cost, 0)
            nodes[int(np.argmax(gain))] += 1
        else:
            return
        for p in sorted(np.flatnonzero(nodes), key=lambda p: -fleet.price[p]):
            trial = nodes.copy()
            trial[p] -= 1
            if self.serves(trial):
                nodes = trial
        self.take(nodes)

    def serves(self, nodes):
        for capacity, part in self.relax.worst(nodes):
            if self.oracle.known_to_serve(capacity, part):
                continue
            if self.oracle.ask(capacity)[0] < part - SERVED:
                return False
        return True


def merge(cuts, new):
    return [
        *cuts,
        *(c for c in new if not any(c.whole == d.whole and np.allclose(c.prices, d.prices, rtol=1e-9, atol=1e-12) for d in cuts)),
    ]
