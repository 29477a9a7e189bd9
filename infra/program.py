"""A plan, declared: one cell per region, the edge in front of them."""

from __future__ import annotations

import pulumi

from allocator.plan import Plan
from infra.cells import CellArgs, CellComponent, cell_class
from infra.naming import Owner
from infra.replica import PORT
from infra.settings import Settings


def declare(plan: Plan, settings: Settings, owner: Owner) -> pulumi.Output[str]:
    """Declare every resource of the plan. Returns the URL that clients use."""
    decisions = plan.decisions
    cells: dict[str, CellComponent] = {}
    for cell in decisions.cells:
        pools = sorted(
            (p for p in decisions.pools if (p.cloud, p.region) == (cell.cloud, cell.region)),
            key=lambda pool: pool.key,
        )
        args = CellArgs(cell, tuple(pools), decisions.engine, owner, settings)
        cells[cell.key] = cell_class(cell.cloud)(cell.key, args)
    shares = {cell.key: cell.share_ppm for cell in decisions.cells}
    if settings.edge == "front-door":
        return _front_door(cells, shares, settings, owner)
    return _largest_cell(cells, shares)


def _front_door(
    cells: dict[str, CellComponent], shares: dict[str, int], settings: Settings, owner: Owner
) -> pulumi.Output[str]:
    # imported here: a stack without this edge and without Azure never loads Azure's provider package
    from infra.edge.front_door import FrontDoor, FrontDoorArgs, Origin

    origins = tuple(Origin(key, cells[key].address, shares[key]) for key in sorted(cells))
    edge = FrontDoor("edge", FrontDoorArgs(origins, settings.azure.location, owner))
    return pulumi.Output.concat("https://", edge.host_name)


def _largest_cell(cells: dict[str, CellComponent], shares: dict[str, int]) -> pulumi.Output[str]:
    """Without an edge clients get one cell: that with the largest share."""
    key = min(cells, key=lambda key: (-shares[key], key))
    if len(cells) > 1:
        pulumi.log.warn(
            f"no edge: the endpoint is cell {key}, the other {len(cells) - 1} get no requests; "
            "set skyblend:clouds.edge to front-door"
        )
    return pulumi.Output.concat("http://", cells[key].address, f":{PORT}")
