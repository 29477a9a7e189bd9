"""The one place that talks to a solver: linear and integer programs through OR-Tools' MathOpt.

MathOpt's core takes protos: building them from arrays costs a hundredth of its modelling layer, and importing it a half.
Limits are counts of nodes, never seconds, and one thread works: the same program gives the same answer everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import numpy as np
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as core
from pybind11_abseil.status import StatusNotOk  # type: ignore[import-untyped]

from allocator.errors import AllocatorError

INFINITY = float("inf")
SolverFailure = StatusNotOk
"""What the binding raises where a solver fails or contradicts itself."""
Numbers = Sequence[int] | Sequence[float] | np.ndarray
Row = tuple[float, float, Numbers, Numbers]
"""Lower and upper bound, columns and their coefficients."""


class Status(Enum):
    """What the solver found out. UNKNOWN: a limit ended the search before any answer."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise costs . x subject to rows and bounds; `integer` marks the columns that are whole numbers."""

    costs: np.ndarray
    upper: np.ndarray
    integer: np.ndarray
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Answer:
    """`values` per column (empty when infeasible); `bound` holds for the program; `reduced` costs of a linear one.

    `work`: simplex iterations times the program's rows and columns, in millions: about a second each, and the same on
    every machine.
    """

    status: Status
    values: np.ndarray
    objective: float
    bound: float
    reduced: np.ndarray
    limit_reached: bool
    work: float


_FOUND = {
    result_pb2.TERMINATION_REASON_OPTIMAL: Status.OPTIMAL,
    result_pb2.TERMINATION_REASON_FEASIBLE: Status.FEASIBLE,
}
_NONE = np.zeros(0)


def solve_linear(program: Program) -> Answer:
    """The linear relaxation, with reduced costs (GLOP)."""
    parameters = parameters_pb2.SolveParametersProto(enable_output=False)
    return _solve(program, parameters_pb2.SOLVER_TYPE_GLOP, parameters, relax=True)


def solve_integer(
    program: Program,
    *,
    gap: float,
    nodes: int,
    hint: dict[int, float] | None = None,
    cutoff: float = INFINITY,
) -> Answer:
    """The integer program to a relative gap, within a number of branch-and-bound nodes (SCIP).

    Where nothing is below `cutoff` the answer is UNKNOWN with that as its bound.

    One round of its own cuts and few heuristics: on programs of projected routing more of both costs more than it gives.
    """
    parameters = parameters_pb2.SolveParametersProto(
        relative_gap_tolerance=gap,
        node_limit=nodes,
        enable_output=False,
        threads=1,
        random_seed=1,
        cuts=parameters_pb2.EMPHASIS_LOW,
        heuristics=parameters_pb2.EMPHASIS_LOW,
    )
    parameters.gscip.int_params["separating/maxroundsroot"] = 1
    engine = parameters_pb2.SOLVER_TYPE_GSCIP
    if cutoff < INFINITY:
        limited = parameters_pb2.SolveParametersProto()
        limited.CopyFrom(parameters)
        limited.cutoff_limit = cutoff
        try:
            return _solve(program, engine, limited, hint=hint)
        except AllocatorError:  # the binding finds a plan at the cutoff contradictory
            pass
    return _solve(program, engine, parameters, hint=hint)


def _solve(
    program: Program,
    engine: int,
    parameters: parameters_pb2.SolveParametersProto,
    *,
    relax: bool = False,
    hint: dict[int, float] | None = None,
) -> Answer:
    hints = model_parameters_pb2.ModelSolveParametersProto()
    if hint:
        start = hints.solution_hints.add().variable_values
        start.ids.extend(hint)
        start.values.extend(hint.values())
    try:
        with _stdout_closed():
            result = core.solve(
                as_proto(program, relax=relax), engine, parameters_pb2.SolverInitializerProto(), parameters,
                hints, None, callback_pb2.CallbackRegistrationProto(), None, None,
            )  # fmt: skip
    except SolverFailure as error:
        raise AllocatorError(
            f"the solver failed ({error}); please report it with the stack's files"
        ) from error
    return _answer(program, result, parameters.cutoff_limit)


@contextmanager
def _stdout_closed() -> Iterator[None]:
    """Solvers print stray lines past every switch; none may reach a preview."""
    kept = os.dup(1)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def as_proto(program: Program, *, relax: bool) -> model_pb2.ModelProto:
    """The program as MathOpt takes it."""
    count = len(program.costs)
    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(count))
    model.variables.lower_bounds.extend([0.0] * count)
    model.variables.upper_bounds.extend(program.upper.tolist())
    model.variables.integers.extend([False] * count if relax else program.integer.tolist())
    used = np.flatnonzero(program.costs)
    model.objective.linear_coefficients.ids.extend(used.tolist())
    model.objective.linear_coefficients.values.extend(program.costs[used].tolist())
    rows = range(len(program.rows))
    model.linear_constraints.ids.extend(rows)
    model.linear_constraints.lower_bounds.extend(row[0] for row in program.rows)
    model.linear_constraints.upper_bounds.extend(row[1] for row in program.rows)
    matrix = model.linear_constraint_matrix
    for number, (_, _, columns, values) in enumerate(program.rows):
        order = np.argsort(columns)
        matrix.row_ids.extend([number] * len(order))
        matrix.column_ids.extend(np.asarray(columns)[order].tolist())
        matrix.coefficients.extend(np.asarray(values, dtype=float)[order].tolist())
    return model


def _answer(program: Program, result: result_pb2.SolveResultProto, cutoff: float) -> Answer:
    reason = result.termination.reason
    limit = result.termination.limit != result_pb2.LIMIT_UNSPECIFIED
    size = len(program.costs) + len(program.rows)
    work = result.solve_stats.simplex_iterations * size / 1e6
    if reason in (
        result_pb2.TERMINATION_REASON_INFEASIBLE,
        result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED,
    ):
        return Answer(Status.INFEASIBLE, _NONE, INFINITY, INFINITY, _NONE, limit, work)
    if reason == result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND:
        bound = result.termination.objective_bounds.dual_bound
        if result.termination.limit == result_pb2.LIMIT_CUTOFF:
            return Answer(Status.UNKNOWN, _NONE, INFINITY, cutoff, _NONE, False, work)
        return Answer(Status.UNKNOWN, _NONE, INFINITY, bound, _NONE, limit, work)
    if reason not in _FOUND:
        raise AllocatorError(
            f"the solver gave up ({result.termination.detail or reason}); please report it with the stack's files"
        )
    solution = result.solutions[0]
    values = np.zeros(len(program.costs))
    found = solution.primal_solution.variable_values
    values[list(found.ids)] = list(found.values)
    reduced = np.zeros(len(program.costs))
    duals = solution.dual_solution.reduced_costs
    reduced[list(duals.ids)] = list(duals.values)
    return Answer(
        status=_FOUND[reason],
        values=values,
        objective=float(program.costs @ values),
        bound=result.termination.objective_bounds.dual_bound,
        reduced=reduced,
        limit_reached=limit,
        work=work,
    )
