"""The runtime plan: what the reactors of one cloud need of the Plan, in their own terms.

Capacity units are requests per hour of the workload's own mix, as in the plan's `hedge`: a node counts what its replicas
serve of it, so that nodes of several shapes add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from allocator.mix import own_rate
from allocator.plan import Cloud, Member, Plan, Pool
from reactor.contract import Group, QuotaGroup, RuntimePlan, Weight
from reactor.published import Dispatch, Label, Peer, Published, Target

NOTICE_S: Mapping[Cloud, float] = {"aws": 120.0, "gcp": 30.0, "azure": 30.0}
"""How long before a spot node goes its cloud tells: EC2 two minutes, Compute Engine and Azure half a minute."""
_GROUP_PER_MEMBER = ("azure",)
"""Clouds whose groups have one instance type each."""


def group_key(pool: Pool, member: Member) -> str:
    """The key of the group that holds a member of a pool: the pool's own, unless its cloud wants a group for each."""
    return f"{pool.key}/{member.instance_type}" if pool.cloud in _GROUP_PER_MEMBER else pool.key


def runtime_plan(plan: Plan, cloud: Cloud) -> RuntimePlan:
    """The part of the plan that this cloud's reactors need, without the ids of the groups."""
    pools = [pool for pool in plan.decisions.pools if pool.cloud == cloud]
    hedge = next((each for each in plan.decisions.hedge if each.cloud == cloud), None)
    budget = next((each for each in plan.decisions.budgets if each.cloud == cloud), None)
    groups = [group for pool in pools for group in _groups(plan, pool, pools)]
    # whole units of a node may come to a little less than the whole that the plan holds
    held = sum((group.planned_nodes or 0) * group.units_per_node for group in groups)
    demand = min(hedge.demand, held) if hedge else 0
    return RuntimePlan(
        digest=plan.digest,
        demand_units=demand,
        reserve_units=min(hedge.reserve, held - demand) if hedge else 0,
        groups=tuple(sorted(groups, key=lambda group: group.key)),
        quota_groups=tuple(_quotas(plan, pools)),
        budget_usd_micro_per_hour=budget.usd_micro_per_hour if budget else None,
    )


def published(
    plan: Plan,
    cloud: Cloud,
    resources: Mapping[str, str],
    label: tuple[str, str],
    *,
    peers: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    dispatch: tuple[Literal["github", "pulumi"], str] | None = None,
    cool_down_s: float = 300.0,
    frozen: bool = False,
) -> str:
    """The text of this cloud's `plan.json`. `resources`: by group key, what the cloud's API calls the group; `peers`: where
    the cells of the other clouds answer; `dispatch`: whom to ask for a new plan, and the URL."""
    runtime = runtime_plan(plan, cloud)
    targets = tuple(Target(g.key, resources[g.key], g.region) for g in runtime.groups)
    return Published(
        stack=label[1],
        cloud=cloud,
        plan=runtime,
        targets=targets,
        label=Label(*label),
        peers=tuple(Peer(other, urls) for other, urls in sorted(peers.items())),
        dispatch=Dispatch(*dispatch) if dispatch else None,
        cool_down_s=cool_down_s,
        frozen=frozen,
    ).to_json()


def _parts(pool: Pool) -> dict[str, tuple[Member, ...]]:
    """The pool's groups, first choice first."""
    if pool.cloud in _GROUP_PER_MEMBER:
        return {group_key(pool, member): (member,) for member in pool.members}
    return {pool.key: pool.members}


def _groups(plan: Plan, pool: Pool, pools: Sequence[Pool]) -> list[Group]:
    shape = next(each for each in plan.decisions.shapes if each.key == pool.shape)
    zones = next(
        c.zones for c in plan.decisions.cells if (c.cloud, c.region) == (pool.cloud, pool.region)
    )
    planned = pool.nodes
    made = []
    for key, members in _parts(pool).items():
        offered = {zone for member in members for zone in member.zones}
        made.append(
            Group(
                key=key,
                cloud=pool.cloud,
                region=pool.region,
                shape=pool.shape,
                role=pool.role,
                state=pool.state,
                zones=tuple(zone for zone in zones if zone in offered),
                units_per_node=round(
                    pool.replicas_per_node * own_rate(shape, plan.decisions.buckets) * 3600
                ),
                planned_nodes=planned,
                max_nodes=pool.max_nodes,
                price_usd_micro_per_hour=members[0].price_usd_micro_per_hour,
                on_demand_usd_micro_per_hour=pool.on_demand_usd_micro_per_hour,
                cold_start_s=float(pool.cold_start_s),
                notice_s=NOTICE_S[pool.cloud] if pool.role == "spot" else 0.0,
                fallback=_stand_ins(plan, pool, pools),
            )
        )
        planned = 0  # the first member was planned; the others are there for when it has none
    return made


def _stand_ins(plan: Plan, pool: Pool, pools: Sequence[Pool]) -> tuple[str, ...]:
    """Groups of the on-demand pools that cover this one, in the plan's order."""
    known = {each.key: each for each in pools}
    stands = next((each.stands for each in plan.decisions.fallback if each.pool == pool.key), ())
    return tuple(
        key for stand in stands if stand.pool in known for key in _parts(known[stand.pool])
    )


def _quotas(plan: Plan, pools: Sequence[Pool]) -> list[QuotaGroup]:
    """The plan's quotas over groups; the groups of one pool share its bound."""
    parts = {pool.key: tuple(_parts(pool)) for pool in pools}
    shared = [
        QuotaGroup(
            f"pool-{pool.key}", pool.max_nodes, tuple(Weight(key, 1) for key in parts[pool.key])
        )
        for pool in pools
        if len(parts[pool.key]) > 1
    ]
    named = [
        QuotaGroup(
            quota.key,
            quota.cap,
            tuple(
                Weight(key, weight.amount)
                for weight in quota.weights
                for key in parts.get(weight.pool, ())
            ),
        )
        for quota in plan.decisions.quota_groups
    ]
    return shared + [quota for quota in named if quota.weights]
