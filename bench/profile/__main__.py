"""The performance model against everything there is to hold it to: `make bench-profile` (--write: RESULTS.md)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allocator.profile.check import compare, compare_best
from allocator.profile.coefficients import DEFAULTS, Coefficients
from allocator.profile.fit import FREE, fit
from allocator.profile.steps import Array
from allocator.profile.table import Measured
from bench.profile.references import references, winners
from bench.profile.tables import FITTED_TO, measured

RESULTS = Path(__file__).with_name("RESULTS.md")
TPOTS = (40, 120)
HEAD = """# The performance model against measured engines and published estimates

`make bench-profile`. Ratios are model / reference; error is the mean of |ratio - 1|. The model has its default coefficients
(`allocator/profile/coefficients.py`), but for the last table.
"""
MEASURED = """
## Measured engines

Requests/s with as many in flight; and the highest rate within a mean TPOT, where the model may have as many in flight as
were measured and the table is interpolated between its loads. Two of the coefficients (clock_fall, attention_tile_s) were
fitted to the tables marked *; the others are tests, but for this: what fp8 weights and experts add per layer was set after a
first look at tables of Qwen3-8B in fp8 and of Qwen3-30B-A3B, whose errors were 15.1 % and 17.0 % before. Rows that
finished less than 0.9 of what fewer in flight did were cut by their window and count as these (`allocator/profile/check.py`); beside it all rows as they were written.
"""
REFERENCES = """
## Published estimates and simulations

None of them measured an engine. The model is not fitted to them.
"""
WINNERS = """
## Mélange's published grids

Which GPU gives more tokens per dollar, read off two plots (vLLM 0.2.7). The model fails here: an engine of that age wasted
large GPUs. These grids are not used for anything.

| grid | right GPU | ratio off by, typically |
|---|---|---|
"""
FITS = """
## Fitted to one table, held against the other

| fitted to | error there, before | after | predicts | error, before | after | largest | coefficients that moved |
|---|---|---|---|---|---|---|---|
"""
COLUMNS = "| {} | points | error | median | range |\n|---|---|---|---|---|\n"


def report() -> Iterator[str]:
    """The report's lines, each table as soon as it is there."""
    tables = measured()
    yield HEAD + MEASURED
    yield "\n" + COLUMNS.format("table and question").rstrip("\n")
    for name, table in tables.items():
        star = " *" if name in FITTED_TO else ""
        compared = compare(table)
        yield line(f"{name}{star}, equal concurrency", compared.ratios)
        if compared.contradicted:
            yield line(f"the same, {len(compared.contradicted)} rows as written", compared.written)
        for tpot in TPOTS:
            best = compare_best(table, tpot)
            yield line(f"{name}{star}, TPOT within {tpot} ms", best)
    yield REFERENCES + "\n" + COLUMNS.format("reference").rstrip("\n")
    for name, ratios in references():
        yield line(name, ratios)
    yield WINNERS.rstrip("\n")
    for name, share, factor in winners():
        yield f"| {name} | {100 * share:.0f} % | {factor:.2f} |"
    yield FITS.rstrip("\n")
    for name in FITTED_TO:
        yield from _predictions(name, tables)


def line(name: str, ratios: Array) -> str:
    """One row of the report."""
    spread = f"{ratios.min():.2f} to {ratios.max():.2f}"
    return f"| {name} | {len(ratios)} | {_error(ratios)} | {np.median(ratios):.2f} | {spread} |"


def _error(ratios: Array) -> str:
    return f"{100 * np.abs(ratios - 1).mean():.1f} %"


def _predictions(name: str, tables: dict[str, Measured]) -> Iterator[str]:
    fitted = fit([tables[name]])
    own = f"{_error(compare(tables[name]).ratios)} | {_error(compare(tables[name], fitted).ratios)}"
    for other in FITTED_TO:
        if other == name:
            continue
        after = compare(tables[other], fitted).ratios
        yield (
            f"| {name} | {own} | {other} | {_error(compare(tables[other]).ratios)} | {_error(after)} | {after.max():.2f} | "
            f"{_moved(fitted)} |"
        )


def _moved(fitted: Coefficients) -> str:
    pairs = ((name, getattr(DEFAULTS, name), getattr(fitted, name)) for name in FREE)
    return ", ".join(
        f"{n} {old:.3g} -> {new:.3g}" for n, old, new in pairs if abs(new / old - 1) > 0.01
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md too")
    write = parser.parse_args().write
    lines = []
    for part in report():
        print(part, flush=True)
        lines.append(part)
    if write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
