"""A drill as a picture: capacity by market against demand, and money, over the clouds' time."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from drills.outage import Played
from drills.scene import DrillError, Scene
from drills.summary import during
from drills.watch import Watch

_SPOT, _ON_DEMAND, _LINE = "#4c9f70", "#d98032", "#333333"


def check_plot(file: Path | None) -> None:
    """Raises DrillError where the picture cannot be drawn."""
    if file is None:
        return
    if file.suffix not in (".png", ".svg"):
        raise DrillError(f"--plot {file}: must end in .png or .svg")
    if importlib.util.find_spec("matplotlib") is None:
        raise DrillError(f"--plot {file}: needs matplotlib; make setup installs it")


def draw(file: Path, scene: Scene, watch: Watch, played: Played) -> None:
    """Draw it from two minutes before the loss on. Raises DrillError where the file cannot be written."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    before = [s for s in watch.samples if played.began - 120 <= s.at < played.began]
    samples = [*before, *during(watch, played)]
    minutes = [(s.at - played.began) / 60 for s in samples]
    spot = [s.ready_spot / scene.demand for s in samples]
    ready = [s.ready / scene.demand for s in samples]
    figure, (top, bottom) = pyplot.subplots(
        2, 1, figsize=(9, 5), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    top.fill_between(minutes, 0, spot, step="post", color=_SPOT, label="spot, ready")
    top.fill_between(minutes, spot, ready, step="post", color=_ON_DEMAND, label="on demand, ready")
    top.axhline(1, color=_LINE, linewidth=1, label="demand")
    top.axhline((scene.demand + scene.reserve) / scene.demand, color=_LINE, linewidth=1, linestyle=":", label="with reserve")  # fmt: skip
    for moment in played.moments:
        for axis in (top, bottom):
            axis.axvline(
                (moment.at - played.began) / 60, color=_LINE, linewidth=0.8, linestyle="--"
            )
        top.annotate(moment.what, ((moment.at - played.began) / 60, 0.02), rotation=90, fontsize=7, va="bottom", ha="right")  # fmt: skip
    top.set_ylabel("capacity / demand")
    top.set_ylim(0, None)
    top.legend(loc="lower right", fontsize=8)
    bottom.step(minutes, [s.usd_per_hour for s in samples], where="post", color=_LINE)
    bottom.set_ylabel("$/h")
    bottom.set_ylim(0, None)
    bottom.set_xlabel("minutes since the loss, clouds' time")
    try:
        figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)
    except OSError as error:
        raise DrillError(f"--plot {file}: {error.strerror or error}") from error
    finally:
        pyplot.close(figure)
