"""Mélange's input: the config file of tyler-griggs/melange-release (README, melange/config/example.json), checked.

Also read: GPUs as the list with names that its README describes, and the rate's older name `overall_rate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from allocator.errors import DataError, first_problem

_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Table = list[list[_Amount]]


class _Gpu(BaseModel):
    model_config = ConfigDict(extra="ignore")

    cost: _Amount
    tputs: _Table

    @field_validator("tputs")
    @classmethod
    def _even(cls, table: _Table) -> _Table:
        return _rectangular(table)


class Config(BaseModel):
    """Mélange's input: USD per hour and requests/s per bucket of every type; fractions of the traffic per bucket."""

    model_config = ConfigDict(extra="ignore")

    gpu_info: Annotated[dict[str, _Gpu], Field(min_length=1)]
    workload_distribution: _Table
    total_request_rate: Annotated[
        float,
        Field(
            gt=0,
            allow_inf_nan=False,
            validation_alias=AliasChoices("total_request_rate", "overall_rate"),
        ),
    ]
    slice_factor: Annotated[int, Field(ge=1)] = 1

    @field_validator("gpu_info", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """The README's list of GPUs, each with its name, as the files' object."""
        if not isinstance(given, list):
            return given
        if not all(isinstance(gpu, dict) and isinstance(gpu.get("name"), str) for gpu in given):
            raise ValueError("every GPU of a list needs a name")
        named = {gpu["name"]: gpu for gpu in given}
        if len(named) < len(given):
            raise ValueError("two GPUs of the list have the same name")
        return named

    @field_validator("workload_distribution")
    @classmethod
    def _even(cls, table: _Table) -> _Table:
        if not any(map(any, _rectangular(table))):
            raise ValueError("all buckets are 0: no traffic to serve")
        return table

    @model_validator(mode="after")
    def _same_sizes(self) -> Config:
        size = _size(self.workload_distribution)
        for name, gpu in self.gpu_info.items():
            if _size(gpu.tputs) != size:
                raise ValueError(
                    f"gpu_info.{name}.tputs is {_size(gpu.tputs)}, workload_distribution is {size}"
                )
        return self


def read_config(file: Path) -> Config:
    """Read and check a config file. Raises DataError."""
    try:
        return Config.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"mix {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"mix {file.name}: {first_problem(error)}") from error


def _rectangular(table: _Table) -> _Table:
    widths = [len(row) for row in table]
    if not table or not widths[0]:
        raise ValueError("needs a row per input size and a column per output size")
    for row, width in enumerate(widths):
        if width != widths[0]:
            raise ValueError(f"row {row} has {width} columns, row 0 has {widths[0]}")
    return table


def _size(table: _Table) -> str:
    return f"{len(table)} x {len(table[0])}"
