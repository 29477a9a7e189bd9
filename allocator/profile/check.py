"""The performance model held against a measured table: ratio = model / measured.

Two questions: requests per second with as many in flight, row by row; and the highest rate within a TPOT, size by size
(the model may use as many in flight as were measured, the table is interpolated between its loads).

More in flight never makes an engine finish less: it may let them wait. A row that finished less than 0.9 of what the
same size did with fewer in flight was cut by its window, and counts as the most that these finished. Such rows are
told, and the errors with every row as it was written beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allocator.errors import DataError, unknown
from allocator.profile.capacity import Slo, sustained
from allocator.profile.coefficients import DEFAULTS, Coefficients
from allocator.profile.costs import Costs, Replica, costs_of
from allocator.profile.hardware import GPUS
from allocator.profile.measured import table_of
from allocator.profile.steps import Array, Size, closed_loop_rate
from allocator.profile.table import Measured, Row

CONTRADICTED = 0.9


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ratios of a table's rows; `written` against the rows as they are, `ratios` with the contradicted ones corrected."""

    rows: tuple[Row, ...]
    ratios: Array
    written: Array
    contradicted: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """Rows, mean absolute error, median and largest ratio; the same of the rows as written where they differ."""
        told: dict[str, Any] = {"rows": len(self.rows), **errors(self.ratios)}
        if self.contradicted:
            told["contradicted"] = [
                f"{row.input}/{row.output} at {row.concurrency}" for row in self.contradicted
            ]
            told["as_written"] = errors(self.written)
        return told


def render(compared: Comparison) -> str:
    """The comparison in a few lines."""
    told = compared.to_dict()
    lines = [
        f"{told['rows']} rows, requests/s at equal concurrency, model / measured: {summary(compared.ratios)}"
    ]
    if compared.contradicted:
        lines += [
            f"as written: {summary(compared.written)}",
            "contradicted by rows with fewer in flight, which finished more: "
            + ", ".join(told["contradicted"]),
        ]
    return "\n".join(lines)


def summary(ratios: Array) -> str:
    """ "mean error 4.1 %, median 1.00, 0.83 to 1.19" """
    return (
        f"mean error {100 * np.abs(ratios - 1).mean():.1f} %, median {np.median(ratios):.2f}, "
        f"{ratios.min():.2f} to {ratios.max():.2f}"
    )


def errors(ratios: Array) -> dict[str, float]:
    """Mean absolute error, median and largest of some ratios."""
    figures = {
        "mape": np.abs(ratios - 1).mean(),
        "median_ratio": np.median(ratios),
        "max_ratio": ratios.max(),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def compare(measured: Measured, coefficients: Coefficients = DEFAULTS) -> Comparison:
    """Requests per second with as many in flight. Raises DataError where the model has no GPU or shape for the table."""
    costs = costs_of(replica_of(measured), coefficients)
    rows = measured.file.rows
    size = Size(_column(rows, "input"), _column(rows, "output"))
    in_flight = np.array([_in_flight(row) for row in rows])
    rates = np.asarray(closed_loop_rate(costs, size, in_flight))
    if not rates.all():
        row = rows[int(np.argmin(rates))]
        raise DataError(
            f"profile {measured.name}: rows: {row.input}/{row.output} does not fit in the memory of "
            f"{measured.file.gpus_per_replica} x {measured.file.gpu} by the model"
        )
    written = _column(rows, "req_per_s")
    corrected = np.array([_corrected(row, rows) for row in rows])
    cut = tuple(row for row, new, old in zip(rows, corrected, written, strict=True) if new != old)
    return Comparison(rows, rates / corrected, rates / written, cut)


def compare_best(
    measured: Measured, tpot_ms: float, coefficients: Coefficients = DEFAULTS
) -> Array:
    """Ratios of the highest rates within a mean TPOT, for every size that the table has one of."""
    costs: Costs = costs_of(replica_of(measured), coefficients)
    table, slo = table_of(measured), Slo(tpot_ms, np.inf, 1.0)
    found = {size: table.rate(*size, slo) for size in table.cells}
    known = {size: rate for size, rate in found.items() if rate is not None}
    most = [max(_in_flight(row) for row in sum(table.cells[size], ())) for size in known]
    inputs, outputs = np.array(list(known), dtype=np.float64).T
    answers = sustained(costs, Size(inputs, outputs), slo, batch=np.array(most))
    ratios: Array = np.asarray(answers.rates) / np.array(list(known.values()))
    return ratios


def replica_of(measured: Measured) -> Replica:
    """What a table was measured on. Raises DataError."""
    table = measured.file
    if table.gpu not in GPUS:
        raise DataError(f"profile {measured.name}: gpu: {unknown('GPU', table.gpu, GPUS)}")
    if measured.model is None:
        raise DataError(
            f"profile {measured.name}: model: no shape of {table.model!r} is shipped; put its config.json into the "
            "table as model_config, or name it with --model-config"
        )
    return Replica(
        GPUS[table.gpu], table.gpus_per_replica, measured.model, measured.precision, measured.kv_bytes
    )  # fmt: skip


def _column(rows: tuple[Row, ...], name: str) -> Array:
    return np.array([getattr(row, name) for row in rows], dtype=np.float64)


def _in_flight(row: Row) -> float:
    """As told, or of an open loop by Little's law, but never fewer than one."""
    if row.concurrency is not None:
        return row.concurrency
    first = row.ttft_ms_mean or row.ttft_ms_p50 or 0.0
    return max(row.req_per_s * (first + (row.output - 1) * row.tpot_ms_mean) / 1e3, 1.0)


def _corrected(row: Row, rows: tuple[Row, ...]) -> float:
    most = max(
        other.req_per_s
        for other in rows
        if (other.input, other.output) == (row.input, row.output)
        and _in_flight(other) <= _in_flight(row)
    )
    return most if row.req_per_s < CONTRADICTED * most else row.req_per_s
