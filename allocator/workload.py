"""Workloads: request-size histograms, and the buckets the optimizer works with."""

from __future__ import annotations

import bisect
from collections import defaultdict
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from allocator.errors import DataError, first_problem
from allocator.plan import Bucket, Source, digest_of

INPUT_UPPER = (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000)
OUTPUT_UPPER = (50, 100, 250, 500, 1000, 2000, 4000)
"""Edges of the buckets, tokens: every shipped histogram has them among its own edges."""

_LONGEST = 10_000_000
"""Tokens; longer than any request, so that a slip of the pen is refused and not planned for."""

_Upper = Annotated[int, Field(gt=0, le=_LONGEST)]
_Count = Annotated[int, Field(ge=0, le=10**15)]


class Histogram(BaseModel):
    """Requests counted by input and output length.

    `counts[i][o]`: a length v falls into the first bin with v <= upper; a last upper of null is open, and the
    longest request seen (`max`) closes it here.
    """

    model_config = ConfigDict(extra="ignore")

    class Lengths(BaseModel):
        max: Annotated[float, Field(gt=0, le=_LONGEST, allow_inf_nan=False)]

    name: str
    input_upper: list[_Upper | None]
    output_upper: list[_Upper | None]
    counts: list[list[_Count]]
    input_tokens: Lengths
    output_tokens: Lengths

    @model_validator(mode="after")
    def _consistent(self) -> Histogram:
        for side in (self.input_upper, self.output_upper):
            closed = [upper for upper in side if upper is not None]
            if None in side[:-1] or closed != sorted(set(closed)) or not side:
                raise ValueError("bin edges must rise, only the last may be null")
        if [len(row) for row in self.counts] != [len(self.output_upper)] * len(self.input_upper):
            raise ValueError("counts must have a row per input bin and a column per output bin")
        if not any(map(sum, self.counts)):
            raise ValueError("counts are all zero")
        return self


def read_histogram(file: Path) -> tuple[Histogram, Source]:
    """Read and check a histogram file. Raises DataError."""
    try:
        histogram = Histogram.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"workload {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"workload {file.name}: {first_problem(error, Histogram)}") from error
    return histogram, Source(histogram.name, digest_of(histogram.model_dump()), "")


def buckets(histogram: Histogram, requests_per_second: float) -> tuple[Bucket, ...]:
    """The histogram's traffic on the fixed edges; every request is in exactly one bucket.

    A bucket's size is the traffic-weighted mean of its bins' middles, so that merging keeps the tokens per second.
    """
    inputs = _bins(histogram.input_upper, histogram.input_tokens.max)
    outputs = _bins(histogram.output_upper, histogram.output_tokens.max)
    merged: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for (in_middle, in_upper), row in zip(inputs, histogram.counts, strict=True):
        for (out_middle, out_upper), count in zip(outputs, row, strict=True):
            if count:
                place = (
                    bisect.bisect_left(INPUT_UPPER, in_upper),
                    bisect.bisect_left(OUTPUT_UPPER, out_upper),
                )
                sums = merged[place]
                sums[0] += count
                sums[1] += count * in_middle
                sums[2] += count * out_middle
    total = sum(map(sum, histogram.counts))
    return tuple(
        Bucket(
            input_tokens=max(1, round(in_sum / count)),
            output_tokens=max(2, round(out_sum / count)),
            input_upper=_edge(INPUT_UPPER, i),
            output_upper=_edge(OUTPUT_UPPER, o),
            requests_per_second=float(f"{requests_per_second * count / total:.9g}"),
        )
        for (i, o), (count, in_sum, out_sum) in sorted(merged.items())
    )


def _bins(uppers: list[int | None], longest: float) -> list[tuple[float, float]]:
    """Middle and upper end of each bin."""
    bins, low = [], 0.0
    for upper in uppers:
        high = float(upper) if upper is not None else max(longest, low + 1)
        bins.append(((low + high) / 2, high))
        low = high
    return bins


def _edge(edges: tuple[int, ...], index: int) -> int | None:
    return edges[index] if index < len(edges) else None
