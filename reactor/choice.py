"""How many spot nodes to hold in each group, and how much on-demand to hold beside them.

Weighs, per hour: what the nodes cost, what starting new ones costs, and the shortage price times what may be missing before
a replacement is ready; for each fleet of the chain (reactor.fleets) with 0 to `most_extra` cells of standing on-demand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from reactor.fleets import Chain
from reactor.needs import Fleet, Need, Nodes, Option, shortage_price, shortage_share
from reactor.risk import NOTHING, tail

_CACHED = 2048
_NOISE = 0.01
"""Rounding of a worth, in micro-USD per hour."""


class Choice(NamedTuple):
    """Spot nodes by pool and zone, standing on-demand in cells, the hourly worth, and the expected share of shortage."""

    nodes: Nodes
    standing: int
    worth: float
    share: float


@lru_cache(maxsize=_CACHED)
def choose(options: tuple[Option, ...], need: Need) -> Choice:
    """The best fleet of the chain: first of all one that lacks least of the reserve.

    Ties go to the fewest changes, then to the least standing on-demand; between groups to the first of `options`.
    """
    chain = Chain(options, need)
    best = ((need.reserve, math.inf, 0, 0), Choice((), 0, math.inf, 0.0))
    for fleet in chain.fleets():
        lacking = min(need.reserve, max(0, need.demand + need.reserve - fleet.supply))
        if lacking > best[0][0] or (not lacking and chain.too_dear(fleet)):
            continue
        for choice in _with_standing(fleet, need):
            key = (lacking, round(choice.worth, 3), fleet.changes, choice.standing)
            if key < best[0]:
                best = (key, choice)
        chain.worth = math.inf if best[0][0] else best[1].worth + _NOISE
    return best[1]


def _with_standing(fleet: Fleet, need: Need) -> Iterator[Choice]:
    most = min(need.demand, need.most_standing)
    lost = tail(fleet.losses)
    for standing in range(most + 1):
        slack = fleet.supply + standing - need.demand
        if slack < 0 and standing < most:
            continue
        share = shortage_share(lost, NOTHING, fleet.expected, slack, need)
        starts = max(0, standing - need.existing) * need.on_demand_start
        price = fleet.price + need.on_demand * (standing + max(0, -slack)) + starts
        yield Choice(fleet.nodes, standing, price + shortage_price(share, need), share)
