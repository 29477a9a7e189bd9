"""How many spot nodes to hold in each group, and how much on-demand to hold beside them.

Weighs, per hour: what the nodes cost, what starting new ones costs, and the shortage price times what may be missing before
a replacement is ready. Candidates are a chain of fleets from the present one: nodes added one by one where they do least
harm, or dropped one by one where they are missed least; each with 0 to `most_extra` cells of standing on-demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from reactor.risk import (
    NOTHING,
    DomainRisk,
    Holding,
    Losses,
    combine,
    domain_risk,
    shortage,
)

_MOST_CELLS = 8
_CACHED = 2048
Nodes = tuple[tuple[int, ...], ...]
"""Nodes by pool and zone."""


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
    present: tuple[int, ...]
    open: tuple[bool, ...]
    chances: tuple[float, ...]


class Need(NamedTuple):
    """What spot and standing on-demand together have to serve, in cells of capacity, and what that is worth.

    `reserve` is held above `demand` in any case; at most `most_extra` are tried beyond demand. `existing` cells of
    on-demand run already. Prices are per cell: on-demand by the hour, its start, and an hour without. `common`: a share of
    expected shortage at which a further hour counts a quarter (0: always in full). `whole`: chance that a lost zone loses all.
    `settled`: nothing is starting, so that a node may be moved.
    """

    demand: int
    reserve: int
    most_extra: int
    existing: int
    on_demand: float
    on_demand_start: float
    shortage: float
    common: float
    correlation: float
    whole: float
    settled: bool


@dataclass(frozen=True, slots=True)
class Choice:
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
    present = tuple(option.present for option in options)
    best: tuple[tuple[int, float, int, int], Choice] | None = None
    for nodes in _Chain(options, need).fleets(present):
        changes = sum(
            abs(sum(new) - sum(old)) for new, old in zip(nodes.nodes, present, strict=True)
        )
        lacking = min(need.reserve, max(0, need.demand + need.reserve - nodes.supply))
        for choice in _with_standing(nodes, need):
            key = (lacking, round(choice.worth, 6), changes, choice.standing)
            if best is None or key < best[0]:
                best = (key, choice)
    assert best is not None  # noqa: S101
    return best[1]


class _Fleet(NamedTuple):
    nodes: Nodes
    supply: int
    price: float
    risks: dict[str, DomainRisk]
    losses: Losses
    expected: float


class _Chain:
    def __init__(self, options: tuple[Option, ...], need: Need) -> None:
        self.options, self.need = options, need
        self.members: dict[str, list[int]] = {}
        for at, option in enumerate(options):
            self.members.setdefault(option.domain, []).append(at)

    def fleets(self, present: Nodes) -> Iterator[_Fleet]:
        """The present fleet, then ever larger ones, then ever smaller ones."""
        demand, extra = self.need.demand, self.need.most_extra
        start = self._present(present)
        fleet: _Fleet | None = start
        while fleet is not None:
            yield fleet
            if fleet.supply >= demand + max(self.need.reserve, extra):
                break
            fleet = self._best(fleet, 1)
        if self.need.settled:
            yield from self._moves(start)
        fleet = self._best(start, -1)
        while fleet is not None and fleet.supply >= demand - extra:
            yield fleet
            fleet = self._best(fleet, -1)

    def _moves(self, fleet: _Fleet) -> Iterator[_Fleet]:
        """One node less in one group, one more where it does least harm."""
        for at in range(len(self.options)):
            zone = _fullest(fleet.nodes[at])
            if zone is not None:
                others = _combined(fleet.risks, self.options[at].domain)
                moved = self._best(self._changed(fleet, at, zone, -1, others), 1)
                if moved is not None and moved.nodes != fleet.nodes:
                    yield moved

    def _present(self, nodes: Nodes) -> _Fleet:
        risks = {domain: self._risk(domain, nodes) for domain in self.members}
        losses = _combined(risks, None)
        supply = sum(
            sum(row) * option.cells for row, option in zip(nodes, self.options, strict=True)
        )
        price = sum(
            sum(row) * option.price for row, option in zip(nodes, self.options, strict=True)
        )
        return _Fleet(
            nodes, supply, price, risks, losses, sum(risk.expected for risk in risks.values())
        )

    def _best(self, fleet: _Fleet, by: int) -> _Fleet | None:
        others: dict[str, Losses] = {}
        best: tuple[float, _Fleet] | None = None
        for at, option in enumerate(self.options):
            zone = _landing(option, fleet.nodes[at]) if by > 0 else _fullest(fleet.nodes[at])
            if zone is None:
                continue
            if option.domain not in others:
                others[option.domain] = _combined(fleet.risks, option.domain)
            changed = self._changed(fleet, at, zone, by, others[option.domain])
            slack = max(0, changed.supply - self.need.demand)
            worth = round(
                changed.price + _price_of(_share(changed, slack, self.need), self.need), 6
            )
            if best is None or worth < best[0]:
                best = (worth, changed)
        return best[1] if best else None

    def _changed(self, fleet: _Fleet, at: int, zone: int, by: int, others: Losses) -> _Fleet:
        row, option = fleet.nodes[at], self.options[at]
        nodes = (
            *fleet.nodes[:at],
            (*row[:zone], row[zone] + by, *row[zone + 1 :]),
            *fleet.nodes[at + 1 :],
        )
        risk = self._risk(option.domain, nodes)
        held = sum(row)
        detour = by * option.detour if held + max(0, by) > option.planned else 0.0
        expected = fleet.expected - fleet.risks[option.domain].expected + risk.expected
        return _Fleet(
            nodes,
            fleet.supply + by * option.cells,
            fleet.price + by * option.price + (option.start if by > 0 else 0.0) + detour,
            {**fleet.risks, option.domain: risk},
            combine(others, risk.losses, _MOST_CELLS),
            expected,
        )

    def _risk(self, domain: str, nodes: Nodes) -> DomainRisk:
        holdings = [
            Holding(chance, count, self.options[at].cells)
            for at in self.members[domain]
            for chance, count in zip(self.options[at].chances, nodes[at], strict=True)
            if count and chance
        ]
        return domain_risk(
            tuple(holdings),
            correlation=self.need.correlation,
            whole=self.need.whole,
            most=_MOST_CELLS,
        )


def _landing(option: Option, nodes: tuple[int, ...]) -> int | None:
    """Where a group will put its next node: the open zone with fewest of its own."""
    if sum(nodes) >= option.room:
        return None
    zones = [zone for zone, is_open in enumerate(option.open) if is_open]
    return min(zones, key=lambda zone: (nodes[zone], zone)) if zones else None


def _fullest(nodes: tuple[int, ...]) -> int | None:
    """Where a group will take a node from."""
    return max(range(len(nodes)), key=lambda zone: (nodes[zone], -zone)) if any(nodes) else None


def _combined(risks: dict[str, DomainRisk], without: str | None) -> Losses:
    losses = NOTHING
    for domain, risk in risks.items():
        if domain != without:
            losses = combine(losses, risk.losses, _MOST_CELLS)
    return losses


def _share(fleet: _Fleet, slack: int, need: Need) -> float:
    """Expected share of shortage: how often the demand is not met, plus how much of it is missing on average."""
    if not need.demand:
        return 0.0
    short, missing = shortage(fleet.losses, fleet.expected, min(slack, _MOST_CELLS))
    return short + missing / need.demand


def _price_of(share: float, need: Need) -> float:
    """What an expected share of shortage is worth by the hour."""
    felt = share * need.common / (need.common + share) if need.common else share
    return need.shortage * need.demand * felt


def _with_standing(fleet: _Fleet, need: Need) -> Iterator[Choice]:
    most = min(need.demand, need.most_extra)
    for standing in range(most + 1):
        slack = fleet.supply + standing - need.demand
        if slack < 0 and standing < most:
            continue
        share = _share(fleet, max(0, slack), need)
        starts = max(0, standing - need.existing) * need.on_demand_start
        price = fleet.price + need.on_demand * (standing + max(0, -slack)) + starts
        yield Choice(fleet.nodes, standing, price + _price_of(share, need), share)
