"""A workload drawn: shares of the requests by input and output length, and what is known of its rates and origin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from allocator.errors import DataError
from allocator.workload.histogram import Described

if TYPE_CHECKING:
    from rich.console import Console

_SHADES = ("", "on grey15", "on dark_green", "on green4", "black on yellow3", "black on orange1")
_STEPS = (0.002, 0.01, 0.03, 0.06, 0.1)
"""Shares from which each next shade is used."""


def render(workload: Described, console: Console) -> None:
    """Print head, grid and rates."""
    from rich.table import Table

    shares, ins, outs = _used(workload)
    table = Table(title=f"{workload.name}: {workload.title}".rstrip(": "), title_justify="left")
    table.add_column("input \\ output, %", justify="right")
    for label in (*outs, "all"):
        table.add_column(label, justify="right")
    for label, row in zip(ins, shares, strict=True):
        table.add_row(label, *(_cell(share) for share in row), f"{100 * row.sum():.1f}")
    table.add_row("all", *(f"{100 * share:.1f}" for share in shares.sum(axis=0)))
    console.print(table)
    for line in facts(workload):
        console.print(line, markup=False, highlight=False)


def facts(workload: Described) -> list[str]:
    """Size, rates and origin, a line each."""
    shares = np.array(workload.counts) / workload.requests
    means = shares.sum(axis=1) @ workload.inputs(), shares.sum(axis=0) @ workload.outputs()
    counted = f"{workload.n:,} requests, " if workload.n else ""
    lines = [f"{counted}mean {means[0]:,.0f} input and {means[1]:,.0f} output tokens by their bins"]  # fmt: skip
    if rate := workload.arrivals:
        words = [f"mean {rate.mean_req_s:g}"]
        words += [
            f"{name} {value:g}"
            for name in ("p50", "p90", "p95", "p99", "peak")
            if (value := getattr(rate, f"{name}_req_s")) is not None
        ]
        of = f" over {rate.windows} windows of {rate.window_s:g} s" if rate.windows else ""
        lines.append(f"requests/s: {', '.join(words)}{of}")
    lines += [
        f"{key}: {value}"
        for key in ("kind", "source", "license", "cite", "note")
        if (value := getattr(workload, key))
    ]
    return lines


def plot(workload: Described, file: Path) -> None:
    """Draw it as PNG. Raises DataError where matplotlib is missing or the file cannot be written."""
    if file.suffix != ".png":
        raise DataError(f"--plot {file}: must end in .png")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DataError(f"--plot {file}: needs matplotlib, which is not installed") from error
    shares, ins, outs = _used(workload)
    figure = Figure(figsize=(9, 7), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(np.where(shares, 100 * shares, np.nan), cmap="viridis", aspect="auto")  # fmt: skip
    axes.set_xticks(range(len(outs)), outs)
    axes.set_yticks(range(len(ins)), ins)
    axes.set(xlabel="output tokens", ylabel="input tokens", title=f"{workload.name}\n{workload.title}")  # fmt: skip
    figure.colorbar(image, label="% of the requests")
    try:
        figure.savefig(file, format="png", dpi=120)
    except OSError as error:
        raise DataError(f"--plot {file}: {error.strerror or error}") from error


def _used(workload: Described) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Shares and labels up to the longest lengths that there are."""
    shares = np.array(workload.counts) / workload.requests
    rows, columns = (1 + int(np.flatnonzero(shares.sum(axis=axis)).max()) for axis in (1, 0))
    ins = _labels(workload.input_upper, workload.input_tokens.max)
    outs = _labels(workload.output_upper, workload.output_tokens.max)
    return shares[:rows, :columns], ins[:rows], outs[:columns]


def _labels(uppers: list[int | None], longest: float) -> list[str]:
    return [f"{upper:,}" if upper is not None else f"to {longest:,.0f}" for upper in uppers]


def _cell(share: float) -> str:
    style = _SHADES[sum(share >= step for step in _STEPS)]
    words = f"{100 * share:.1f}" if share else ""
    return f"[{style}]{words}[/]" if style else words
