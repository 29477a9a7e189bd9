"""Fit the model's coefficients to measured tables.

Least squares of the logarithms of model / measured, with two safeguards for tables of few or odd rows: a coefficient
that the rows do not tell stays near its default (PRIOR), and rows far off pull no harder than at OUTLIER.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from allocator.profile.check import compare, summary
from allocator.profile.coefficients import DEFAULTS, Coefficients
from allocator.profile.steps import Array
from allocator.profile.table import Measured

FREE = (
    "weight_bandwidth", "kv_bandwidth", "product_share", "fp8_product_share", "expert_product_share", "clock_fall",
    "attention_tile_s", "layer_s", "expert_layer_s",
)  # fmt: skip
SHARES = {name for name in FREE if not name.endswith("_s")}
PRIOR = 0.3
"""How far, in the logarithm, a coefficient moves as easily as one row's error of NOISE is borne."""
NOISE = 0.05
OUTLIER = 0.15
_ROUNDS = 12
_NUDGE = 1e-4


def fit(tables: Sequence[Measured]) -> Coefficients:
    """The coefficients that the tables say, by Gauss-Newton from the defaults. Raises DataError."""
    moves = np.zeros(len(FREE))
    for _ in range(_ROUNDS):
        errors = _errors(tables, moves)
        slopes = np.column_stack(
            [(_errors(tables, moves + nudge) - errors) / _NUDGE for nudge in _NUDGE * np.eye(len(FREE))]
        )  # fmt: skip
        pull = np.sqrt(np.minimum(1, OUTLIER / np.maximum(np.abs(errors), 1e-9))) / NOISE
        rows = np.vstack([slopes * pull[:, None], np.eye(len(FREE)) / PRIOR])
        goal = np.concatenate([-errors * pull, -moves / PRIOR])
        moves = moves + np.clip(np.linalg.lstsq(rows, goal, rcond=None)[0], -0.2, 0.2)
    return _moved(moves)


def render(tables: Sequence[Measured], fitted: Coefficients) -> str:
    """Each table's error before and after, and the coefficients that moved by a percent or more."""
    lines = []
    for table in tables:
        lines += [
            f"{table.name}: before {summary(compare(table).ratios)}",
            f"{table.name}: after  {summary(compare(table, fitted).ratios)}",
        ]
    for name in FREE:
        old, new = getattr(DEFAULTS, name), getattr(fitted, name)
        if abs(new / old - 1) >= 0.01:
            lines.append(f"{name} {old:.3g} -> {new:.3g}")
    return "\n".join(lines)


def _errors(tables: Sequence[Measured], moves: Array) -> Array:
    coefficients = _moved(moves)
    return np.concatenate([np.log(compare(table, coefficients).ratios) for table in tables])


def _moved(moves: Array) -> Coefficients:
    """The defaults, each multiplied by the exponential of its move; a share of a peak stays below 1."""
    made = {name: getattr(DEFAULTS, name) * float(np.exp(move)) for name, move in zip(FREE, moves, strict=True)}  # fmt: skip
    return dataclasses.replace(
        DEFAULTS, **{name: min(value, 0.98) if name in SHARES else value for name, value in made.items()}
    )  # fmt: skip
