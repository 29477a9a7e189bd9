"""The fleets that the policy weighs: a chain from the present one, a node more or less at a time.

Each step takes the node that does least harm (or is missed least): groups short of what the plan holds there come first, then
hourly worth decides. Where many nodes are missing or spare, all but the last few are placed by a rough worth at once, and of
many groups only the roughly best are weighed exactly, so that a look stays short for a hundred groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from heapq import nsmallest

from reactor.needs import Fleet, Need, Nodes, Option, Row, shortage_price, shortage_share
from reactor.risk import (
    MOST_CELLS,
    NOTHING,
    Holding,
    Losses,
    Risk,
    Tail,
    combine,
    domain_risk,
    tail,
    without,
)

_ALL_TRIED, _TRIED = 9, 2
"""So many candidates are all weighed; of more only so many."""
_ONE_BY_ONE = 2
"""Cells that are placed by exact worth when many are missing."""
_FEW_DOMAINS = 6
_Place = tuple[bool, float, int, int]


class Chain:
    """All fleets to weigh for one look. `worth` is that of the best so far: fleets whose price alone is above are left out."""

    def __init__(self, options: tuple[Option, ...], need: Need) -> None:
        self.options, self.need, self.worth = options, need, math.inf
        self.members: dict[str, list[int]] = {}
        for at, option in enumerate(options):
            self.members.setdefault(option.domain, []).append(at)
        self.landings: list[tuple[Row, _Place | None]] = [((), None)] * len(options)
        self.present = self._fleet(tuple([option.present for option in options]))

    def fleets(self) -> Iterator[Fleet]:
        """The present fleet, ever larger ones, those with one node moved, then ever smaller ones."""
        need, supply = self.need, self.present.supply
        enough, most = need.demand + need.reserve, need.demand + max(need.reserve, need.most_extra)
        yield self.present
        fleet: Fleet | None = self.present
        if enough - supply > MOST_CELLS:
            yield (fleet := self._filled(self.present, enough - supply - _ONE_BY_ONE))
        while (
            fleet and fleet.supply < most and not (fleet.supply >= enough and self.too_dear(fleet))
        ):
            if fleet := self._best(fleet, 1):
                yield fleet
        if need.settled and supply >= enough:
            yield from self._moved()
        least = enough if need.reserve and supply > need.demand else need.demand - need.most_extra
        fleet = self.present
        if supply - most > MOST_CELLS:
            yield (fleet := self._emptied(self.present, supply - most))
        while fleet and (fleet := self._best(fleet, -1)) and fleet.supply >= least:
            yield fleet
            if self.too_dear(fleet):
                break

    def _moved(self) -> Iterator[Fleet]:
        """One node less in one group, one more where it does least harm."""
        starts = [
            self.options[at].price + self.options[at].start
            for at, _ in self._landings(self.present.nodes)
        ]
        for at, zone in self._leavings(self.present.nodes):
            if (
                self.present.price - self.options[at].price + min(starts, default=math.inf)
                > self.worth
            ):
                continue
            domain = self.options[at].domain
            row = _changed(self.present.nodes[at], zone, -1)
            risk = self._risk(domain, self.present.nodes, at, row)
            less = self._with_row(self.present, at, row, risk, self._others(self.present, domain))
            moved = self._best(less, 1)
            if moved is not None and moved.nodes != self.present.nodes:
                yield moved

    def too_dear(self, fleet: Fleet) -> bool:
        """Whether spot alone, with on-demand for what it lacks, costs more than the best."""
        missing = max(0, self.need.demand - fleet.supply)
        return fleet.price + self.need.on_demand * missing > self.worth

    def _best(self, fleet: Fleet, by: int) -> Fleet | None:
        """The fleet with one node more or less that is worth most."""
        need, tails = self.need, dict[str, tuple[Losses, Tail]]()
        best: tuple[float, int, Row, Risk, Losses] | None = None
        for at, zone in self._landings(fleet.nodes) if by > 0 else self._leavings(fleet.nodes):
            option, before = self.options[at], fleet.nodes[at]
            if option.domain not in tails:
                others = self._others(fleet, option.domain)
                tails[option.domain] = others, tail(others)
            others, beside = tails[option.domain]
            row = _changed(before, zone, by)
            risk = self._risk(option.domain, fleet.nodes, at, row)
            expected = fleet.expected - fleet.risks[option.domain].expected + risk.expected
            slack = fleet.supply + by * option.cells - need.demand
            share = shortage_share(beside, risk.losses, expected, slack, need)
            price = fleet.price + _row_price(option, row) - _row_price(option, before)
            worth = round(price + shortage_price(share, need), 3)
            if best is None or worth < best[0]:
                best = (worth, at, row, risk, others)
        return self._with_row(fleet, *best[1:]) if best else None

    def _landings(self, nodes: Nodes) -> list[tuple[int, int]]:
        """Where a node may be added, in groups that the plan is short of first."""
        found = []
        for at, row in enumerate(nodes):
            if self.landings[at][0] is not row:
                self.landings[at] = (row, self._landing(at, row))
            if place := self.landings[at][1]:
                found.append(place)
        return _shortlist(found)

    def _leavings(self, nodes: Nodes) -> list[tuple[int, int]]:
        """Where a node may be dropped, in groups beyond the plan first."""
        return _shortlist(list(filter(None, map(self._leaving, range(len(nodes)), nodes))))

    def _landing(self, at: int, row: Row) -> _Place | None:
        """The open zone with fewest of its group."""
        option, held = self.options[at], sum(row)
        zones = [zone for zone, is_open in enumerate(option.open) if is_open]
        if held >= option.room or not zones:
            return None
        zone = min(zones, key=row.__getitem__)
        return held >= option.planned, self._rough(option, zone), at, zone

    def _leaving(self, at: int, row: Row) -> _Place | None:
        """The fullest zone of a group."""
        if not any(row):
            return None
        option, zone = self.options[at], row.index(max(row))
        within = option.detour != 0 and sum(row) <= option.planned
        return within, -self._rough(option, zone), at, zone

    def _filled(self, fleet: Fleet, missing: int) -> Fleet:
        """So many cells more, roughly best groups first: up to the plan, or evenly where it says nothing; then to the room."""
        even = -(-missing // max(1, sum([o.cells for o in self.options if any(o.open)])))
        order = sorted(filter(None, map(self._landing, range(len(fleet.nodes)), fleet.nodes)))
        rows = list(fleet.nodes)
        for bounded in (True, False):
            for _, _, at, _ in order:
                option, held = self.options[at], sum(rows[at])
                most = option.planned if option.detour else held + even
                most = min(option.room, most) if bounded else option.room
                more = min(most - held, -(-missing // option.cells))
                if more > 0:
                    rows[at] = _grown(option, rows[at], more)
                    missing -= more * option.cells
        return self._fleet(tuple(rows))

    def _emptied(self, fleet: Fleet, spare: int) -> Fleet:
        """So many cells less at most, roughly worst groups first: those beyond the plan first."""
        rows = list(fleet.nodes)
        leavings = map(self._leaving, range(len(rows)), rows)
        for _, _, at, _ in sorted(filter(None, leavings)):
            fewer = min(sum(rows[at]), spare // self.options[at].cells)
            rows[at] = _shrunk(rows[at], fewer)
            spare -= fewer * self.options[at].cells
        return self._fleet(tuple(rows))

    def _rough(self, option: Option, zone: int) -> float:
        harm = self.need.shortage * option.chances[zone]
        return (option.price + option.start) / option.cells + harm

    def _with_row(self, fleet: Fleet, at: int, row: Row, risk: Risk, others: Losses) -> Fleet:
        option, before = self.options[at], fleet.nodes[at]
        more, now = sum(row) - sum(before), sum(option.present)
        return Fleet(
            (*fleet.nodes[:at], row, *fleet.nodes[at + 1 :]),
            fleet.supply + more * option.cells,
            fleet.price + _row_price(option, row) - _row_price(option, before),
            fleet.changes + abs(sum(row) - now) - abs(sum(before) - now),
            {**fleet.risks, option.domain: risk},
            combine(others, risk.losses),
            fleet.expected - fleet.risks[option.domain].expected + risk.expected,
        )

    def _fleet(self, nodes: Nodes) -> Fleet:
        pairs = list(zip(self.options, nodes, strict=True))
        risks = {domain: self._risk(domain, nodes) for domain in self.members}
        return Fleet(
            nodes,
            sum([sum(row) * option.cells for option, row in pairs]),
            sum([_row_price(option, row) for option, row in pairs]),
            sum([abs(sum(row) - sum(option.present)) for option, row in pairs]),
            risks,
            _combined(risks, None),
            sum([risk.expected for risk in risks.values()]),
        )

    def _others(self, fleet: Fleet, domain: str) -> Losses:
        """Losses of all other domains."""
        if len(fleet.risks) <= _FEW_DOMAINS:
            return _combined(fleet.risks, domain)
        others = without(fleet.losses, fleet.risks[domain].losses)
        return others or _combined(fleet.risks, domain)

    def _risk(self, domain: str, nodes: Nodes, changed: int = -1, to: Row = ()) -> Risk:
        """The domain's risk; of the group `changed` the row is `to`."""
        held: list[Holding] = []
        for at in self.members[domain]:
            row, option = to if at == changed else nodes[at], self.options[at]
            if any(row):
                held += [
                    (chance, count, option.cells)
                    for chance, count in zip(option.chances, row, strict=True)
                    if count and chance
                ]
        return domain_risk(tuple(held), self.need.correlation, self.need.whole)


