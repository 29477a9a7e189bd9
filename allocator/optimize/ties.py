"""Ties: of the plans that cost the same, the one in the first regions by name (a second, lexicographic solve).

Where several regions sell the same machines at the same price, solvers pick any. Demand that grows should fill up
regions in use, and the same demand should always land in the same place.
"""

from __future__ import annotations

import numpy as np

from allocator.optimize.fleet import Fleet
from allocator.optimize.master import Box, Layout
from allocator.optimize.oracle import Cut, Oracle, joined
from allocator.optimize.repair import missing
from allocator.solver import Program, Status, solve_integer

ROUNDS = 4
NODES = 300


def first_regions(fleet: Fleet, nodes: np.ndarray) -> np.ndarray:
    """The same nodes at the same prices, placed in the first regions that sell them alike and still serve everything.

    Regions are numbered in the order of their names. Where the search ends without one, the plan stays as it is.
    """
    like = np.stack(
        [fleet.shape, fleet.price, fleet.replicas, fleet.on_demand.astype(float)], axis=1
    )
    _, kind = np.unique(like, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    kept = np.flatnonzero(np.isin(kind, np.unique(kind[nodes > 0])))
    if len(kept) == np.count_nonzero(nodes):
        return nodes
    layout, oracle = Layout(fleet, kept), Oracle(fleet.load)
    cuts: list[Cut] = [oracle.ask(fleet.capacity(nodes))[1]]
    totals = [
        (float(nodes[kind == k].sum()),) * 2 + (np.flatnonzero(kind[kept] == k),)
        for k in np.unique(kind[nodes > 0])
    ]
    for _ in range(ROUNDS):
        program = layout.program(cuts, Box((1, int(fleet.used_regions(nodes).sum()))))
        costs = np.zeros(len(program.costs))
        costs[layout.columns] = 1.0 + fleet.region[kept] / max(len(fleet.cell_cost), 1)
        rows = [
            *program.rows,
            *((low, high, mine, np.ones(len(mine))) for low, high, mine in totals),
        ]
        lexicographic = Program(costs, program.upper, program.integer, rows)
        hint = {n: float(nodes[p]) for n, p in enumerate(kept)}
        answer = solve_integer(lexicographic, gap=1e-6, nodes=NODES, hint=hint)
        if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
            return nodes
        moved = np.zeros(fleet.columns)
        moved[kept] = np.round(answer.values[layout.columns])
        wrong = missing(oracle, fleet.scenarios(moved), ROUNDS)
        if not wrong:
            better = fleet.fits(moved) and fleet.cost(moved) <= fleet.cost(nodes) + 1e-9
            return moved if better else nodes
        cuts = joined(cuts, [cut for _, cut in wrong])
    return nodes
