"""Tables from what others measured: results of `vllm bench serve`, throughput grids of Mélange and of AIBrix.

A grid says the highest rate that kept to a promise and no latency. Its rows take the promise for their latency, which
is an upper bound (`tpot_capped`), so that they serve under that promise or a looser one, never under a tighter one.
Cells without a rate are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import inf
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocator.errors import DataError, first_problem, unknown
from allocator.melange.config import read_config
from allocator.profile.table import TableFile

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Lengths = Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
_Grid = list[list[Annotated[float, Field(ge=0, allow_inf_nan=False)]]]
_File = TypeVar("_File", bound=BaseModel)
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a grid's file does not say: which of its GPUs, the lengths of rows and columns, the promise on TPOT."""

    gpu: str
    inputs: list[int]
    outputs: list[int]
    tpot_ms: float | None


class _Result(BaseModel):
    """What `vllm bench serve --save-result` writes; `request_rate` is "inf" for a closed loop."""

    model_config = ConfigDict(extra="ignore")

    date: str
    request_rate: Annotated[float, Field(gt=0)] = inf
    max_concurrency: Annotated[int, Field(gt=0)] | None = None
    completed: Annotated[int, Field(gt=0)]
    total_input_tokens: Annotated[int, Field(gt=0)]
    total_output_tokens: Annotated[int, Field(gt=0)]
    request_throughput: _Positive
    mean_tpot_ms: _Positive
    median_tpot_ms: float | None = None
    p99_tpot_ms: float | None = None
    mean_ttft_ms: float | None = None
    median_ttft_ms: float | None = None
    p99_ttft_ms: float | None = None
    mean_e2el_ms: float | None = None
    median_e2el_ms: float | None = None
    p99_e2el_ms: float | None = None


class _Promises(BaseModel):
    """AIBrix's promises, in seconds."""

    model_config = ConfigDict(extra="ignore")

    tpot: _Positive | None = None
    e2e: _Positive | None = None


class _AiBrix(BaseModel):
    """`tputs[output][input]`; `indexes` are the output and the input lengths."""

    model_config = ConfigDict(extra="ignore")

    tputs: _Grid
    indexes: Annotated[list[_Lengths], Field(min_length=2, max_length=2)]
    created: float | None = None
    slos: _Promises = _Promises()


def table_from(kind: str, files: list[Path], head: dict[str, Any], asked: Asked) -> str:
    """A table's JSON from files of a kind (KINDS) and what the caller knows of them. Raises DataError."""
    rows: Rows = []
    days: list[date] = []
    for file in files:
        found, day = KINDS[kind](file, asked)
        rows += found
        days += [day] if day else []
    if "measured_on" not in head:
        if not days:
            raise DataError(f"profile import {files[0].name}: tells no day; give --measured-on")
        head = {**head, "measured_on": min(days).isoformat()}
    content = {**head, "rows": rows}
    try:
        TableFile.model_validate(content)
    except ValidationError as error:
        raise DataError(f"profile import {files[0].name}: {first_problem(error)}") from error
    return json.dumps(content, indent=1) + "\n"


def _vllm(file: Path, _: Asked) -> tuple[Rows, date | None]:
    result = _read(file, _Result)
    load: dict[str, Any] = {"request_rate": result.request_rate}
    if result.request_rate == inf:
        load = {"concurrency": result.max_concurrency or result.completed}
    row = {
        "input": round(result.total_input_tokens / result.completed),
        "output": round(result.total_output_tokens / result.completed),
        **load,
        "req_per_s": result.request_throughput,
    }
    for ours, theirs in (("tpot", "tpot"), ("ttft", "ttft"), ("e2e", "e2el")):
        for figure, name in (("mean", "mean"), ("p50", "median"), ("p99", "p99")):
            if value := getattr(result, f"{name}_{theirs}_ms"):
                row[f"{ours}_ms_{figure}"] = value
    try:
        return [row], datetime.strptime(result.date, "%Y%m%d-%H%M%S").date()
    except ValueError:
        return [row], None


def _melange(file: Path, asked: Asked) -> tuple[Rows, date | None]:
    config = read_config(file)
    if asked.gpu not in config.gpu_info:
        raise DataError(f"profile import {file.name}: {unknown('GPU', asked.gpu, config.gpu_info)}")
    grid = config.gpu_info[asked.gpu].tputs
    if asked.tpot_ms is None:
        raise DataError(f"profile import {file.name}: tells no promise; give --tpot-ms")
    tpot = asked.tpot_ms
    return list(_bounded(file, grid, asked.inputs, asked.outputs, lambda _: tpot)), None


def _aibrix(file: Path, asked: Asked) -> tuple[Rows, date | None]:
    profile = _read(file, _AiBrix)
    outputs, inputs = profile.indexes
    grid = [list(column) for column in zip(*profile.tputs, strict=False)]
    tpot, whole = profile.slos.tpot, profile.slos.e2e
    if asked.tpot_ms is None and tpot is None and whole is None:
        raise DataError(
            f"profile import {file.name}: slos has neither tpot nor e2e; give --tpot-ms"
        )

    def bound(output: int) -> float:
        if asked.tpot_ms is not None:
            return asked.tpot_ms
        return tpot * 1e3 if tpot else (whole or 0) * 1e3 / (output - 1)

    day = None if profile.created is None else datetime.fromtimestamp(profile.created, UTC).date()
    return list(_bounded(file, grid, inputs, outputs, bound)), day


KINDS: dict[str, Callable[[Path, Asked], tuple[Rows, date | None]]] = {
    "vllm": _vllm,
    "melange": _melange,
    "aibrix": _aibrix,
}


def _bounded(
    file: Path, grid: _Grid, inputs: list[int], outputs: list[int], bound: Callable[[int], float]
) -> Iterator[dict[str, Any]]:
    """Rows of a grid [input][output] whose rates kept to a TPOT that depends on the output length."""
    if len(grid) != len(inputs) or any(len(row) != len(outputs) for row in grid):
        raise DataError(
            f"profile import {file.name}: the grid is {len(grid)} x {len(grid[0]) if grid else 0} (input x output), "
            f"the lengths given are {len(inputs)} x {len(outputs)}; name them with --inputs and --outputs"
        )
    for input_tokens, row in zip(inputs, grid, strict=True):
        for output, rate in zip(outputs, row, strict=True):
            if rate and output > 1:
                yield {
                    "input": input_tokens, "output": output, "request_rate": rate, "req_per_s": rate,
                    "tpot_ms_mean": round(bound(output), 3), "tpot_capped": True,
                }  # fmt: skip


def _read(file: Path, kind: type[_File]) -> _File:
    try:
        return kind.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"profile import {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"profile import {file.name}: {first_problem(error)}") from error
