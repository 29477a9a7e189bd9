"""The table of a run, in the format that `python -m allocator profile` reads."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.measure.cells import Cell
from tools.measure.errors import MeasureError
from tools.measure.journal import Journal
from tools.measure.load import ENOUGH_FINISHED, FEWEST_FINISHED, LONGEST_WINDOW, Limits
from tools.measure.steady import UNITS

_SHAPE = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "head_dim", "vocab_size",
)  # fmt: skip


def head(
    named: dict[str, Any], about: dict[str, Any], config: Any, limits: Limits
) -> dict[str, Any]:
    """Everything but the rows. `about` is what the user says of the engine; it may not replace the rest."""
    made = {
        "what": "measured closed-loop throughput of one replica, per request size and concurrency",
        **named,
        **({"model_shape": shape, "model_config": config} if (shape := _shape(config)) else {}),
        "method": "closed loop over HTTP at fixed requests in flight, every prompt unique; first wave with staggered "
        f"output lengths, warm-up until each of it has finished; then {limits.window_s:g} s and as many finished "
        f"requests as are in flight, {ENOUGH_FINISHED} at least (after {LONGEST_WINDOW} times that, {FEWEST_FINISHED} are "
        "enough), from one finished request to another; single run",
        "units": UNITS,
    }
    if own := sorted(about.keys() & {*made, "rows", "not_measured"}):
        raise MeasureError(f"--about {own[0]}: has an option of its own, or is measured")
    return {**made, **about}


def read_config(file: Path) -> dict[str, Any]:
    """A model's config.json. Raises MeasureError."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise MeasureError(f"--model-config {file}: {error.strerror}") from error
    except ValueError as error:
        raise MeasureError(f"--model-config {file}: not JSON: {error}") from error
    if not isinstance(config, dict) or "hidden_size" not in config:
        raise MeasureError(f"--model-config {file}: no hidden_size; is it a model's config.json?")
    return config


def _shape(config: Any) -> dict[str, Any]:
    return {key: config[key] for key in _SHAPE if key in config} if config else {}


def write(out: Path, journal: Journal, cells: tuple[Cell, ...]) -> None:
    """Write the table in one step: the cells in order, and which of the grid have no number and why."""
    missing = [
        {
            **asdict(cell),
            "why": skipped.why if (skipped := journal.skipped.get(cell)) else "not reached",
        }
        for cell in cells
        if cell not in journal.rows
    ]
    rows = [row for _, row in sorted(journal.rows.items())]
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    fields = {**journal.settings, **({"not_measured": missing} if missing else {})}
    text = json.dumps(fields, indent=1).removesuffix("\n}") + f',\n "rows": [\n{lines}\n ]\n}}\n'
    made = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        made.write_text(text, encoding="utf-8")
        made.replace(out)
    except OSError as error:
        raise MeasureError(f"--out {out}: {error.strerror}") from error
