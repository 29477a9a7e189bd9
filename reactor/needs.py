"""What the policy chooses from and for: spot groups, what has to be served, a fleet, and what a shortage is worth."""

from __future__ import annotations

from typing import NamedTuple

from reactor.risk import MOST_CELLS, Losses, Risk, Tail, shortage

Row = tuple[int, ...]
"""A group's nodes by zone."""
Nodes = tuple[Row, ...]
"""Nodes by group and zone."""


class Option(NamedTuple):
    """A spot group to choose from. Per zone: nodes that stay, whether it may take more, chance of losing it.

    `cells` per node; `price` per node and hour; `start`: for bringing one up; `detour`: what a node beyond the `planned`
    ones counts dearer; `room`: most nodes that may stay.
    """

    domain: str
    cells: int
    price: float
    start: float
    detour: float
    planned: int
    room: int
    present: Row
    open: tuple[bool, ...]
    chances: tuple[float, ...]


class Need(NamedTuple):
    """What spot and standing on-demand together have to serve, in cells of capacity, and what that is worth.

    `reserve` is held above `demand` in any case; at most `most_extra` are tried beyond demand, and at most `most_standing` of
    them on demand. `existing` cells of on-demand run already. Prices are per cell: on-demand by the hour, its start, and an hour without. `common`: a share of
    expected shortage at which a further hour counts a quarter (0: always in full). `whole`: chance that a lost zone loses all.
    `settled`: nothing is starting, so that a node may be moved.
    """

    demand: int
    reserve: int
    most_extra: int
    most_standing: int
    existing: int
    on_demand: float
    on_demand_start: float
    shortage: float
    common: float
    correlation: float
    whole: float
    settled: bool


class Fleet(NamedTuple):
    """Spot nodes, the cells they serve, what they cost by the hour with the starts of new ones, and what may be lost.

    `changes`: nodes more or less than now.
    """

    nodes: Nodes
    supply: int
    price: float
    changes: int
    risks: dict[str, Risk]
    losses: Losses
    expected: float


def shortage_share(others: Tail, losses: Losses, expected: float, slack: int, need: Need) -> float:
    """Expected share of shortage: how often the demand is not met, plus how much of it is missing on average."""
    if not need.demand:
        return 0.0
    short, missing = shortage(others, losses, expected, min(max(0, slack), MOST_CELLS))
    return short + missing / need.demand


def shortage_price(share: float, need: Need) -> float:
    """What an expected share of shortage is worth by the hour."""
    felt = share * need.common / (need.common + share) if need.common else share
    return need.shortage * need.demand * felt
