"""Who serves what: the shares of every bucket per (cell, shape), with all replicas equally busy, also after a loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from allocator.plan import PPM, Bucket, Route, Shape
from allocator.solver import INFINITY, Program, Row, solve_linear

_Key = TypeVar("_Key", str, int, tuple[str, str])
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class Place:
    """Replicas of a shape in a cell."""

    cell: str
    shape: Shape
    replicas: int


@dataclass(frozen=True, slots=True)
class Routing:
    """Routes, and the part of the demand that they serve without overload (at most 1)."""

    routes: tuple[Route, ...]
    served: float


def route(places: Sequence[Place], buckets: Sequence[Bucket]) -> Routing:
    """The routing whose busiest replicas are the least busy, their load spread alike over the cells.

    Two steps: the linear program finds shares per shape that level the shapes' loads; a shape's share goes to its cells in
    proportion to its replicas there. Shares are whole parts per million.
    """
    spots = _gathered(places)
    shapes = {place.shape.key: place.shape for place in spots}
    keys = sorted(shapes)
    replicas = np.array([sum(p.replicas for p in spots if p.shape.key == key) for key in keys])
    shares, busiest = _levelled([shapes[key] for key in keys], replicas, buckets)
    table = np.zeros((len(spots), len(buckets)), dtype=int)
    for b in range(len(buckets)):
        wanted = {
            n: shares[b, keys.index(p.shape.key)] * p.replicas / replicas[keys.index(p.shape.key)]
            for n, p in enumerate(spots)
            if shares[b, keys.index(p.shape.key)] > NEGLIGIBLE
        }
        for n, ppm in in_ppm(wanted).items():
            table[n, b] = ppm
    routes = tuple(
        Route(p.cell, p.shape.key, tuple(int(ppm) for ppm in row))
        for p, row in zip(spots, table, strict=True)
        if row.any()
    )
    return Routing(routes, min(1.0, 1.0 / busiest))


def _gathered(places: Sequence[Place]) -> list[Place]:
    """One place per cell and shape, whatever the machines and markets, in a fixed order."""
    shapes = {place.shape.key: place.shape for place in places}
    replicas: Counter[tuple[str, str]] = Counter()
    for place in places:
        replicas[place.cell, place.shape.key] += place.replicas
    return [Place(cell, shapes[key], count) for (cell, key), count in sorted(replicas.items()) if count]  # fmt: skip


def _levelled(
    shapes: Sequence[Shape], replicas: np.ndarray, buckets: Sequence[Bucket]
) -> tuple[np.ndarray, float]:
    """Shares per bucket and shape that make the busiest shape least busy, and how busy that is (1: just enough)."""
    rates = np.array([shape.requests_per_second for shape in shapes]).T
    pairs = [(b, g) for b, g in np.argwhere(rates > 0) if replicas[g]]
    costs = np.zeros(len(pairs) + 1)
    costs[0] = 1.0
    rows: list[Row] = []
    for b in range(len(buckets)):
        mine = [n for n, pair in enumerate(pairs, 1) if pair[0] == b]
        rows.append((1.0, 1.0, mine, np.ones(len(mine))))
    for g in range(len(shapes)):
        mine = [n for n, pair in enumerate(pairs, 1) if pair[1] == g]
        if mine:
            load = [buckets[pairs[n - 1][0]].requests_per_second / rates[pairs[n - 1]] / replicas[g] for n in mine]  # fmt: skip
            rows.append((-INFINITY, 0.0, [*mine, 0], [*load, -1.0]))
    upper = np.full(len(costs), INFINITY)
    answer = solve_linear(Program(costs, upper, np.zeros(len(costs), dtype=bool), rows))
    shares = np.zeros(rates.shape)
    for (b, g), share in zip(pairs, answer.values[1:], strict=True):
        shares[b, g] = max(float(share), 0.0)
    return shares, float(answer.values[0])


def in_ppm(shares: Mapping[_Key, float]) -> dict[_Key, int]:
    """Parts per million that add up to exactly PPM: largest remainders get the rest, ties by key."""
    total = sum(shares.values())
    exact = {key: share / total * PPM for key, share in shares.items()}
    whole = {key: int(value) for key, value in exact.items()}
    rest = PPM - sum(whole.values())
    for key in sorted(exact, key=lambda key: (whole[key] - exact[key], key))[:rest]:
        whole[key] += 1
    return whole
