"""The hedge policy: how many nodes each group should have now. Pure and deterministic; the same code that replay measures.

One decision: bring the memory up to date (reactor.look), weigh spot, extras and standing on-demand against the shortage
that may come before a replacement is ready (reactor.choice), keep what must not stop yet and cover the gap (reactor.coverage),
and stay within maxima, quotas and budget (reactor.limits). Every list is walked in a stated order and nothing is random:
two reactors that see the same set the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
    Parts,
    on_demand_cells,
    shrink,
    sort_pools,
    spread_on_demand,
)
from reactor.limits import Grant, Wish, grant
from reactor.look import Pool, look, remember_sizes
from reactor.needs import Need, Option
from reactor.ramp import expected_demand, remember_demand
from reactor.risk import loss_chance

_HOUR_S = 3600.0
_LATE_LOOK_S = 60.0
"""How late a look may be: a timer's period."""
_DETOUR = 0.05
"""What a node beyond the planned ones of its group counts dearer, in its on-demand price: routing was planned for those."""


def decide(plan: RuntimePlan, observation: Observation, memory: Memory, now: float) -> Decision:
    """The sizes that the observed groups should have at `now` (seconds), and why. Never raises on odd observations."""
    seen = look(plan, observation, memory, now)
    parts = sort_pools(seen.pools)
    demands = remember_demand(memory.demands, max(0, plan.demand_units), now)
    units, moves_s = expected_demand(demands, max(0, plan.demand_units), now, _ahead_s(plan))
    demand = -(-units // parts.cell_units)
    choice = choose(_options(parts, plan.parameters), _need(plan, seen.memory, parts, demand))
    wishes = _wishes(parts, _nodes(parts, choice, demand))
    unseen = _unseen(plan, parts, memory)
    grants = {each.group: each for each in grant(plan, [*unseen, *wishes])}
    sizes = tuple([Size(key, grants[key].nodes) for key in sorted(parts.per_node)])
    return Decision(
        sizes=sizes,
        reasons=tuple(_reasons(seen.pools, grants, choice)),
        memory=replace(remember_sizes(plan, seen.memory, sizes), demands=demands),
        quiet_until_s=min(seen.quiet_until_s, moves_s),
    )


def _ahead_s(plan: RuntimePlan) -> float:
    """How long before a known rise of demand its nodes are asked for."""
    return max([group.cold_start_s for group in plan.groups], default=0.0) + _LATE_LOOK_S


def _need(plan: RuntimePlan, memory: Memory, parts: Parts, demand: int) -> Need:
    parameters = plan.parameters
    prices = [p.group.price_usd_micro_per_hour / parts.cells(p) for p in parts.fallback]
    instead = [p.group.on_demand_usd_micro_per_hour / parts.cells(p) for p in parts.spot]
    on_demand = min(prices or instead, default=1.0)
    start_s = max([p.group.cold_start_s for p in parts.fallback], default=0.0)
    pools = (*parts.spot, *parts.base, *parts.fallback)
    return Need(
        demand=max(0, demand - parts.coming()),
        reserve=max(0, plan.reserve_units) // parts.cell_units,
        most_extra=max(0, parameters.most_extra),
        # what a plan holds in reserve is there so that nothing on demand need stand by
        most_standing=0 if plan.reserve_units > 0 else max(0, parameters.most_extra),
        existing=parts.alive(parts.fallback),
        on_demand=on_demand,
        on_demand_start=on_demand * start_s / _HOUR_S,
        shortage=parameters.shortage_price * on_demand,
        common=parameters.common_shortage,
        correlation=parameters.correlation,
        whole=(2 + memory.whole_losses) / (2 + memory.losses),
        settled=all(pool.ready == pool.alive for pool in pools),
    )


def _options(parts: Parts, parameters: Parameters) -> tuple[Option, ...]:
    """Spot groups to choose from. Where all of them rest, each is worth a try: a refusal costs nothing but seconds."""
    blind = all(pool.resting for pool in parts.spot)
    return tuple(_option(parts, pool, parameters, blind=blind) for pool in parts.spot)


def _option(parts: Parts, pool: Pool, parameters: Parameters, *, blind: bool) -> Option:
    group = pool.group
    window_s = max(0.0, group.cold_start_s - group.notice_s)
    price = float(group.price_usd_micro_per_hour)
    planned = group.planned_nodes
    return Option(
        domain=group.domain,
        cells=parts.cells(pool),
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


def _nodes(parts: Parts, choice: Choice, demand: int) -> dict[str, int]:
    """Nodes by group, without those under notice."""
    wanted = {p.group.key: sum(row) for p, row in zip(parts.spot, choice.nodes, strict=True)}
    on_demand = on_demand_cells(parts, choice.standing, demand)
    return shrink(parts, wanted, demand) | spread_on_demand(parts, on_demand)


def _wishes(parts: Parts, nodes: dict[str, int]) -> list[Wish]:
    """In order of what should grow first when limits bind: base, spot, then on-demand."""
    return [
        Wish(
            pool.group.key,
            pool.group.price_usd_micro_per_hour,
            pool.group.max_nodes,
            pool.alive + pool.doomed,
            nodes[pool.group.key] + pool.doomed,
        )
        for pool in (*parts.base, *parts.spot, *parts.retiring, *parts.fallback)
    ]


def _unseen(plan: RuntimePlan, parts: Parts, memory: Memory) -> list[Wish]:
    """Groups that could not be observed keep the size set last, within the same limits."""
    if len(parts.per_node) == len(plan.groups):
        return []
    last = {size.group: size.nodes for size in memory.sizes}
    return [
        Wish(group.key, group.price_usd_micro_per_hour, nodes, nodes, nodes)
        for group in plan.groups
        if group.key not in parts.per_node and (nodes := last.get(group.key, 0))
    ]


def _reasons(pools: list[Pool], grants: dict[str, Grant], choice: Choice) -> Iterable[Reason]:
    """One line per group whose size changes or is cut."""
    for pool in pools:
        each = grants[pool.group.key]
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
