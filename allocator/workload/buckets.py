"""The buckets that the optimizer works with: a histogram's traffic, merged where it has more bins than a plan needs."""

from __future__ import annotations

import bisect
from collections import defaultdict

from allocator.plan import Bucket
from allocator.workload.histogram import Histogram

INPUT_UPPER = (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000)
OUTPUT_UPPER = (50, 100, 250, 500, 1000, 2000, 4000)
"""Edges of the buckets, tokens, for histograms with more bins than these make."""


def buckets(histogram: Histogram, requests_per_second: float) -> tuple[Bucket, ...]:
    """The histogram's traffic; every request is in exactly one bucket.

    A side with few bins keeps its edges; of one with more than the fixed edges make, each fixed edge moves up to the
    next of its own, so that no bin is split. The last bucket of a side is open. A bucket's size is the traffic-weighted
    mean of its bins' (their means, else their middles), so that merging keeps the tokens per second.
    """
    ins = _edges(histogram.input_upper, INPUT_UPPER)
    outs = _edges(histogram.output_upper, OUTPUT_UPPER)
    in_places = _places(histogram.input_upper, ins)
    out_places = _places(histogram.output_upper, outs)
    out_sizes = histogram.outputs()
    merged: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for i, in_size, row in zip(in_places, histogram.inputs(), histogram.counts, strict=True):
        for o, out_size, count in zip(out_places, out_sizes, row, strict=True):
            if count:
                sums = merged[i, o]
                sums[0] += count
                sums[1] += count * in_size
                sums[2] += count * out_size
    total = histogram.requests
    return tuple(
        Bucket(
            input_tokens=max(1, round(in_sum / count)),
            output_tokens=max(2, round(out_sum / count)),
            input_upper=_edge(ins, i),
            output_upper=_edge(outs, o),
            requests_per_second=float(f"{requests_per_second * count / total:.9g}"),
        )
        for (i, o), (count, in_sum, out_sum) in sorted(merged.items())
    )


def _edges(uppers: list[int | None], fixed: tuple[int, ...]) -> list[int]:
    """Of a side's closed buckets."""
    own = [upper for upper in uppers if upper is not None]
    if len(uppers) <= len(fixed) + 1:
        return own if None in uppers else own[:-1]
    at = {bisect.bisect_left(own, edge) for edge in fixed}
    return [own[place] for place in sorted(at) if place < len(own)]


def _places(uppers: list[int | None], edges: list[int]) -> list[int]:
    """The bucket of each bin."""
    return [len(edges) if upper is None else bisect.bisect_left(edges, upper) for upper in uppers]


def _edge(edges: list[int], index: int) -> int | None:
    return edges[index] if index < len(edges) else None
