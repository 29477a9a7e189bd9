"""Which on-demand pools stand in for a spot pool: the same machine first, then others of the region, then of the cloud."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from allocator.candidates import Candidate
from allocator.plan import PPM, Bucket, Shape
from allocator.risk import fallback_spend

MOST = 3
"""Stand-ins of a pool: each is a group that has to be built."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """`nodes_ppm` of an on-demand candidate carry what one spot node does, for `price` micro-USD per hour."""

    candidate: Candidate
    nodes_ppm: int
    price: int


class StandIns:
    """The on-demand candidates of a market, asked for those that carry a spot candidate's share of a workload."""

    def __init__(self, candidates: Sequence[Candidate], buckets: Sequence[Bucket]) -> None:
        self._buckets = buckets
        self._by_cloud: dict[str, list[Candidate]] = defaultdict(list)
        self._by_key: dict[str, Candidate] = {}
        self._replicas: dict[tuple[str, str], float | None] = {}
        for candidate in candidates:
            if candidate.market == "on_demand":
                self._by_cloud[candidate.cloud].append(candidate)
                self._by_key[candidate.key] = candidate

    def first(self, spot: Candidate) -> StandIn | None:
        """The first choice for a spot candidate: its own machine on demand, where that is sold."""
        twin = self._by_key.get(spot.key.removesuffix("spot") + "base")
        if twin is not None:
            return StandIn(twin, PPM, twin.price)
        return next(iter(self.of(spot)), None)

    def of(self, spot: Candidate, cells: Collection[str] = ()) -> tuple[StandIn, ...]:
        """At most MOST, of different machines, first choice first: the very machine, then its shape and then any shape in
        the region, then its shape and any shape elsewhere in the cloud; the cheapest of each. None outside `cells`, the
        regions in use, where one is inside: a region just for stand-ins costs its router all day.

        Another shape must serve every bucket that the spot candidate's shape serves.
        """
        found = []
        for other in self._by_cloud[spot.cloud]:
            ratio = self._ratio(spot.shape, other.shape)
            if ratio is not None:
                nodes = math.ceil(PPM * spot.replicas * ratio / other.replicas)
                price = math.ceil(nodes * other.price / PPM)
                found.append((_order(spot, other), price, other.key, StandIn(other, nodes, price)))
        best: dict[str, StandIn] = {}
        for *_, stand in sorted(found, key=lambda item: item[:3]):
            best.setdefault(stand.candidate.stock, stand)
        stands = list(best.values())
        inside = [stand for stand in stands if stand.candidate.cell in cells]
        return tuple(inside[:MOST] or stands[: 1 if cells else MOST])

    def _ratio(self, mine: Shape, other: Shape) -> float | None:
        """Replicas of the other shape that carry one replica's share of the workload's own mix; None where it cannot."""
        if mine.key == other.key:
            return 1.0
        pair = mine.key, other.key
        if pair not in self._replicas:
            self._replicas[pair] = self._computed(mine, other)
        return self._replicas[pair]

    def _computed(self, mine: Shape, other: Shape) -> float | None:
        own = its = 0.0
        rates = zip(mine.requests_per_second, other.requests_per_second, strict=True)
        for bucket, (rate, others) in zip(self._buckets, rates, strict=True):
            if rate > 0:
                if others == 0:
                    return None
                own += bucket.requests_per_second / rate
                its += bucket.requests_per_second / others
        return its / own


def _order(spot: Candidate, other: Candidate) -> int:
    here, alike = other.region == spot.region, other.shape.key == spot.shape.key
    if here and alike and other.gpus == spot.gpus:
        return 0
    return (1 if alike else 2) if here else (3 if alike else 4)


def with_fallback_spend(
    candidates: Sequence[Candidate], buckets: Sequence[Bucket]
) -> list[Candidate]:
    """The candidates, each spot one with what it is expected to cost beyond its price.

    Where a cloud sells nothing on demand that could stand in, the node is missed instead: nothing is spent.
    """
    market = StandIns(candidates, buckets)
    result = []
    for candidate in candidates:
        stand = market.first(candidate) if candidate.risk is not None else None
        if stand is not None and candidate.risk is not None:
            spend = fallback_spend(candidate.risk, candidate.price, stand.price)
            candidate = dataclasses.replace(candidate, fallback_price=spend)
        result.append(candidate)
    return result
