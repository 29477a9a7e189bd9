"""Mélange's own question, answered exactly: its config format in, counts, routing and proof out.

The published model cuts every bucket into `slice_factor` slices and gives each to one type. Here buckets are divided
freely, so the cost is never above that model's optimum at any slice factor, and the answer says how to route. Format:
tyler-griggs/melange-release, README and melange/config/example.json; GPUs also as its README's list with `name`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from allocator.errors import DataError, InfeasibleError, first_problem
from allocator.melange_search import cheapest_fleet

_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Table = list[list[_Amount]]
MOST = 1e12
"""A type that a single bucket would need more of than this does not serve it."""
OFF = 1e-6
"""A distribution whose sum is further than this from 1 is worth a word."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """Counts per type, USD per hour, its proven lower bound, and per bucket [input][output] the share of each type.

    A bucket without traffic has no shares. `seconds` is for building and solving the model. `loads` per type is the
    number of GPUs that the routing keeps busy; `notes` are what the user should know about the input.
    """

    counts: dict[str, int]
    cost: float
    bound: float
    routing: list[list[dict[str, float]]]
    seconds: float
    loads: dict[str, float]
    traffic: dict[str, float]
    notes: tuple[str, ...]

    @property
    def gap(self) -> float:
        """Relative distance of cost and bound."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "counts": self.counts,
            "cost": self.cost,
            "bound": self.bound,
            "gap": self.gap,
            "routing": self.routing,
            "seconds": self.seconds,
        }


def read_config(file: Path) -> Config:
    """Read and check a config file. Raises DataError."""
    try:
        return Config.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"mix {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"mix {file.name}: {first_problem(error)}") from error


def solve(config: Config) -> Answer:
    """The cheapest counts and their routing. Raises InfeasibleError where a bucket has traffic and nothing serves it.

    A bucket's rate is its entry times the total rate, as published, also where the entries do not sum to 1.
    """
    started = time.perf_counter()
    names = list(config.gpu_info)
    rates = np.array(config.workload_distribution) * config.total_request_rate
    places = np.argwhere(rates > 0)
    throughput = np.array([gpu.tputs for gpu in config.gpu_info.values()])[:, rates > 0]
    rates = rates[rates > 0]
    with np.errstate(divide="ignore", over="ignore"):
        work = rates / throughput
    work[work > MOST] = np.inf
    _check_served(work, places, rates)
    costs = np.array([gpu.cost for gpu in config.gpu_info.values()])
    fleet = cheapest_fleet(costs, work)
    seconds = time.perf_counter() - started
    used = fleet.shares > 0
    loads = np.where(used, fleet.shares, 0.0) * np.where(used, work, 0.0)
    return Answer(
        counts=dict(zip(names, fleet.counts, strict=True)),
        cost=fleet.cost,
        bound=fleet.bound,
        routing=_routing(config, names, places, fleet.shares),
        seconds=seconds,
        loads=dict(zip(names, loads.sum(axis=1).tolist(), strict=True)),
        traffic=dict(zip(names, (fleet.shares @ rates / rates.sum()).tolist(), strict=True)),
        notes=_notes(config),
    )


def _check_served(work: np.ndarray, places: np.ndarray, rates: np.ndarray) -> None:
    unserved = np.flatnonzero(np.isinf(work).all(axis=0))
    if len(unserved):
        row, column = places[unserved[0]].tolist()
        more = f" (and {len(unserved) - 1} more)" if len(unserved) > 1 else ""
        raise InfeasibleError(
            f"no GPU type serves bucket [{row}][{column}] with {rates[unserved[0]]:.6g} requests/s{more}; "
            "add a type with a throughput there, or set its share to 0"
        )


def _routing(
    config: Config, names: list[str], places: np.ndarray, shares: np.ndarray
) -> list[list[dict[str, float]]]:
    routing: list[list[dict[str, float]]] = [
        [{} for _ in row] for row in config.workload_distribution
    ]
    for (row, column), parts in zip(places.tolist(), shares.T.tolist(), strict=True):
        routing[row][column] = {name: part for name, part in zip(names, parts, strict=True) if part}
    return routing


def _notes(config: Config) -> tuple[str, ...]:
    total = sum(map(sum, config.workload_distribution))
    if abs(total - 1) <= OFF:
        return ()
    return (
        f"workload_distribution sums to {total:.6g}, not 1; taken as it is, so the traffic is "
        f"{total * config.total_request_rate:.6g} requests/s",
    )


def table(answer: Answer) -> str:
    """The answer for a person: a line per type that is bought, cost and proof."""
    width = max(map(len, answer.counts))
    lines = [f"{'gpu':<{width}}  {'count':>7}  {'busy':>11}  {'traffic':>7}"]
    lines += [
        f"{name:<{width}}  {count:>7}  {answer.loads[name]:>11.3f}  {answer.traffic[name]:>7.1%}"
        for name, count in answer.counts.items()
        if count
    ]
    lines += [
        f"cost   ${answer.cost:.6g}/h, proven at least ${answer.bound:.6g}/h (gap {answer.gap:.1e})",
        f"found  in {answer.seconds * 1000:.1f} ms; the share of every bucket is in --json",
    ]
    return "\n".join(lines)


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
