"""A workload's file: requests counted by input and output length, and where they are from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from allocator.errors import DataError, first_problem
from allocator.plan import Source, digest_of

LONGEST = 10_000_000
"""Tokens; longer than any request, so that a slip of the pen is refused and not planned for."""
AXIS = (
    "counts[input_bin][output_bin]; a value v falls in the first bin with v <= upper; the last bin (upper null) is open; "
    "means are of the tokens in each bin"
)

_Upper = Annotated[int, Field(gt=0, le=LONGEST)]
_Count = Annotated[int, Field(ge=0, le=10**15)]
_Tokens = Annotated[float, Field(gt=0, le=LONGEST, allow_inf_nan=False)]
_Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Read = TypeVar("_Read", bound="Histogram")


class Histogram(BaseModel):
    """Requests counted by input and output length.

    `counts[i][o]`: a length v falls into the first bin with v <= upper; a last upper of null is open, and the
    longest request seen (`max`) closes it here. `*_means`: mean tokens of each bin, null where it is empty; without
    them a bin's middle stands for it.
    """

    model_config = ConfigDict(extra="ignore")

    class Lengths(BaseModel):
        max: _Tokens

    name: str
    input_upper: list[_Upper | None]
    output_upper: list[_Upper | None]
    counts: list[list[_Count]]
    input_tokens: Lengths
    output_tokens: Lengths
    input_means: list[_Tokens | None] | None = None
    output_means: list[_Tokens | None] | None = None

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
        for uppers, means in (
            (self.input_upper, self.input_means),
            (self.output_upper, self.output_means),
        ):
            if means is not None and not _within(uppers, means):
                raise ValueError("means must be one per bin, each within it")
        return self

    @property
    def requests(self) -> int:
        """All that were counted."""
        return sum(map(sum, self.counts))

    def inputs(self) -> list[float]:
        """Tokens that stand for each input bin."""
        return _sizes(self.input_upper, self.input_tokens.max, self.input_means)

    def outputs(self) -> list[float]:
        """Tokens that stand for each output bin."""
        return _sizes(self.output_upper, self.output_tokens.max, self.output_means)


class Arrivals(BaseModel):
    """Requests per second: the mean, and of `windows` whole windows of `window_s` seconds the percentiles and the peak."""

    model_config = ConfigDict(extra="ignore")

    mean_req_s: _Rate
    duration_s: float | None = None
    window_s: float | None = None
    windows: int | None = None
    p50_req_s: float | None = None
    p90_req_s: float | None = None
    p95_req_s: float | None = None
    p99_req_s: float | None = None
    peak_req_s: float | None = None


class Described(Histogram):
    """A histogram with what its file says about its origin."""

    n: int | None = None
    kind: str = ""
    title: str = ""
    source: str = ""
    license: str = ""
    cite: str = ""
    note: str = ""
    arrivals: Arrivals | None = None


def read_histogram(file: Path) -> tuple[Histogram, Source]:
    """Read and check a histogram file. Raises DataError."""
    histogram = _read(file, Histogram)
    content = histogram.model_dump(exclude_none=True)
    return histogram, Source(histogram.name, digest_of(content), "")


def read_described(file: Path) -> Described:
    """The same with its origin. Raises DataError."""
    return _read(file, Described)


def write_histogram(file: Path, content: dict[str, Any]) -> None:
    """Write a histogram's keys, one a line. Raises DataError."""
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    try:
        file.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"workload {file}: {error.strerror}") from error


def _read(file: Path, kind: type[_Read]) -> _Read:
    try:
        return kind.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"workload {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"workload {file.name}: {first_problem(error, kind)}") from error


def _within(uppers: list[int | None], means: list[float | None]) -> bool:
    lows = [0, *(upper or 0 for upper in uppers[:-1])]
    return len(means) == len(uppers) and all(
        mean is None or low < mean <= (upper or LONGEST)
        for low, upper, mean in zip(lows, uppers, means, strict=True)
    )


def _sizes(
    uppers: list[int | None], longest: float, means: list[float | None] | None
) -> list[float]:
    sizes, low = [], 0.0
    for upper, mean in zip(uppers, means or [None] * len(uppers), strict=True):
        high = float(upper) if upper is not None else max(longest, low + 1)
        sizes.append((low + high) / 2 if mean is None else mean)
        low = high
    return sizes
