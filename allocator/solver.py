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
    model_update_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as core

from allocator.errors import AllocatorError

INFINITY = float("inf")
Row = tuple[float, float, Sequence[int], Sequence[float]]
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
    program: Program, *, gap: float, nodes: int, hint: dict[int, float] | None = None
) -> Answer:
    """The integer program to a relative gap, within a number of branch-and-bound nodes (SCIP).

    Its own cuts are off and its heuristics low: on programs of projected routing both cost more than they give.
    """
    parameters = parameters_pb2.SolveParametersProto(
        relative_gap_tolerance=gap,
        node_limit=nodes,
        enable_output=False,
        threads=1,
        random_seed=1,
        cuts=parameters_pb2.EMPHASIS_OFF,
        heuristics=parameters_pb2.EMPHASIS_LOW,
    )
    return _solve(program, parameters_pb2.SOLVER_TYPE_GSCIP, parameters, hint=hint)


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
    with _stdout_closed():
        result = core.solve(
            _proto(program, relax=relax), engine, parameters_pb2.SolverInitializerProto(), parameters,
            hints, None, callback_pb2.CallbackRegistrationProto(), None, None,
        )  # fmt: skip
    return _answer(program, result)


@contextmanager
def _stdout_closed() -> Iterator[None]:
    """HiGHS prints stray debug lines past every switch; they must not reach a preview."""
    kept = os.dup(1)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _proto(program: Program, *, relax: bool) -> model_pb2.ModelProto:
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


def _answer(program: Program, result: result_pb2.SolveResultProto) -> Answer:
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


class LiveProgram:
    """A linear program that grows: the solver (GLOP) stays alive, so that each solve starts from the last one's basis."""

    def __init__(self, costs: np.ndarray, upper: np.ndarray) -> None:
        self.costs = costs.tolist()
        self._rows = 0
        model = _proto(Program(costs, upper, np.zeros(len(costs), dtype=bool), ()), relax=True)
        self._solver = core.new(
            parameters_pb2.SOLVER_TYPE_GLOP, model, parameters_pb2.SolverInitializerProto()
        )

    def add(self, rows: Sequence[Row], costs: Sequence[float] = (), upper: float = INFINITY) -> int:
        """Append columns (one for each cost) and rows; returns the number of the first new row."""
        first = self._rows
        update = model_update_pb2.ModelUpdateProto()
        for number, cost in enumerate(costs, len(self.costs)):
            update.new_variables.ids.append(number)
            update.new_variables.lower_bounds.append(0.0)
            update.new_variables.upper_bounds.append(upper)
            update.new_variables.integers.append(False)
            if cost:
                update.objective_updates.linear_coefficients.ids.append(number)
                update.objective_updates.linear_coefficients.values.append(cost)
        self.costs.extend(costs)
        matrix = update.linear_constraint_matrix_updates
        for number, (low, high, columns, values) in enumerate(rows, self._rows):
            update.new_linear_constraints.ids.append(number)
            update.new_linear_constraints.lower_bounds.append(low)
            update.new_linear_constraints.upper_bounds.append(high)
            order = np.argsort(columns)
            matrix.row_ids.extend([number] * len(order))
            matrix.column_ids.extend(np.asarray(columns)[order].tolist())
            matrix.coefficients.extend(np.asarray(values, dtype=float)[order].tolist())
        self._rows += len(rows)
        self._update(update)
        return first

    def bound_rows(self, rows: Sequence[int], upper: Sequence[float]) -> None:
        """Change the upper bounds of rows (ascending)."""
        update = model_update_pb2.ModelUpdateProto()
        update.linear_constraint_updates.upper_bounds.ids.extend(rows)
        update.linear_constraint_updates.upper_bounds.values.extend(upper)
        self._update(update)

    def bound_columns(self, columns: Sequence[int], upper: Sequence[float]) -> None:
        """Change the upper bounds of columns (ascending)."""
        update = model_update_pb2.ModelUpdateProto()
        update.variable_updates.upper_bounds.ids.extend(columns)
        update.variable_updates.upper_bounds.values.extend(upper)
        self._update(update)

    def set_coefficients(self, rows: Sequence[int], columns: Sequence[int], value: float) -> None:
        """Give the pairs (row, column), rows ascending, one coefficient."""
        update = model_update_pb2.ModelUpdateProto()
        matrix = update.linear_constraint_matrix_updates
        matrix.row_ids.extend(rows)
        matrix.column_ids.extend(columns)
        matrix.coefficients.extend([value] * len(rows))
        self._update(update)

    def _update(self, update: model_update_pb2.ModelUpdateProto) -> None:
        if not self._solver.update(update):
            raise AllocatorError("the solver refused a change of its program; please report it")

    def solve(self) -> LiveAnswer:
        """Solve from where the last solve ended."""
        result = self._solver.solve(
            parameters_pb2.SolveParametersProto(), model_parameters_pb2.ModelSolveParametersProto(),
            None, callback_pb2.CallbackRegistrationProto(), None, None,
        )  # fmt: skip
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return LiveAnswer(False, INFINITY, _NONE, _NONE, _NONE)
        solution = result.solutions[0]
        values = np.zeros(len(self.costs))
        found = solution.primal_solution.variable_values
        values[list(found.ids)] = found.values
        reduced = np.zeros(len(self.costs))
        duals = solution.dual_solution.reduced_costs
        reduced[list(duals.ids)] = duals.values
        prices = np.zeros(self._rows)
        rows = solution.dual_solution.dual_values
        prices[list(rows.ids)] = rows.values
        return LiveAnswer(
            True, result.termination.objective_bounds.primal_bound, values, reduced, prices
        )


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """`values` and `reduced` costs per column, `prices` (duals) per row; empty where not `feasible`."""

    feasible: bool
    objective: float
    values: np.ndarray
    reduced: np.ndarray
    prices: np.ndarray
