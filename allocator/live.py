"""A linear program that grows: the solver (GLOP) stays alive, so that each solve starts from the last one's basis."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_update_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as core

from allocator.errors import AllocatorError
from allocator.solver import INFINITY, Numbers, Program, Row, SolverFailure, as_proto

_NONE = np.zeros(0)
_CERTAIN = (
    result_pb2.TERMINATION_REASON_OPTIMAL,
    result_pb2.TERMINATION_REASON_INFEASIBLE,
    result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED,
)
"""No program here is unbounded: costs and columns are at least 0."""
_WARM = parameters_pb2.SolveParametersProto(
    lp_algorithm=parameters_pb2.LP_ALGORITHM_DUAL_SIMPLEX,
    presolve=parameters_pb2.EMPHASIS_OFF,
    scaling=parameters_pb2.EMPHASIS_OFF,
    iteration_limit=5000,
)
"""Rows and bounds that change leave the last basis dual feasible; presolve and scaling would make it another program's. Without
scaling a program of very large numbers may go round for ever: it takes some hundred iterations, or is solved anew."""


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """`values` and `reduced` costs per column, `prices` (duals) per row; empty where not `feasible`."""

    feasible: bool
    objective: float
    values: np.ndarray
    reduced: np.ndarray
    prices: np.ndarray


class LiveProgram:
    """Minimise costs . x, 0 <= x <= upper, over rows that are added later; columns too.

    The whole program is kept beside the solver: where a warm start fails numerically, it is solved from scratch.
    """

    def __init__(self, costs: np.ndarray, upper: np.ndarray) -> None:
        none = np.zeros(len(costs), dtype=bool)
        self._model = as_proto(Program(costs, upper, none, ()), relax=True)
        self._starts = [0]  # of each row's entries, and of the next row's
        self._solver = self._new()

    def _new(self) -> core.Solver:
        return core.new(
            parameters_pb2.SOLVER_TYPE_GLOP,
            self._model,
            parameters_pb2.SolverInitializerProto(),
        )

    def add(self, rows: Sequence[Row], costs: Sequence[float] = ()) -> int:
        """Append columns (one for each cost, without upper bound) and rows; returns the number of the first new row."""
        update = model_update_pb2.ModelUpdateProto()
        self._add_columns(update, costs)
        first = len(self._starts) - 1
        fresh, entries = update.new_linear_constraints, update.linear_constraint_matrix_updates
        for number, (low, high, columns, values) in enumerate(rows, first):
            fresh.ids.append(number)
            fresh.lower_bounds.append(low)
            fresh.upper_bounds.append(high)
            order = np.argsort(columns)
            entries.row_ids.extend([number] * len(order))
            entries.column_ids.extend(np.asarray(columns)[order].tolist())
            entries.coefficients.extend(np.asarray(values, dtype=float)[order].tolist())
            self._starts.append(self._starts[-1] + len(order))
        self._model.linear_constraints.MergeFrom(fresh)
        self._model.linear_constraint_matrix.MergeFrom(entries)
        self._update(update)
        return first

    def _add_columns(
        self, update: model_update_pb2.ModelUpdateProto, costs: Sequence[float]
    ) -> None:
        for number, cost in enumerate(costs, len(self._model.variables.ids)):
            for columns in (update.new_variables, self._model.variables):
                columns.ids.append(number)
                columns.lower_bounds.append(0.0)
                columns.upper_bounds.append(INFINITY)
                columns.integers.append(False)
            if cost:
                for terms in (
                    update.objective_updates.linear_coefficients,
                    self._model.objective.linear_coefficients,
                ):
                    terms.ids.append(number)
                    terms.values.append(cost)

    def bound_rows(self, rows: Numbers, upper: Numbers) -> None:
        """Change the upper bounds of rows (ascending)."""
        update = model_update_pb2.ModelUpdateProto()
        update.linear_constraint_updates.upper_bounds.ids.extend(rows)
        update.linear_constraint_updates.upper_bounds.values.extend(upper)
        for row, bound in zip(rows, upper, strict=True):
            self._model.linear_constraints.upper_bounds[row] = bound
        self._update(update)

    def bound_columns(self, columns: Numbers, upper: Numbers) -> None:
        """Change the upper bounds of columns (ascending)."""
        update = model_update_pb2.ModelUpdateProto()
        update.variable_updates.upper_bounds.ids.extend(columns)
        update.variable_updates.upper_bounds.values.extend(upper)
        for column, bound in zip(columns, upper, strict=True):
            self._model.variables.upper_bounds[column] = bound
        self._update(update)

    def set_coefficients(self, rows: Sequence[int], columns: Sequence[int], value: float) -> None:
        """Give the pairs (row, column), rows ascending, one coefficient; each pair has one already."""
        update = model_update_pb2.ModelUpdateProto()
        entries = update.linear_constraint_matrix_updates
        entries.row_ids.extend(rows)
        entries.column_ids.extend(columns)
        entries.coefficients.extend([value] * len(rows))
        matrix = self._model.linear_constraint_matrix
        for row, column in zip(rows, columns, strict=True):
            start, end = self._starts[row], self._starts[row + 1]
            matrix.coefficients[bisect_left(matrix.column_ids, column, start, end)] = value
        self._update(update)

    def _update(self, update: model_update_pb2.ModelUpdateProto) -> None:
        if not self._solver.update(update):
            self._solver = self._new()

    def solve(self) -> LiveAnswer:
        """Solve from where the last solve ended, or from scratch where that fails numerically.

        Raises AllocatorError where neither tells the optimum nor that there is none.
        """
        result = self._solved(_WARM)
        if result is None:
            self._solver = self._new()
            result = self._solved(
                parameters_pb2.SolveParametersProto(presolve=parameters_pb2.EMPHASIS_OFF)
            )
        if result is None:
            raise AllocatorError(
                "the solver failed numerically; please report it with the stack's files"
            )
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return LiveAnswer(False, INFINITY, _NONE, _NONE, _NONE)
        solution = result.solutions[0]
        columns, rows = len(self._model.variables.ids), len(self._starts) - 1
        primal, dual = solution.primal_solution, solution.dual_solution
        return LiveAnswer(
            feasible=True,
            objective=result.termination.objective_bounds.primal_bound,
            values=_dense(columns, primal.variable_values),
            reduced=_dense(columns, dual.reduced_costs),
            prices=_dense(rows, dual.dual_values),
        )

    def _solved(
        self, parameters: parameters_pb2.SolveParametersProto
    ) -> result_pb2.SolveResultProto | None:
        """A result that says something for certain, or None."""
        try:
            result = self._solver.solve(
                parameters, model_parameters_pb2.ModelSolveParametersProto(),
                None, callback_pb2.CallbackRegistrationProto(), None, None,
            )  # fmt: skip
        except SolverFailure:
            return None
        return result if result.termination.reason in _CERTAIN else None


def _dense(count: int, sparse: object) -> np.ndarray:
    values = np.zeros(count)
    values[list(sparse.ids)] = sparse.values  # type: ignore[attr-defined]
    return values
