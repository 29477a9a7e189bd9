"""From the choice to sizes: what may stop now, how much on-demand runs meanwhile, and in which groups.

On-demand covers what spot does not: at once what is not coming, and what is not ready as long as it already runs. It is
released when spot is ready, not when it is accepted, because a node that was just accepted may be lost at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from reactor.look import Pool


def cells_of(units: int, cell_units: int) -> int:
    """Whole cells of capacity in so many units, at least one."""
    cells = (units + cell_units // 2) // cell_units if cell_units > 0 else 1
    return cells if cells > 0 else 1


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
    """Nodes by fallback group: running ones first, then each spot pool's gap in the groups it names, the rest by price."""
    pools = {pool.group.key: pool for pool in sorted(fleet.fallback, key=lambda p: p.group.key)}
    nodes = dict.fromkeys(pools, 0)
    left = cells
    if cells <= 0:
        return nodes
    for pool in pools.values():
        left -= _put(fleet, pool, nodes, left, room=min(pool.alive, pool.group.max_nodes))
    for spot in sorted(fleet.spot, key=lambda pool: (-_gap(fleet, pool), pool.group.key)):
        gap = min(left, _gap(fleet, spot))
        for key in _rested_last([key for key in spot.group.fallback if key in pools], pools):
            put = _put(fleet, pools[key], nodes, gap, room=_room(pools[key]))
            gap, left = gap - put, left - put
    by_price = sorted(
        pools,
        key=lambda key: pools[key].group.price_usd_micro_per_hour / fleet.cells(pools[key]),
    )
    for key in _rested_last(by_price, pools):
        left -= _put(fleet, pools[key], nodes, left, room=_room(pools[key]))
    return nodes


def _put(fleet: Fleet, pool: Pool, nodes: dict[str, int], cells: int, *, room: int) -> int:
    """Put so many cells into a group as far as it has room; says how many it took."""
    key, each = pool.group.key, fleet.cells(pool)
    more = min(max(0, room - nodes[key]), -(-max(0, cells) // each))
    nodes[key] += more
    return more * each


def _room(pool: Pool) -> int:
    return pool.group.max_nodes - pool.doomed


def _rested_last(keys: list[str], pools: dict[str, Pool]) -> list[str]:
    """Groups that just refused come last."""
    return sorted(keys, key=lambda key: pools[key].resting)


def _gap(fleet: Fleet, pool: Pool) -> int:
    """Cells that a spot pool lacks of what the plan holds there."""
    return max(0, (pool.group.planned_nodes or 0) - pool.alive) * fleet.cells(pool)
