"""Draws a replay: capacity by market over time, and cost against availability of the policies that were run.

HTML needs nothing: the pictures are SVG in one file. PNG goes through matplotlib, where that is installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from allocator.errors import DataError
from allocator.replay.engine import replay
from allocator.replay.policies import Wanted, make_policy
from allocator.replay.report import Result
from allocator.replay.world import Setting, World

_BINS = 600
_WIDTH, _HEIGHT, _MARGIN = 960, 300, 46
_SPOT, _ON_DEMAND, _WANTED = "#4c9f70", "#d98032", "#333333"


@dataclass(frozen=True, slots=True)
class History:
    """Mean ready replicas by market, and wanted ones, in equal spans of time; `days` in all."""

    days: float
    spot: tuple[float, ...]
    on_demand: tuple[float, ...]
    wanted: tuple[float, ...]


def check_plot(file: Path | None) -> None:
    """Raises DataError where a plot cannot be drawn: an unknown ending, or PNG without matplotlib."""
    if file is None:
        return
    if file.suffix not in (".html", ".png"):
        raise DataError(f"--plot {file}: must end in .html or .png")
    if file.suffix == ".png" and importlib.util.find_spec("matplotlib") is None:
        raise DataError(
            f"--plot {file}: PNG needs matplotlib, which is not installed; install it or use .html"
        )


def draw(
    file: Path, world: World, setting: Setting, wanted: Wanted, results: Sequence[Result]
) -> None:
    """Write the plot of one policy's history and of all results. Raises DataError where the file cannot be written."""
    history = record(world, setting, wanted)
    title = f"{world.name}: {make_policy(world, setting, wanted).name}"
    try:
        if file.suffix == ".html":
            file.write_text(_html(title, history, results), encoding="utf-8")
        else:
            _png(file, title, history, results)
    except OSError as error:
        raise DataError(f"--plot {file}: {error.strerror or error}") from error


def record(world: World, setting: Setting, wanted: Wanted) -> History:
    """Replay a policy and keep what was ready when."""
    bins = min(_BINS, world.steps)
    sums = [[0.0] * bins for _ in range(3)]
    counts = [0] * bins

    def watch(step: int, lasting: int, spot: int, on_demand: int, needed: int) -> None:
        for each in range(step, min(step + lasting, world.steps)):
            at = each * bins // world.steps
            counts[at] += 1
            for series, value in zip(sums, (spot, on_demand, needed), strict=True):
                series[at] += value

    replay(world, make_policy(world, setting, wanted), watch=watch)
    spot, on_demand, needed = (
        tuple(total / count for total, count in zip(series, counts, strict=True)) for series in sums
    )
    return History(world.steps * world.step_s / 86400, spot, on_demand, needed)


def _html(title: str, history: History, results: Sequence[Result]) -> str:
    return "\n".join(
        [
            "<!doctype html>",
            f'<meta charset="utf-8"><title>{escape(title)}</title>',
            "<style>body{font:14px sans-serif;margin:2em}text{font-size:12px}</style>",
            f"<h1>{escape(title)}</h1><p>Ready replicas over {history.days:.1f} days: "
            f'<b style="color:{_SPOT}">spot</b>, <b style="color:{_ON_DEMAND}">on demand</b>, wanted (line).</p>',
            _capacity_svg(history),
            "<p>Cost relative to all on demand, against the share of time that was short.</p>",
            _frontier_svg(results),
        ]
    )


def _capacity_svg(history: History) -> str:
    total = [spot + more for spot, more in zip(history.spot, history.on_demand, strict=True)]
    top = max([*total, *history.wanted, 1.0])

    def points(series: Sequence[float]) -> list[str]:
        last = max(1, len(series) - 1)
        return [
            f"{_MARGIN + at * (_WIDTH - 2 * _MARGIN) / last:.1f},{_y(value / top):.1f}"
            for at, value in enumerate(series)
        ]

    floor = [0.0] * len(total)
    areas = ((_SPOT, history.spot, floor), (_ON_DEMAND, total, history.spot))
    shapes = [
        f'<polygon fill="{color}" points="{" ".join(points(upper) + points(lower)[::-1])}"/>'
        for color, upper, lower in areas
    ]
    shapes.append(
        f'<polyline fill="none" stroke="{_WANTED}" points="{" ".join(points(history.wanted))}"/>'
    )
    labels = [
        f'<text x="4" y="{_y(1):.0f}">{top:g}</text>',
        f'<text x="4" y="{_y(0):.0f}">0</text>',
    ]
    return _svg(shapes + labels)


def _frontier_svg(results: Sequence[Result]) -> str:
    top = max(1.0, *(result.outcome.cost for result in results))
    most_short = max(1e-6, *(1 - result.outcome.availability for result in results))
    shapes = []
    for result in results:
        x = _MARGIN + (1 - result.outcome.availability) / most_short * (_WIDTH - 2 * _MARGIN) * 0.75
        y = _y(result.outcome.cost / top)
        label = (
            f"{result.policy} {result.outcome.availability:.4f} at {result.outcome.cost:.3f}, "
            f"bound {result.bound:.3f}"
        )
        shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_SPOT}"><title>{escape(label)}</title></circle>'
        )
        shapes.append(f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{escape(result.policy)}</text>')
    shapes.append(f'<text x="4" y="{_y(1):.0f}">{top:.2f}</text>')
    shapes.append(
        f'<text x="{_MARGIN}" y="{_HEIGHT - 8}">always enough; further right: short up to {most_short:.4f} of the time</text>'
    )
    return _svg(shapes)


def _svg(shapes: Sequence[str]) -> str:
    axes = f'<path fill="none" stroke="#999" d="M{_MARGIN} {_y(1):.0f} V{_y(0):.0f} H{_WIDTH - _MARGIN}"/>'
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}">{axes}{"".join(shapes)}</svg>'


def _y(share: float) -> float:
    return _HEIGHT - 30 - share * (_HEIGHT - 50)


def _png(file: Path, title: str, history: History, results: Sequence[Result]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    above, below = figure.subplots(2, 1)
    count = len(history.spot)
    days = [history.days * at / count for at in range(count)]
    above.stackplot(
        days,
        history.spot,
        history.on_demand,
        labels=("spot", "on demand"),
        colors=(_SPOT, _ON_DEMAND),
    )
    above.plot(days, history.wanted, color=_WANTED, linewidth=1, label="wanted")
    above.set(title=title, xlabel="days", ylabel="ready replicas")
    above.legend(loc="lower right")
    for result in results:
        below.scatter(1 - result.outcome.availability, result.outcome.cost, color=_SPOT)
        below.annotate(result.policy, (1 - result.outcome.availability, result.outcome.cost))
    below.set(xlabel="share of time that was short", ylabel="cost relative to all on demand")
    figure.savefig(file, format="png")
