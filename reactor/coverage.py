"""From the choice to sizes: what may stop now, how much on-demand runs meanwhile, and in which groups.

On-demand covers what spot does not: at once what is not coming, and what is not ready as long as it already runs. It is
released when spot is ready, not when it is accepted, because a node that was just accepted may be lost at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from reactor.contract import Group
from reactor.look import Pool


def cells_of(units: int, cell_units: int) -> int:
    """Whole cells of capacity in so many units, at least one."""
    return max(1, (units + cell_units // 2) // max(1, cell_units))


@dataclass(frozen=True, slots=True)
class Fleet:
    """All observed pools by part, and how many units make a cell."""

    spot: tuple[Pool, ...]
    base: tuple[Pool, ...]
    fallback: tuple[Pool, ...]
    retiring: tuple[Pool, ...]
    cell_units: int

    def cells(self, pool: Pool) -> int:
        """Cells per node."""
        return cells_of(pool.group.units_per_node, self.cell_units)

    def alive(self, pools: tuple[Pool, ...]) -> int:
        """Cells of nodes that stay, ready or starting."""
        return sum([pool.alive * self.cells(pool) for pool in pools])

    def ready(self, pools: tuple[Pool, ...]) -> int:
        """Cells of ready nodes that stay."""
        return sum([pool.ready * self.cells(pool) for pool in pools])


def sort_pools(pools: list[Pool]) -> Fleet:
    """Pools by part; spot pools longest unrefused first, so that a dry market is asked in turn."""
    active = [pool for pool in pools if pool.group.state == "active"]
    spot = [pool for pool in active if pool.group.role == "spot"]
    units = [pool.group.units_per_node for pool in pools if pool.group.units_per_node > 0]
    return Fleet(
        spot=tuple(sorted(spot, key=lambda pool: (pool.refused_s, pool.group.key))),
        base=tuple(pool for pool in active if pool.group.role == "base"),
        fallback=tuple(pool for pool in active if pool.group.role == "fallback"),
        retiring=tuple(pool for pool in pools if pool.group.state == "retiring"),
        cell_units=min(units, default=1),
    )


def shrink(fleet: Fleet, wanted: dict[str, int], demand: int) -> dict[str, int]:
    """Nodes to have (without doomed ones) in spot and retiring pools, none stopped that ready ones do not make up for.

    `wanted` nodes by spot group; of retiring pools so many stay as the others lack of the demand.
    """
    spare = fleet.ready((*fleet.spot, *fleet.base)) - demand
    kept = {}
    for pool in fleet.spot:
        target = wanted[pool.group.key]
        stop = pool.alive - target
        if stop > 0:
            at_once = min(stop, pool.alive - pool.ready)
            later = min(stop - at_once, max(0, spare) // fleet.cells(pool))
            spare -= later * fleet.cells(pool)
            target = pool.alive - at_once - later
        kept[pool.group.key] = target
    for pool in fleet.retiring:
        nodes = min(pool.alive, -(-max(0, -spare) // fleet.cells(pool)))
        spare += nodes * fleet.cells(pool)
        kept[pool.group.key] = nodes
    return kept


def on_demand_cells(fleet: Fleet, standing: int, demand: int) -> int:
    """Cells of on-demand to run: standing ones, what is not coming, and of the present ones what is not ready."""
    others = (*fleet.spot, *fleet.base, *fleet.retiring)
    missing = demand - fleet.alive(others)
    unready = demand - fleet.ready(others)
    return max(0, standing, missing, min(fleet.alive(fleet.fallback), unready))


def spread_on_demand(fleet: Fleet, cells: int) -> dict[str, int]:
    """Nodes by fallback group: running ones first, then the groups that the shortest spot pools name, then by price."""
    pools = {pool.group.key: pool for pool in fleet.fallback}
    nodes = dict.fromkeys(pools, 0)
    left = cells
    for key in sorted(pools):
        pool = pools[key]
        nodes[key] = min(pool.alive, max(0, pool.group.max_nodes), -(-left // fleet.cells(pool)))
        left = max(0, left - nodes[key] * fleet.cells(pool))
    for key in _order(fleet, pools):
        pool = pools[key]
        room = max(0, pool.group.max_nodes - pool.doomed - nodes[key])
        more = min(room, -(-left // fleet.cells(pool)))
        nodes[key] += more
        left = max(0, left - more * fleet.cells(pool))
    return nodes


def _order(fleet: Fleet, pools: dict[str, Pool]) -> list[str]:
    """Groups that just refused come last."""
    short = sorted(fleet.spot, key=lambda pool: (-_missing(pool.group, pool.alive), pool.group.key))
    named = [key for pool in short for key in pool.group.fallback if key in pools]
    by_price = sorted(
        pools,
        key=lambda key: (
            pools[key].group.price_usd_micro_per_hour / fleet.cells(pools[key]),
            key,
        ),
    )
    order = list(dict.fromkeys([*named, *by_price]))
    return sorted(order, key=lambda key: pools[key].resting)


def _missing(group: Group, alive: int) -> int:
    return max(0, (group.planned_nodes or 0) - alive) * group.units_per_node
