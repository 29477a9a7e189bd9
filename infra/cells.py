"""Cells: what every cloud's cell takes and gives, and where to find it.

A cloud's module, and with it the cloud's provider package (seconds of import), is loaded only when a plan uses it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import cast

import pulumi

from allocator.plan import Cell, Engine, Pool
from infra.naming import Owner
from infra.reactors import DeclaredGroup, Notices
from infra.settings import Settings

_MODULES = {"aws": "infra.aws.cell", "gcp": "infra.gcp.cell", "azure": "infra.azure.cell"}

NETWORK_CIDR = "10.0.0.0/16"
"""The private range of every cell: cells are never joined, so they may all have the same."""


@dataclass(frozen=True, slots=True)
class CellArgs:
    """A cell of the plan, its pools, and what all of them have in common; `notices`: how its machines tell that they go."""

    cell: Cell
    pools: tuple[Pool, ...]
    engine: Engine
    owner: Owner
    settings: Settings
    notices: Notices


class CellComponent(pulumi.ComponentResource):
    """A region in use. `address` is the host (name or IP) that answers on the service port; `groups`: what the reactor
    sizes there."""

    address: pulumi.Output[str]
    groups: tuple[DeclaredGroup, ...]

    def __init__(
        self, name: str, args: CellArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"skyblend:{args.cell.cloud}:Cell", name, {}, opts)


def cell_class(cloud: str) -> type[CellComponent]:
    """The component of a cloud; imports the cloud's provider package."""
    return cast(type[CellComponent], importlib.import_module(_MODULES[cloud]).Cell)


def pool_zones(cell: Cell, pool: Pool) -> tuple[str, ...]:
    """The cell's zones that sell a member of the pool; all of them where the market does not say."""
    offered = {zone for member in pool.members for zone in member.zones}
    return tuple(zone for zone in cell.zones if zone in offered) or cell.zones
