"""The fleets that the policy weighs: a chain from the present one, a node more or less at a time.

Each step takes the node that does least harm (or is missed least): groups short of what the plan holds there come first, then
hourly worth decides. Where many nodes are missing, all but the last few are placed by a rough worth at once, and of many
groups only the roughly best are weighed exactly, so that a step stays short for a hundred groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reactor.risk import (
    NOTHING,
    DomainRisk,
    Holding,
    Losses,
    combine,
    domain_risk,
    shortage,
    without,
)

MOST_CELLS = 8
"""Losses beyond so many cells are not told apart."""
_TRIED = 9
_FEW_DOMAINS = 6
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


class Fleet(NamedTuple):
    """Spot nodes, the cells they serve, what they cost by the hour with the starts of new ones, and what may be lost."""

    nodes: Nodes
    supply: int
    price: float
    risks: dict[str, DomainRisk]
    losses: Losses
    expected: float


def shortage_share(fleet: Fleet, slack: int, need: Need) -> float:
    """Expected share of shortage: how often the demand is not met, plus how much of it is missing on average."""
    if not need.demand:
        return 0.0
    short, missing = shortage(fleet.losses, fleet.expected, min(slack, MOST_CELLS))
    return short + missing / need.demand


def shortage_price(share: float, need: Need) -> float:
    """What an expected share of shortage is worth by the hour."""
    felt = share * need.common / (need.common + share) if need.common else share
    return need.shortage * need.demand * felt


class Chain:
    """All fleets to weigh for one look."""

    def __init__(self, options: tuple[Option, ...], need: Need) -> None:
        self.options, self.need = options, need
        self.members: dict[str, list[int]] = {}
        for at, option in enumerate(options):
            self.members.setdefault(option.domain, []).append(at)

    def fleets(self) -> Iterator[Fleet]:
        """The present fleet, ever larger ones, those with one node moved, then ever smaller ones."""
        demand, extra = self.need.demand, self.need.most_extra
        present = self._fleet(tuple(option.present for option in self.options))
        fleet: Fleet | None = present
        if present.supply < demand - MOST_CELLS:
            yield present
            fleet = self._fleet(self._filled(present.nodes))
        while fleet is not None:
            yield fleet
            if fleet.supply >= demand + max(self.need.reserve, extra):
                break
            fleet = self._best(fleet, 1)
        if self.need.settled:
            yield from self._moves(present)
        fleet = self._best(present, -1)
        while fleet is not None and fleet.supply >= demand - extra:
            yield fleet
            fleet = self._best(fleet, -1)

    def _filled(self, nodes: Nodes) -> Nodes:
        """Nodes added by rough worth until few are missing."""
        rows = [list(row) for row in nodes]
        missing = self.need.demand - MOST_CELLS - self._supply(nodes)
        while missing > 0:
            landings = self._landings([tuple(row) for row in rows])
            if not landings:
                break
            at, zone = landings[0]
            rows[at][zone] += 1
            missing -= self.options[at].cells
        return tuple(tuple(row) for row in rows)

    def _moves(self, fleet: Fleet) -> Iterator[Fleet]:
        """One node less in one group, one more where it does least harm."""
        for at, zone in self._leavings(fleet.nodes):
            others = self._others(fleet, self.options[at].domain)
            moved = self._best(self._changed(fleet, at, zone, -1, others), 1)
            if moved is not None and moved.nodes != fleet.nodes:
                yield moved

    def _best(self, fleet: Fleet, by: int) -> Fleet | None:
        others: dict[str, Losses] = {}
        best: tuple[float, Fleet] | None = None
        for at, zone in self._landings(fleet.nodes) if by > 0 else self._leavings(fleet.nodes):
            domain = self.options[at].domain
            if domain not in others:
                others[domain] = self._others(fleet, domain)
            changed = self._changed(fleet, at, zone, by, others[domain])
            share = shortage_share(changed, max(0, changed.supply - self.need.demand), self.need)
            worth = round(changed.price + shortage_price(share, self.need), 3)
            if best is None or worth < best[0]:
                best = (worth, changed)
        return best[1] if best else None

    def _landings(self, nodes: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
        """Where a node may be added: the open zone with fewest of its group, in groups that the plan is short of first."""
        found = []
        for at, (option, row) in enumerate(zip(self.options, nodes, strict=True)):
            held = sum(row)
            zones = [zone for zone, is_open in enumerate(option.open) if is_open]
            if zones and held < option.room:
                zone = min(zones, key=lambda z, row=row: (row[z], z))  # type: ignore[misc]
                found.append((held >= option.planned, self._rough(option, zone), at, zone))
        return self._shortlist(found)

    def _leavings(self, nodes: Nodes) -> list[tuple[int, int]]:
        """Where a node may be dropped: the fullest zone of its group, in groups beyond the plan first."""
        found = []
        for at, (option, row) in enumerate(zip(self.options, nodes, strict=True)):
            if any(row):
                zone = max(range(len(row)), key=lambda z, row=row: (row[z], -z))  # type: ignore[misc]
                beyond = option.detour == 0 or sum(row) > option.planned
                found.append((not beyond, -self._rough(option, zone), at, zone))
        return self._shortlist(found)

    @staticmethod
    def _shortlist(found: list[tuple[bool, float, int, int]]) -> list[tuple[int, int]]:
        """The roughly best of the better half; all in the order of options where they are few."""
        first = min([late for late, *_ in found], default=False)
        fit = [entry for entry in found if entry[0] == first]
        if len(fit) > _TRIED:
            fit = sorted(fit)[:_TRIED]
        return [(at, zone) for _, _, at, zone in fit]

    def _rough(self, option: Option, zone: int) -> float:
        return (option.price + option.start) / option.cells + self.need.shortage * option.chances[
            zone
        ]

    def _changed(self, fleet: Fleet, at: int, zone: int, by: int, others: Losses) -> Fleet:
        row, option = fleet.nodes[at], self.options[at]
        changed = (*row[:zone], row[zone] + by, *row[zone + 1 :])
        nodes = (*fleet.nodes[:at], changed, *fleet.nodes[at + 1 :])
        risk = self._risk(option.domain, nodes)
        return Fleet(
            nodes,
            fleet.supply + by * option.cells,
            fleet.price + _row_price(option, changed) - _row_price(option, row),
            {**fleet.risks, option.domain: risk},
            combine(others, risk.losses, MOST_CELLS),
            fleet.expected - fleet.risks[option.domain].expected + risk.expected,
        )

    def _fleet(self, nodes: Nodes) -> Fleet:
        risks = {domain: self._risk(domain, nodes) for domain in self.members}
        price = sum(map(_row_price, self.options, nodes))
        expected = sum(risk.expected for risk in risks.values())
        losses = _combined(risks, None)
        return Fleet(nodes, self._supply(nodes), price, risks, losses, expected)

    def _supply(self, nodes: Nodes) -> int:
        return sum(sum(row) * option.cells for row, option in zip(nodes, self.options, strict=True))

    def _others(self, fleet: Fleet, domain: str) -> Losses:
        """Losses of all other domains."""
        if len(fleet.risks) <= _FEW_DOMAINS:
            return _combined(fleet.risks, domain)
        others = without(fleet.losses, fleet.risks[domain].losses)
        return others or _combined(fleet.risks, domain)

    def _risk(self, domain: str, nodes: Nodes) -> DomainRisk:
        held = [
            Holding(chance, count, self.options[at].cells)
            for at in self.members[domain]
            for chance, count in zip(self.options[at].chances, nodes[at], strict=True)
            if count and chance
        ]
        return domain_risk(
            tuple(held), correlation=self.need.correlation, whole=self.need.whole, most=MOST_CELLS
        )


def _row_price(option: Option, row: tuple[int, ...]) -> float:
    """Hourly price of a group's nodes, with the starts of new ones and what is beyond the plan."""
    held = sum(row)
    new = sum([max(0, after - before) for after, before in zip(row, option.present, strict=True)])
    return held * option.price + new * option.start + max(0, held - option.planned) * option.detour


def _combined(risks: dict[str, DomainRisk], left_out: str | None) -> Losses:
    losses = NOTHING
    for domain, risk in risks.items():
        if domain != left_out:
            losses = combine(losses, risk.losses, MOST_CELLS)
    return losses
