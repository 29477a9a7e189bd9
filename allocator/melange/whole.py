"""The same mix as one integer program for the general solver, for what the own search leaves open at its limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.solver import INFINITY, Program, Row, Status, solve_integer

NODES = 50_000
GAP = 1e-9


def solve_counts(
    costs: np.ndarray, work: np.ndarray, known: Sequence[int]
) -> tuple[list[int], float]:
    """Counts, to be checked by their routing, and a bound on every fleet's cost; `known` counts are the start.

    `costs` per type; `work` (types, buckets), inf where a type does not serve. The first columns are the counts.
    """
    types, buckets = work.shape
    pairs = np.argwhere(np.isfinite(work))
    count = types + len(pairs)
    rows: list[Row] = []
    for bucket in range(buckets):
        columns = types + np.flatnonzero(pairs[:, 1] == bucket)
        rows.append((1.0, 1.0, columns.tolist(), [1.0] * len(columns)))
    for gpu in range(types):
        own = np.flatnonzero(pairs[:, 0] == gpu)
        load = work[gpu, pairs[own, 1]].tolist()
        rows.append((-INFINITY, 0.0, [gpu, *(types + own).tolist()], [-1.0, *load]))
    program = Program(
        costs=np.concatenate((costs, np.zeros(len(pairs)))),
        upper=np.concatenate((np.full(types, INFINITY), np.ones(len(pairs)))),
        integer=np.arange(count) < types,
        rows=rows,
    )
    hint = {gpu: float(number) for gpu, number in enumerate(known)}
    answer = solve_integer(program, gap=GAP, nodes=NODES, hint=hint)
    if answer.status is Status.INFEASIBLE:
        return list(known), 0.0
    return [round(value) for value in answer.values[:types]], answer.bound
