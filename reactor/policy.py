"""The hedge policy: how many nodes each group should have now. Pure and deterministic; the same code that replay measures.

One decision: bring the memory up to date (reactor.look), weigh spot, extras and standing on-demand against the shortage
that may come before a replacement is ready (reactor.choice), keep what must not stop yet and cover the gap (reactor.coverage),
and stay within maxima, quotas and budget (reactor.limits). Every list is walked in a stated order and nothing is random:
two reactors that see the same set the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from reactor.choice import Choice, choose
from reactor.contract import (
    Decision,
    Memory,
    Observation,
    Parameters,
    Reason,
    RuntimePlan,
    Size,
)
from reactor.coverage import (
    Fleet,
    on_demand_cells,
    shrink,
    sort_pools,
    spread_on_demand,
)
from reactor.fleets import Need, Option
from reactor.limits import Grant, Wish, grant
from reactor.look import Pool, look, remember_sizes
from reactor.risk import loss_chance

_HOUR_S = 3600.0
_DETOUR = 0.05
"""What a node beyond the planned ones of its group counts dearer, in its on-demand price: routing was planned for those."""


def decide(plan: RuntimePlan, observation: Observation, memory: Memory, now: float) -> Decision:
    """The sizes that the observed groups should have at `now` (seconds), and why. Never raises on odd observations."""
    seen = look(plan, observation, memory, now)
    fleet = sort_pools(seen.pools)
    demand = -(-max(0, plan.demand_units) // max(1, fleet.cell_units))
    need = _need(plan, seen.memory, fleet, demand)
    choice = choose(_options(fleet, plan.parameters), need)
    nodes = _nodes(fleet, choice, demand)
    grants = grant(plan, _wishes(fleet, nodes))
    sizes = tuple(Size(each.group, each.nodes) for each in sorted(grants, key=lambda g: g.group))
    return Decision(
        sizes=sizes,
        reasons=tuple(_reasons(seen.pools, grants, choice)),
        memory=remember_sizes(seen.memory, sizes),
        quiet_until_s=seen.quiet_until_s,
    )


def _need(plan: RuntimePlan, memory: Memory, fleet: Fleet, demand: int) -> Need:
    parameters = plan.parameters
    prices = [p.group.price_usd_micro_per_hour / fleet.cells(p) for p in fleet.fallback]
    instead = [p.group.on_demand_usd_micro_per_hour / fleet.cells(p) for p in fleet.spot]
    on_demand = min(prices or instead, default=1.0)
    start_s = max([p.group.cold_start_s for p in fleet.fallback], default=0.0)
    pools = (*fleet.spot, *fleet.base, *fleet.fallback)
    return Need(
        demand=max(0, demand - fleet.alive(fleet.base)),
        reserve=max(0, plan.reserve_units) // max(1, fleet.cell_units),
        most_extra=parameters.most_extra,
        existing=fleet.alive(fleet.fallback),
        on_demand=on_demand,
        on_demand_start=on_demand * start_s / _HOUR_S,
        shortage=parameters.shortage_price * on_demand,
        common=parameters.common_shortage,
        correlation=parameters.correlation,
        whole=(2 + memory.whole_losses) / (2 + memory.losses),
        settled=all(pool.ready == pool.alive for pool in pools),
    )


def _options(fleet: Fleet, parameters: Parameters) -> tuple[Option, ...]:
    """Spot groups to choose from. Where all of them rest, each is worth a try: a refusal costs nothing but seconds."""
    blind = all(pool.resting for pool in fleet.spot)
    return tuple(_option(fleet, pool, parameters, blind=blind) for pool in fleet.spot)


def _option(fleet: Fleet, pool: Pool, parameters: Parameters, *, blind: bool) -> Option:
    group = pool.group
    window_s = max(0.0, group.cold_start_s - group.notice_s)
    price = float(group.price_usd_micro_per_hour)
    planned = group.planned_nodes
    return Option(
        domain=group.domain,
        cells=fleet.cells(pool),
        price=price,
        start=price * group.cold_start_s / _HOUR_S,
        detour=0.0 if planned is None else _DETOUR * group.on_demand_usd_micro_per_hour,
        planned=group.max_nodes if planned is None else planned,
        room=group.max_nodes - pool.doomed,
        present=tuple([zone.alive for zone in pool.zones]),
        open=tuple([blind or not zone.resting for zone in pool.zones]),
        chances=tuple(
            [loss_chance(zone.age_h, window_s, parameters.hazard) for zone in pool.zones]
        ),
    )


def _nodes(fleet: Fleet, choice: Choice, demand: int) -> dict[str, int]:
    """Nodes by group, without those under notice."""
    wanted = {p.group.key: sum(row) for p, row in zip(fleet.spot, choice.nodes, strict=True)}
    on_demand = on_demand_cells(fleet, choice.standing, demand)
    base = {
        p.group.key: p.alive if p.group.planned_nodes is None else max(0, p.group.planned_nodes)
        for p in fleet.base
    }
    return shrink(fleet, wanted, demand) | base | spread_on_demand(fleet, on_demand)


def _wishes(fleet: Fleet, nodes: dict[str, int]) -> Iterable[Wish]:
    """In order of what should grow first when limits bind: base, spot, then on-demand."""
    for pool in (*fleet.base, *fleet.spot, *fleet.retiring, *fleet.fallback):
        group = pool.group
        yield Wish(
            group=group.key,
            price=group.price_usd_micro_per_hour,
            most=group.max_nodes,
            present=pool.alive + pool.doomed,
            nodes=nodes[group.key] + pool.doomed,
        )


def _reasons(pools: list[Pool], grants: Iterable[Grant], choice: Choice) -> Iterable[Reason]:
    """One line per group whose size changes or is cut."""
    granted = {each.group: each for each in grants}
    for pool in pools:
        each = granted[pool.group.key]
        present = pool.alive + pool.doomed
        if each.nodes == present and not each.limit:
            continue
        parts = [f"{present} -> {each.nodes}"]
        if pool.doomed:
            parts.append(f"{pool.doomed} under notice")
        if pool.resting:
            parts.append("no zone is known to have capacity")
        if pool.group.role == "fallback" and choice.standing:
            parts.append(f"{choice.standing} cells stand by")
        if each.limit:
            parts.append(f"cut by {each.limit}")
        yield Reason(pool.group.key, ", ".join(parts))