def _shortlist(found: list[_Place]) -> list[tuple[int, int]]:
    """The roughly best of those that do not come late; all in the order of options where they are few."""
    first = min([late for late, *_ in found], default=False)
    fit = [place for place in found if place[0] == first]
    if len(fit) > _ALL_TRIED:
        fit = nsmallest(_TRIED, fit)
    return [(at, zone) for _, _, at, zone in fit]


def _changed(row: Row, zone: int, by: int) -> Row:
    return (*row[:zone], row[zone] + by, *row[zone + 1 :])


def _grown(option: Option, row: Row, more: int) -> Row:
    """Nodes added to the emptiest open zones."""
    zones = [zone for zone, is_open in enumerate(option.open) if is_open]
    zones.sort(key=lambda zone: (-row[zone], -zone))
    left = sum([row[zone] for zone in zones]) + more
    return _levelled(row, zones, left, max)


def _shrunk(row: Row, fewer: int) -> Row:
    """Nodes taken from the fullest zones."""
    zones = sorted(range(len(row)), key=lambda zone: (row[zone], zone))
    return _levelled(row, zones, sum(row) - fewer, min)


def _levelled(row: Row, zones: list[int], nodes: int, bound: Callable[[int, int], int]) -> Row:
    """The row with so many nodes in these zones, each an even share of what is left, bound by what it has."""
    rows = list(row)
    for done, zone in enumerate(zones):
        rows[zone] = bound(row[zone], nodes // (len(zones) - done))
        nodes -= rows[zone]
    return tuple(rows)


def _row_price(option: Option, row: Row) -> float:
    """Hourly price of a group's nodes, with the starts of new ones and what is beyond the plan."""
    held = sum(row)
    if row == option.present:
        return held * option.price + max(0, held - option.planned) * option.detour
    new = sum([max(0, after - before) for after, before in zip(row, option.present, strict=True)])
    return held * option.price + new * option.start + max(0, held - option.planned) * option.detour


def _combined(risks: dict[str, Risk], left_out: str | None) -> Losses:
    losses = NOTHING
    for domain, risk in risks.items():
        if domain != left_out:
            losses = combine(losses, risk.losses)
    return losses
