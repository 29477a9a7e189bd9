"""The answer to a config of Mélange, for machines and for people."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocator.errors import InfeasibleError
from allocator.melange.config import Config
from allocator.melange.search import cheapest_fleet

MOST = 1e12
"""A type that a single bucket would need more of than this does not serve it."""
OFF = 1e-6
"""A distribution whose sum is further than this from 1 is worth a word."""


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


def solve(config: Config) -> Answer:
    """The cheapest counts and their routing. Raises InfeasibleError where a bucket has traffic and nothing serves it.

    A bucket's rate is its entry times the total rate, as published, also where the entries do not sum to 1.
    """
    started = time.perf_counter()
    names = list(config.gpu_info)
    with np.errstate(divide="ignore", over="ignore"):
        rates = np.array(config.workload_distribution) * config.total_request_rate
        places = np.argwhere(rates > 0)
        throughput = np.array([gpu.tputs for gpu in config.gpu_info.values()])[:, rates > 0]
        rates = rates[rates > 0]
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
