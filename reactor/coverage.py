"""From the choice to sizes: what may stop now, how much on-demand runs meanwhile, and in which groups.

On-demand covers what spot does not: at once what is not coming, and what is not ready as long as it already runs. It is
released when spot is ready, not when it is accepted, because a node that was just accepted may be lost at once.
"""

from __future__ import annotations

from typing import NamedTuple

from reactor.look import Pool


def cells_of(units: int, cell_units: int) -> int:
    """Whole cells of capacity in so many units, at least one."""
    return max(1, (units + cell_units // 2) // cell_units)


class Parts(NamedTuple):
    """All observed pools by part, how many units make a cell, and cells per node by group."""

    spot: tuple[Pool, ...]
    base: tuple[Pool, ...]
    fallback: tuple[Pool, ...]
    retiring: tuple[Pool, ...]
    cell_units: int
    per_node: dict[str, int]

    def cells(self, pool: Pool) -> int:
        """Cells per node."""
        return self.per_node[pool.group.key]

    def alive(self, pools: tuple[Pool, ...]) -> int:
        """Cells of nodes that stay, ready or starting."""
        return sum([pool.alive * self.cells(pool) for pool in pools if pool.alive])

    def ready(self, pools: tuple[Pool, ...]) -> int:
        """Cells of ready nodes that stay."""
        return sum([pool.ready * self.cells(pool) for pool in pools if pool.ready])

    def coming(self) -> int:
        """Cells that base pools will have: what the plan holds there, unless they refuse it."""
        return sum(
            [
                self.cells(p) * (min(p.alive, base_nodes(p)) if p.resting else base_nodes(p))
                for p in self.base
            ]
        )


def base_nodes(pool: Pool) -> int:
    """Nodes that a base pool should have."""
    planned = pool.group.planned_nodes
    return pool.alive if planned is None else max(0, planned)


def sort_pools(pools: list[Pool]) -> Parts:
    """Pools by part; spot pools longest unrefused first, so that a dry market is asked in turn."""
    active = [pool for pool in pools if pool.group.state == "active"]
    spot = [pool for pool in active if pool.group.role == "spot"]
    units = [pool.group.units_per_node for pool in pools if pool.group.units_per_node > 0]
    cell_units = min(units, default=1)
    return Parts(
        spot=tuple(sorted(spot, key=lambda pool: (pool.refused_s, pool.group.key))),
        base=tuple([pool for pool in active if pool.group.role == "base"]),
        fallback=tuple([pool for pool in active if pool.group.role == "fallback"]),
        retiring=tuple([pool for pool in pools if pool.group.state == "retiring"]),
        cell_units=cell_units,
        per_node={p.group.key: cells_of(p.group.units_per_node, cell_units) for p in pools},
    )


def shrink(parts: Parts, wanted: dict[str, int], demand: int) -> dict[str, int]:
    """Nodes to have (without doomed ones) in base, spot and retiring pools, none stopped that ready ones do not make up for.

    `wanted` nodes by spot group; of retiring pools so many stay as the others lack of the demand.
    """
    spare = parts.ready((*parts.spot, *parts.base)) - demand
    kept = {}
    for pool in (*parts.base, *parts.spot):
        target = wanted[pool.group.key] if pool.group.role == "spot" else base_nodes(pool)
        stop = pool.alive - target
        if stop > 0:
            at_once = min(stop, pool.alive - pool.ready)
            later = min(stop - at_once, max(0, spare) // parts.cells(pool))
            spare -= later * parts.cells(pool)
            target = pool.alive - at_once - later
        kept[pool.group.key] = target
    for pool in parts.retiring:
        nodes = min(pool.alive, -(-max(0, -spare) // parts.cells(pool)))
        spare += nodes * parts.cells(pool)
        kept[pool.group.key] = nodes
    return kept


def on_demand_cells(parts: Parts, standing: int, demand: int) -> int:
    """Cells of on-demand to run: standing ones, what is not coming, and of the present ones what is not ready."""
    base = max(parts.coming(), parts.alive(parts.base))
    missing = demand - base - parts.alive((*parts.spot, *parts.retiring))
    unready = demand - parts.ready((*parts.spot, *parts.base, *parts.retiring))
    return max(0, standing, missing, min(parts.alive(parts.fallback), unready))


def spread_on_demand(parts: Parts, cells: int) -> dict[str, int]:
    """Nodes by fallback group: running ones first, then each spot pool's gap in the groups it names, the rest by price."""
    pools = {pool.group.key: pool for pool in sorted(parts.fallback, key=lambda p: p.group.key)}
    nodes = dict.fromkeys(pools, 0)
    left = cells
    if cells <= 0:
        return nodes
    for pool in pools.values():
        left -= _put(parts, pool, nodes, left, room=min(pool.alive, pool.group.max_nodes))
    gaps = {pool.group.key: _gap(parts, pool) for pool in parts.spot}
    for spot in sorted(parts.spot, key=lambda pool: (-gaps[pool.group.key], pool.group.key)):
        gap = min(left, gaps[spot.group.key])
        if gap <= 0:
            break
        for key in _rested_last([key for key in spot.group.fallback if key in pools], pools):
            put = _put(parts, pools[key], nodes, gap, room=_room(pools[key]))
            gap, left = gap - put, left - put
    if left > 0:
        by_price = sorted(
            pools, key=lambda key: pools[key].group.price_usd_micro_per_hour / parts.per_node[key]
        )
        for key in _rested_last(by_price, pools):
            left -= _put(parts, pools[key], nodes, left, room=_room(pools[key]))
    return nodes


def _put(parts: Parts, pool: Pool, nodes: dict[str, int], cells: int, *, room: int) -> int:
    """Put so many cells into a group as far as it has room; says how many it took."""
    key, each = pool.group.key, parts.cells(pool)
    more = min(max(0, room - nodes[key]), -(-max(0, cells) // each))
    nodes[key] += more
    return more * each


def _room(pool: Pool) -> int:
    return pool.group.max_nodes - pool.doomed


def _rested_last(keys: list[str], pools: dict[str, Pool]) -> list[str]:
    """Groups that just refused come last."""
    return sorted(keys, key=lambda key: pools[key].resting)


def _gap(parts: Parts, pool: Pool) -> int:
    """Cells that a spot pool lacks of what the plan holds there."""
    return max(0, (pool.group.planned_nodes or 0) - pool.alive) * parts.cells(pool)
