"""The optimizer's problem in numbers: columns of like nodes, what they serve, what limits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FITS = 1e-9
HELD = 1e-6
"""Fewer nodes of a column are a solver's rounding."""


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that draw on one stock or quota: the sum of `weights` x nodes is at most `cap`."""

    name: str
    columns: np.ndarray
    weights: np.ndarray
    cap: float


@dataclass(frozen=True, slots=True)
class Spread:
    """No domain may hold more than `share` of the fleet's weight; `domain[p]` numbers the domains."""

    domain: np.ndarray
    share: float


@dataclass(frozen=True, slots=True)
class Minimum:
    """At least so many domains hold a node."""

    domain: np.ndarray
    count: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that nodes (`bill[p]` each) and cells may cost, USD per hour."""

    bill: np.ndarray
    usd: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """Capacity (replicas per shape) that must serve a part of the demand; `left[p]`: whether column p is in it."""

    capacity: np.ndarray
    part: float
    left: np.ndarray


@dataclass(frozen=True, slots=True)
class Fleet:
    """P columns, G shapes, B buckets, R regions. Money is USD per hour.

    load[b, g]: replicas of shape g that all of bucket b keeps busy, inf where it cannot serve it.
    price[p]: of a node, all expected costs included; shape[p], region[p]: numbers; replicas[p] per node; stock[p]: most
    nodes; weight[p]: a node's part in the fleet's capacity; on_demand[p]. cell_cost[r]: of a region in use.
    domain[p]: failure domain (None: none need be survived); after the loss of any one, `keep` of the demand is served.
    floor: part of the demand that on-demand nodes alone must serve.
    """

    load: np.ndarray
    price: np.ndarray
    shape: np.ndarray
    region: np.ndarray
    replicas: np.ndarray
    stock: np.ndarray
    weight: np.ndarray
    on_demand: np.ndarray
    cell_cost: np.ndarray
    domain: np.ndarray | None = None
    keep: float = 1.0
    floor: float = 0.0
    groups: tuple[Group, ...] = ()
    spreads: tuple[Spread, ...] = ()
    minimums: tuple[Minimum, ...] = ()
    budget: Budget | None = None

    @property
    def columns(self) -> int:
        """P."""
        return len(self.price)

    @property
    def shapes(self) -> int:
        """G."""
        return int(self.load.shape[1])

    @property
    def domains(self) -> int:
        """How many failure domains there are."""
        return 0 if self.domain is None else int(self.domain.max(initial=-1)) + 1

    @property
    def survives_regions(self) -> bool:
        """Whether the failure domains are the regions."""
        return self.domain is not None and bool((self.domain == self.region).all())

    def used_regions(self, nodes: np.ndarray) -> np.ndarray:
        """Which regions hold a node."""
        return np.bincount(self.region, weights=nodes, minlength=len(self.cell_cost)) > 0

    def capacity(self, nodes: np.ndarray) -> np.ndarray:
        """Replicas per shape."""
        return np.bincount(self.shape, weights=nodes * self.replicas, minlength=self.shapes)

    def cost(self, nodes: np.ndarray) -> float:
        """USD per hour: nodes and the cells they are in."""
        return float(self.price @ nodes + self.cell_cost[self.used_regions(nodes)].sum())

    def scenarios(self, nodes: np.ndarray) -> list[Scenario]:
        """What must be served by what, of a plan with these nodes."""
        total = self.capacity(nodes)
        found = []
        if self.domain is not None:
            for d in np.unique(self.domain[nodes > 0]):
                left = self.domain != d
                found.append(Scenario(self.capacity(nodes * left), self.keep, left))
        if self.keep < 1 or not found:
            found.append(Scenario(total, 1.0, np.ones(self.columns, dtype=bool)))
        if self.floor > 0:
            found.append(
                Scenario(self.capacity(nodes * self.on_demand), self.floor, self.on_demand)
            )
        return found

    def fits(self, nodes: np.ndarray) -> bool:
        """Whether nodes keep every limit that does not speak of the demand."""
        if (nodes > self.stock + FITS).any():
            return False
        if any(g.weights @ nodes[g.columns] > g.cap + FITS for g in self.groups):
            return False
        held = self.weight * nodes
        for spread in self.spreads:
            if np.bincount(spread.domain, weights=held).max() > spread.share * held.sum() * (
                1 + FITS
            ):
                return False
        if any(len(np.unique(m.domain[nodes > 0])) < m.count for m in self.minimums):
            return False
        if self.budget is None:
            return True
        cells = self.cell_cost[self.used_regions(nodes)].sum()
        return bool(self.budget.bill @ nodes + cells <= self.budget.usd + FITS)
