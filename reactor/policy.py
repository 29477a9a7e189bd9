"""The hedge policy: how many nodes each group should have now. Pure and deterministic; the same code that replay measures.

One look: bring the memory up to date, choose spot and standing on-demand (reactor.choice), then
- on-demand covers what spot does not: what is not coming at once, and what is not ready yet as long as it already runs;
- nothing is stopped unless ready nodes without notice still serve the demand;
- where no zone is believed to have capacity, missing nodes are asked of the groups in turn, longest quiet first;
- no size goes above a group's maximum, a shared quota or the budget, unless it runs already.
"""

from __future__ import annotations

from reactor.choice import Choice, Need, Option, choose
from reactor.contract import (
    Decision,
    Memory,
    Observation,
    Parameters,
    Reason,
    RuntimePlan,
    Size,
)
from reactor.look import Pool, look, remember_sizes
from reactor.risk import loss_chance

_HOUR_S = 3600.0


def decide(plan: RuntimePlan, observation: Observation, memory: Memory, now: float) -> Decision:
    """The sizes that the observed groups should have at `now` (seconds), and why. Never raises on odd observations."""
    seen = look(plan, observation, memory, now)
    spot = [p for p in seen.pools if p.group.role == "spot" and p.group.state == "active"]
    spot.sort(key=lambda p: (p.refused_s, p.group.key))
    fallback = [p for p in seen.pools if p.group.role == "fallback"]
    cell = min((p.group.units_per_node for p in seen.pools), default=1)
    need = _need(plan, seen.memory, fallback, cell)
    blind = all(zone.resting for pool in spot for zone in pool.zones)
    options = tuple(_option(p, cell, plan.parameters, blind) for p in spot)
    choice = choose(options, need)
    sizes = _spot_sizes(spot, options, choice, need)
    sizes |= _on_demand_sizes(fallback, spot, options, choice, need, cell)
    result = tuple(Size(key, nodes) for key, nodes in sorted(sizes.items()))
    reasons: tuple[Reason, ...] = ()
    return Decision(result, reasons, remember_sizes(seen.memory, result), seen.quiet_until_s)


def cells_of(units: int, cell_units: int) -> int:
    """Whole cells in so many units, at least one."""
    return max(1, (units + cell_units // 2) // cell_units)


def _option(pool: Pool, cell: int, parameters: Parameters, blind: bool) -> Option:
    group = pool.group
    window_s = max(0.0, group.cold_start_s - group.notice_s)
    price = float(group.price_usd_micro_per_hour)
    return Option(
        domain=group.domain,
        cells=cells_of(group.units_per_node, cell),
        price=price,
        start=price * group.cold_start_s / _HOUR_S,
        room=group.max_nodes - pool.doomed,
        present=tuple(zone.alive for zone in pool.zones),
        open=tuple(blind or not zone.resting for zone in pool.zones),
        chances=tuple(loss_chance(zone.age_h, window_s, parameters.hazard) for zone in pool.zones),
    )


def _need(plan: RuntimePlan, memory: Memory, fallback: list[Pool], cell: int) -> Need:
    prices = [
        p.group.price_usd_micro_per_hour / cells_of(p.group.units_per_node, cell) for p in fallback
    ]
    on_demand = min(prices, default=1e6)
    start_s = max((p.group.cold_start_s for p in fallback), default=0.0)
    return Need(
        demand=-(-max(0, plan.demand_units) // cell),
        reserve=max(0, plan.reserve_units) // cell,
        most_extra=plan.parameters.most_extra,
        existing=sum(p.alive * cells_of(p.group.units_per_node, cell) for p in fallback),
        on_demand=on_demand,
        on_demand_start=on_demand * start_s / _HOUR_S,
        shortage=plan.parameters.shortage_price * on_demand,
        correlation=plan.parameters.correlation,
        whole=(2 + memory.whole_losses) / (2 + memory.losses),
    )


def _spot_sizes(
    spot: list[Pool], options: tuple[Option, ...], choice: Choice, need: Need
) -> dict[str, int]:
    sizes = {}
    spare = sum(p.ready * o.cells for p, o in zip(spot, options, strict=True)) - need.demand
    for pool, option, nodes in zip(spot, options, choice.nodes, strict=True):
        target = sum(nodes)
        if target < pool.alive:
            stop = pool.alive - target
            ready_stop = max(0, stop - (pool.alive - pool.ready))
            allowed = min(ready_stop, max(0, spare) // option.cells)
            spare -= allowed * option.cells
            target = pool.alive - (stop - ready_stop + allowed)
        sizes[pool.group.key] = target + pool.doomed
    return sizes


def _on_demand_sizes(
    fallback: list[Pool],
    spot: list[Pool],
    options: tuple[Option, ...],
    choice: Choice,
    need: Need,
    cell: int,
) -> dict[str, int]:
    coming = sum(p.alive * o.cells for p, o in zip(spot, options, strict=True))
    ready = sum(p.ready * o.cells for p, o in zip(spot, options, strict=True))
    wanted = max(choice.standing, need.demand - coming, min(need.existing, need.demand - ready), 0)
    sizes = {}
    for pool in fallback:
        cells = cells_of(pool.group.units_per_node, cell)
        nodes = min(pool.group.max_nodes, -(-wanted // cells))
        sizes[pool.group.key] = nodes
        wanted = max(0, wanted - nodes * cells)
    return sizes
