"""From a window of a closed loop to a row of the table, and whether the window was steady."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tools.measure.cells import Cell
from tools.measure.endpoint import Answer
from tools.measure.errors import CellSkipped

_TOLERANCE = 0.15
UNITS = {
    "input": "tokens",
    "output": "tokens",
    "req_per_s": "requests/s: output tokens that came in the window / output / window_s",
    "tpot_ms": "ms per output token after the first (mean over the tokens of the window; p50 and p99 over the requests "
    "finished in it, each over its tokens of the window)",
    "ttft_ms": "ms from sending to the first token, of the first tokens that came in the window (null: none did)",
    "finished": "requests finished in the window",
    "failed": "requests that failed while the cell was measured",
    "client_cpu_share": "share of the window that the measuring process computed; near 1 it limits the rate",
}


@dataclass(frozen=True, slots=True)
class Window:
    """What a window saw. `client_cpu_share` is the share of it that this process computed."""

    start: float
    end: float
    answers: tuple[Answer, ...]
    failed: int
    client_cpu_share: float


def row(cell: Cell, window: Window) -> dict[str, Any]:
    """One row. Tokens are counted by events, each worth the mean tokens of an event of the finished answers.

    Raises CellSkipped where no answer came in two events.
    """
    done = [answer for answer in window.answers if answer.finished is not None]
    made = sum(answer.completion_tokens for answer in done)
    events = sum(len(answer.tokens_at) for answer in done)
    if events == len(done):
        raise CellSkipped("every answer came in one piece: there is no time between tokens")
    tokens_per_gap = (made - len(done)) / (events - len(done))
    span = window.end - window.start
    tokens = made / events * sum(len(_inside(a.tokens_at, window)) for a in window.answers)
    gaps = {id(a): _gaps(a.tokens_at, window) / tokens_per_gap for a in window.answers}
    ended = [a for a in done if window.start < (a.finished or 0.0) <= window.end]
    waits = [
        a.tokens_at[0] - a.sent
        for a in window.answers
        if a.tokens_at and window.start < a.tokens_at[0] <= window.end
    ]
    every_gap = np.concatenate(list(gaps.values()))
    return {
        "input": cell.input,
        "output": cell.output,
        "concurrency": cell.concurrency,
        "req_per_s": round(tokens / cell.output / span, 4),
        "output_tok_per_s": round(tokens / span, 1),
        "tpot_ms_mean": _ms(every_gap.mean()),
        **_quantiles("tpot_ms", [gaps[id(a)].mean() for a in ended if gaps[id(a)].size]),
        "ttft_ms_mean": _ms(np.mean(waits)) if waits else None,
        **_quantiles("ttft_ms", waits),
        "finished": len(ended),
        "failed": window.failed,
        "window_s": round(span, 3),
        "client_cpu_share": round(window.client_cpu_share, 2),
    }


def is_steady(row: dict[str, Any]) -> bool:
    """Whether rate and latencies explain the requests in flight (Little's law), within 15 %.

    They do not where an engine paused at the window's edge: the tokens held back are in neither.
    """
    if row["ttft_ms_mean"] is None:
        return True
    latency_ms = row["ttft_ms_mean"] + (row["output"] - 1) * row["tpot_ms_mean"]
    explained = row["req_per_s"] * latency_ms / 1e3
    return bool(abs(explained / row["concurrency"] - 1) <= _TOLERANCE)


def _inside(times: Iterable[float], window: Window) -> list[float]:
    return [time for time in times if window.start < time <= window.end]


def _gaps(times: Iterable[float], window: Window) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds between events, of those that came in the window."""
    pairs = pairwise(times)
    return np.array([b - a for a, b in pairs if window.start < b <= window.end], dtype=np.float64)


def _quantiles(name: str, seconds: list[float]) -> dict[str, float | None]:
    return {f"{name}_p{q}": _ms(np.percentile(seconds, q)) if seconds else None for q in (50, 99)}


def _ms(seconds: float | np.floating[Any]) -> float:
    return round(float(seconds) * 1e3, 3)
