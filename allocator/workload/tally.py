"""A histogram from a stream of requests, in memory that does not grow with the log.

Requests are counted on a fixed grid of lengths, ten per decade and the plan's own edges, and on given edges exactly. Where
none are given they are chosen of that grid, at most as many bins as a plan keeps: each side is cut where the requests,
shortest first, pass equal shares of all requests and where they pass equal shares of all tokens. So neither the many
short ones nor the few long ones are all in one bin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocator.workload.buckets import INPUT_UPPER, OUTPUT_UPPER
from allocator.workload.histogram import LONGEST
from allocator.workload.log import Request

_BATCH = 16_384
_PER_DECADE = (10, 12.5, 16, 20, 25, 32, 40, 50, 64, 80)
_GRID = {round(m * 10**k) for m in _PER_DECADE for k in range(7)} | {LONGEST}
_PERCENTILES = (50, 90, 95, 99)
Array = NDArray[np.int64]


class Tally:
    """Counts of requests by length and by time. `edges`: upper ends of the closed bins of inputs and outputs."""

    def __init__(
        self, edges: tuple[Sequence[int], Sequence[int]] | None = None, window_s: float = 60.0
    ) -> None:
        self.edges, self.window_s = edges, window_s
        given = edges or (INPUT_UPPER, OUTPUT_UPPER)
        self._grids = [np.array(sorted(_GRID | set(side))) for side in given]
        self._cells: Array = np.zeros([len(grid) for grid in self._grids], dtype=np.int64)
        self._lengths: list[Array] = [np.zeros(1, dtype=np.int64) for _ in given]
        self._windows: Counter[int] = Counter()
        self._times: tuple[float, float] | None = None
        self.empty = 0

    def add(self, requests: Iterable[Request]) -> None:
        """Count them. Requests without input or output tokens did no work: they are counted in `empty` alone."""
        stream = iter(requests)
        while batch := list(islice(stream, _BATCH)):
            kept = [request for request in batch if request.input and request.output]
            self.empty += len(batch) - len(kept)
            if kept:
                self._count(kept)

    def _count(self, batch: list[Request]) -> None:
        sides = [np.array([request[side] for request in batch]) for side in (0, 1)]
        places = [
            np.searchsorted(grid, side) for grid, side in zip(self._grids, sides, strict=True)
        ]
        np.add.at(self._cells, tuple(places), 1)
        for number, side in enumerate(sides):
            more = np.bincount(side, minlength=len(self._lengths[number]))
            more[: len(self._lengths[number])] += self._lengths[number]
            self._lengths[number] = more
        if batch[0].at_s is not None:
            times = np.array([request.at_s for request in batch])
            first, last = self._times or (np.inf, -np.inf)
            self._times = min(first, float(times.min())), max(last, float(times.max()))
            numbers, counts = np.unique(np.floor(times / self.window_s), return_counts=True)
            self._windows.update(dict(zip(map(int, numbers), map(int, counts), strict=True)))

    @property
    def requests(self) -> int:
        """All that were counted."""
        return int(self._cells.sum())

    def histogram(self, clipped_percent: float = 0.0) -> dict[str, Any]:
        """The keys of a histogram's file that the counts give; there must be some.

        Of each side the longest `clipped_percent` at most count as if they were as long as the next shorter.
        """
        longest = [_limit(lengths, clipped_percent) for lengths in self._lengths]
        clipped = [_clip(lengths, top) for lengths, top in zip(self._lengths, longest, strict=True)]
        edges = self.edges or [
            _chosen(grid, lengths, len(fixed) + 1)
            for grid, lengths, fixed in zip(self._grids, clipped, (INPUT_UPPER, OUTPUT_UPPER), strict=True)
        ]  # fmt: skip
        edges = [[e for e in side if e < top] for side, top in zip(edges, longest, strict=True)]
        cells = self._cells
        for axis, (grid, side) in enumerate(zip(self._grids, edges, strict=True)):
            starts = [0, *(np.searchsorted(grid, side) + 1)]
            cells = np.add.reduceat(cells, starts, axis=axis)
        content: dict[str, Any] = {
            "input_upper": [*map(int, edges[0]), None],
            "output_upper": [*map(int, edges[1]), None],
            "counts": cells.tolist(),
            "input_means": _means(clipped[0], edges[0]),
            "output_means": _means(clipped[1], edges[1]),
            "input_tokens": _summary(clipped[0]),
            "output_tokens": _summary(clipped[1]),
        }
        if clipped_percent:
            content["clipped"] = {
                f"{name}_above": top
                for name, top in zip(("input", "output"), longest, strict=True)
            } | {
                f"{name}_share": float(f"{lengths[top + 1 :].sum() / lengths.sum():.4g}")
                for name, top, lengths in zip(("input", "output"), longest, self._lengths, strict=True)
            }  # fmt: skip
        return content

    def arrivals(self) -> dict[str, float] | None:
        """Requests per second: the mean, percentiles of the whole windows, the peak of any; None without times.

        Windows are aligned to the clock. The first and the last, only partly covered, are left out of the percentiles.
        """
        first, last = self._times or (0.0, 0.0)
        if last == first:
            return None
        whole = range(min(self._windows) + 1, max(self._windows))
        busy = sorted(self._windows[each] for each in self._windows if each in whole)
        idle = len(whole) - len(busy)
        ranks = {p: max(-(-p * len(whole) // 100) - 1, 0) for p in _PERCENTILES}
        found: dict[str, float] = {
            "duration_s": round(last - first, 3),
            "mean_req_s": float(f"{self.requests / (last - first):.6g}"),
            "window_s": self.window_s,
            "windows": len(whole),
        }
        if whole:
            found |= {
                f"p{p}_req_s": float(f"{(busy[rank - idle] if rank >= idle else 0) / self.window_s:.6g}")
                for p, rank in ranks.items()
            }  # fmt: skip
            found["peak_req_s"] = float(f"{max(self._windows.values()) / self.window_s:.6g}")
        return found


def _limit(lengths: Array, percent: float) -> int:
    """The shortest length that no more than so many percent exceed."""
    beyond = lengths.sum() - np.cumsum(lengths)
    return int(np.argmax(beyond <= percent / 100 * lengths.sum()))


def _clip(lengths: Array, top: int) -> Array:
    clipped = lengths[: top + 1].copy()
    clipped[top] += lengths[top + 1 :].sum()
    return clipped


def _chosen(grid: Array, lengths: Array, most: int) -> list[int]:
    """Closed edges that make at most so many bins with the open one."""
    parts = (most + 1) // 2
    tokens = lengths * np.arange(len(lengths))
    cuts = set()
    for weights in (lengths, tokens):
        below = np.cumsum(weights)
        shares = below[-1] * np.arange(1, parts) / parts
        cuts |= set(np.searchsorted(grid, np.searchsorted(below, shares)))
    return [int(grid[cut]) for cut in sorted(cuts)]


def _means(lengths: Array, edges: Sequence[int]) -> list[float | None]:
    starts = [0, *(edge + 1 for edge in edges)]
    counts = np.add.reduceat(lengths, starts)
    tokens = np.add.reduceat(lengths * np.arange(len(lengths)), starts)
    return [round(t / c, 3) if c else None for t, c in zip(tokens.tolist(), counts.tolist(), strict=True)]  # fmt: skip


def _summary(lengths: Array) -> dict[str, float]:
    below, total = np.cumsum(lengths), int(lengths.sum())
    mean = float((lengths * np.arange(len(lengths))).sum()) / total
    found: dict[str, float] = {
        f"p{p}": int(np.searchsorted(below, p / 100 * total)) for p in (10, 25, 50, 75, 90, 95, 99)
    }
    return found | {"mean": round(mean, 2), "max": len(lengths) - 1}
