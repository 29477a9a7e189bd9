"""Several workloads as one: their histograms on the edges they share, weighted by their rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocator.errors import DataError
from allocator.workload.histogram import AXIS, Described

_COUNTED = 10**9
"""Requests that the counts of a merged file add up to, about."""


def merged(
    name: str, parts: Sequence[Described], weights: Sequence[float] | None, scale: float = 1.0
) -> dict[str, Any]:
    """The keys of a merged file. `weights`: requests per second of each part, else their own mean rates.

    Bins are joined, never split: exact, but as coarse as the parts have edges in common. Raises DataError where a part
    has no rate, or where nothing but one bin is left of a side.
    """
    rates = weights or [_rate(part) for part in parts]
    if len(rates) != len(parts):
        raise DataError(f"--weights: {len(rates)} for {len(parts)} workloads; give one for each")
    names = ("input", "output")
    shared = [_shared(parts, side) for side in names]
    cells = sum(_joined(part, shared) * rate for part, rate in zip(parts, rates, strict=True))
    content: dict[str, Any] = {
        "name": name,
        "kind": "merged",
        "axis": AXIS,
        "input_upper": [*shared[0], None],
        "output_upper": [*shared[1], None],
        "counts": np.ceil(np.asarray(cells) / sum(rates) * _COUNTED).astype(int).tolist(),
    }
    for axis, side in enumerate(names):
        means = [_mean(parts, rates, axis, low, high) for low, high in _bins(shared[axis])]
        content[f"{side}_means"] = means
    for axis, side in enumerate(names):
        longest = max(getattr(part, f"{side}_tokens").max for part in parts)
        content[f"{side}_tokens"] = {
            "mean": _mean(parts, rates, axis, 0, None), "max": longest,
        }  # fmt: skip
    described = ("title", "source", "license", "cite", "note")
    content["parts"] = [
        {"name": part.name, "req_s": rate}
        | {key: getattr(part, key) for key in described if getattr(part, key)}
        for part, rate in zip(parts, rates, strict=True)
    ]
    names_of = ", ".join(f"{part.name} ({rate:g} req/s)" for part, rate in zip(parts, rates, strict=True))  # fmt: skip
    content["title"] = f"merged from {names_of}"
    content["arrivals"] = {"mean_req_s": float(f"{scale * sum(rates):.6g}")}
    return content


def _rate(part: Described) -> float:
    if part.arrivals is None:
        raise DataError(f"workload {part.name}: tells no rate; give --weights")
    return part.arrivals.mean_req_s


def _uppers(part: Described, side: str) -> list[int | None]:
    found: list[int | None] = getattr(part, f"{side}_upper")
    return found


def _shared(parts: Sequence[Described], side: str) -> list[int]:
    """Closed edges that every part has; a part whose last bin is closed has all edges beyond it too."""
    edges = {upper for part in parts for upper in _uppers(part, side) if upper is not None}
    for part in parts:
        own = _uppers(part, side)
        edges = {e for e in edges if e in own or (own[-1] is not None and e > own[-1])}
    if not edges and any(len(_uppers(part, side)) > 1 for part in parts):
        raise DataError(
            f"workload merge: the {side} bins have no edge in common; make one with workload from-log --edges NAME of the other"
        )
    return sorted(edges)


def _bins(edges: Sequence[int]) -> list[tuple[int, int | None]]:
    return list(zip([0, *edges], [*edges, None], strict=True))


def _inside(part: Described, side: str, low: int, high: int | None) -> list[int]:
    """Numbers of a part's bins within (low, high]."""
    return [
        number
        for number, upper in enumerate(_uppers(part, side))
        if (upper is None or upper > low) and (high is None or (upper is not None and upper <= high))
    ]  # fmt: skip


def _joined(part: Described, shared: list[list[int]]) -> NDArray[np.float64]:
    """Shares of the part's requests on the shared bins."""
    counts = np.array(part.counts, dtype=float)
    rows = [_inside(part, "input", *each) for each in _bins(shared[0])]
    columns = [_inside(part, "output", *each) for each in _bins(shared[1])]
    joined = [[float(counts[np.ix_(i, o)].sum()) for o in columns] for i in rows]
    return np.array(joined) / part.requests


def _mean(
    parts: Sequence[Described], rates: Sequence[float], axis: int, low: int, high: int | None
) -> float | None:
    """Tokens of the requests within a bin, on average over all parts."""
    requests = tokens = 0.0
    for part, rate in zip(parts, rates, strict=True):
        side = ("input", "output")[axis]
        sizes = part.inputs() if axis == 0 else part.outputs()
        shares = np.array(part.counts, dtype=float).sum(axis=1 - axis) / part.requests
        for number in _inside(part, side, low, high):
            requests += rate * shares[number]
            tokens += rate * shares[number] * sizes[number]
    return round(tokens / requests, 3) if requests else None
