"""The optimizer's problem in numbers: columns of like nodes, what they serve, what limits them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that draw on one stock or quota: sum of `weights` x nodes at most `cap`."""

    columns: np.ndarray
    weights: np.ndarray
    cap: float


@dataclass(frozen=True, slots=True)
class Spread:
    """No domain may hold more than `share` of the fleet's capacity; `domain[p]` numbers the domains."""

    domain: np.ndarray
    share: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """P columns, G shapes, B buckets, R regions. Money is USD per hour.

    load[b, g]: replicas of shape g that all of bucket b keeps busy, inf where it cannot serve.
    price[p]: of a node, all expected costs included; shape[p], region[p]: numbers; replicas[p] per node;
    stock[p]: most nodes; weight[p]: a node's part in the fleet's capacity; on_demand[p].
    domain[p]: failure domain (None: none need be survived); after the loss of any one, `keep` of the demand is served.
    floor: part of the demand that on-demand nodes alone must serve. cell_cost[r]: of a region in use.
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
    spreads: tuple[Spread, ...] = ()
    groups: tuple[Group, ...] = ()
    min_regions: int = 1
    budget: float | None = None
    bill: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def columns(self) -> int:
        """P."""
        return len(self.price)

    @property
    def domains(self) -> int:
        """How many failure domains there are."""
        return 0 if self.domain is None else int(self.domain.max(initial=-1)) + 1

    @property
    def uses_cells(self) -> bool:
        """Whether it matters which regions are used."""
        return bool(self.cell_cost.any()) or self.min_regions > 1

    def capacity(self, nodes: np.ndarray) -> np.ndarray:
        """Replicas per shape."""
        return np.bincount(self.shape, weights=nodes * self.replicas, minlength=self.load.shape[1])

    def by_domain(self, nodes: np.ndarray) -> np.ndarray:
        """Replicas per failure domain and shape."""
        assert self.domain is not None
        shapes = self.load.shape[1]
        flat = np.bincount(
            self.domain * shapes + self.shape,
            weights=nodes * self.replicas,
            minlength=self.domains * shapes,
        )
        return flat.reshape(self.domains, shapes)

    def cost(self, nodes: np.ndarray) -> float:
        """USD per hour: nodes and the cells they are in."""
        used = np.bincount(self.region, weights=nodes, minlength=len(self.cell_cost)) > 0
        return float(self.price @ nodes + self.cell_cost[used].sum())
