"""How an Auto Scaling group turns capacity units into machines, and what it says where it cannot."""

from __future__ import annotations

import math
from dataclasses import replace

from sandbox.aws.activities import end, launch_failed
from sandbox.aws.lookup import SUBNET
from sandbox.aws.templates import template_data
from sandbox.aws.zones import zone_name, zone_of
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.machines import RUNNING, Order, Shortfall, fill, machines_of
from sandbox.market import ON_DEMAND, SPOT
from sandbox.world import Record

_MIXED = "MixedInstancesPolicy.LaunchTemplate"
_QUOTAS = {
    (SPOT, "p5"): "L-C4BD4855",
    (SPOT, "p"): "L-7212CCBC",
    (SPOT, "g"): "L-3819A6DF",
    (SPOT, "vt"): "L-3819A6DF",
    (SPOT, ""): "L-34B43A08",
    (ON_DEMAND, "p"): "L-417A185B",
    (ON_DEMAND, "g"): "L-DB2E81BA",
    (ON_DEMAND, "vt"): "L-DB2E81BA",
    (ON_DEMAND, ""): "L-1216C47A",
}
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 300.0


def settle(ctx: Context, group: Record) -> None:
    """Launch and end machines until the group has its size, or note as failed activities why it cannot.

    Where it cannot, the group tries again later, and later still after each further failure. The record is changed, not
    put.
    """
    group.live["zones"], zone_ids = _zones(ctx, group)
    weights = _weights(ctx, group)
    wanted = _wanted(group)
    missing: list[tuple[str, Shortfall]] = []
    for market, units in wanted.items():
        _shrink(ctx, group, market, units, weights)
    for market, units in wanted.items():
        order = Order(
            group=group,
            desired=0,
            members=_affordable(ctx, group, market, weights),
            zones=tuple(zone_ids),
            market=market,
            family=family_of(market, next(iter(weights), "")),
        )
        missing += [(market, one) for one in _grow(ctx, order, units, weights)]
    group.live.setdefault("activities", [])
    failures = group.live.get("trouble", {}).get("failures", 0)
    group.live["trouble"] = {}
    for market, shortfall in missing:
        launch_failed(ctx, group, market, shortfall)
    if missing:
        until = ctx.world.clock.now() + min(_FIRST_PAUSE_S * 2**failures, _LONGEST_PAUSE_S)
        trouble = {
            "failures": failures + 1,
            "until": until,
            "desired": group.body["DesiredCapacity"],
        }
        group.live["trouble"] = trouble
        ctx.world.wake(group, until)


def reconcile(ctx: Context, group: Record) -> None:
    """What a group does by itself: replace what is lost, see to machines at risk, and try again, but not all the time."""
    _retire(ctx, group)
    trouble: Json = group.live.get("trouble", {})
    until = trouble.get("until", 0.0)
    if until > ctx.world.clock.now() and trouble["desired"] == group.body["DesiredCapacity"]:
        ctx.world.wake(group, until)
        return
    settle(ctx, group)
    ctx.world.put(group)


def _retire(ctx: Context, group: Record) -> None:
    """End machines at risk as far as others run in their place."""
    weights = _weights(ctx, group)
    machines = machines_of(ctx.world, group)
    leaving = [machine for machine in machines if _leaves(group, machine)]
    running = [m for m in machines if m not in leaving and m.body["state"] == RUNNING]
    if leaving and _units(running, weights) >= group.body["DesiredCapacity"]:
        for machine in leaving:
            end(ctx, machine)


def _leaves(group: Record, machine: Record) -> bool:
    """Whether the group takes a machine for lost already: with capacity rebalancing, from the notice on."""
    return machine.body["deadline"] is not None and bool(group.body.get("CapacityRebalance"))


def unmet(ctx: Context, group: Record) -> str:
    """What the group lacks, as the provider's waiter says it; empty when it has its size."""
    weights = _weights(ctx, group)
    have = sum(weights.get(m.body["instance_type"], 1) for m in machines_of(ctx.world, group))
    want = group.body["DesiredCapacity"]
    if have >= want:
        return ""
    return f"want at least {want} healthy instance(s) in Auto Scaling Group, have {have}"


def family_of(market: str, instance_type: str) -> str:
    """The code of the service quota (counted in vCPUs) that an instance type falls under."""
    for start in ("p5", "p", "g", "vt"):
        if instance_type.startswith(start) and (market, start) in _QUOTAS:
            return _QUOTAS[market, start]
    return _QUOTAS[market, ""]


def specifications(body: Json) -> list[Json]:
    """Every template that a group names: its own or those of its mixed instances policy."""
    named_ones = [body.get("LaunchTemplate"), get(body, f"{_MIXED}.LaunchTemplateSpecification")]
    for override in get(body, f"{_MIXED}.Overrides") or []:
        named_ones.append(override.get("LaunchTemplateSpecification"))
    return [spec for spec in named_ones if spec]


def _wanted(group: Record) -> dict[str, int]:
    """Capacity units per market, as the instances distribution splits them."""
    desired = group.body["DesiredCapacity"]
    if "MixedInstancesPolicy" not in group.body:
        return {ON_DEMAND: desired, SPOT: 0}
    split: Json = group.body["MixedInstancesPolicy"].get("InstancesDistribution", {})
    base = min(desired, split.get("OnDemandBaseCapacity", 0))
    share = split.get("OnDemandPercentageAboveBaseCapacity", 100)
    on_demand = base + math.ceil((desired - base) * share / 100)
    return {ON_DEMAND: on_demand, SPOT: desired - on_demand}


def _weights(ctx: Context, group: Record) -> dict[str, int]:
    """The instance types that a group may launch, in its order, each with its capacity units."""
    overrides: list[Json] = get(group.body, f"{_MIXED}.Overrides") or []
    typed = {
        one["InstanceType"]: int(one.get("WeightedCapacity", "1"))
        for one in overrides
        if "InstanceType" in one
    }
    if typed:
        return typed
    data = template_data(ctx, specifications(group.body)[0])
    return {data["InstanceType"]: 1} if "InstanceType" in data else {}


def _affordable(
    ctx: Context, group: Record, market: str, weights: dict[str, int]
) -> tuple[str, ...]:
    """Types below the spot group's own limit, in the order in which the allocation strategy tries them."""
    split: Json = get(group.body, "MixedInstancesPolicy.InstancesDistribution") or {}
    most_usd_micro, strategy = math.inf, split.get("OnDemandAllocationStrategy", "prioritized")
    if market == SPOT:
        most_usd_micro = float(split.get("SpotMaxPrice") or "inf") * 1e6
        strategy = split.get("SpotAllocationStrategy", "lowest-price")

    def price(instance_type: str) -> float:
        sales = ctx.world.market.sales_of(ctx.cloud, group.region, instance_type)
        prices = [one for one in (sale.price(market) for sale in sales) if one is not None]
        return min(prices, default=math.inf)

    types = [one for one in weights if price(one) <= most_usd_micro]
    if "price" in strategy:
        types.sort(key=lambda one: price(one) / weights[one])
    return tuple(types)


def _zones(ctx: Context, group: Record) -> tuple[list[str], list[str]]:
    """Names and ids of the group's zones."""
    ids = []
    for subnet_id in filter(None, group.body.get("VPCZoneIdentifier", "").split(",")):
        subnet = ctx.world.get(ctx.cloud, SUBNET, subnet_id)
        ids.append(subnet.live["zone_id"] if subnet else "")
    for name in group.body.get("AvailabilityZones", []):
        ids.append(zone_of(group.region, {"AvailabilityZone": name}))
    ids = sorted(set(filter(None, ids)))
    return [zone_name(group.region, one) for one in ids], ids


def _mine(ctx: Context, group: Record, market: str) -> list[Record]:
    return [
        machine
        for machine in machines_of(ctx.world, group)
        if machine.body["market"] == market and not _leaves(group, machine)
    ]


def _units(machines: list[Record], weights: dict[str, int]) -> int:
    return sum(weights.get(m.body["instance_type"], 1) for m in machines)


def _shrink(ctx: Context, group: Record, market: str, units: int, weights: dict[str, int]) -> None:
    """End machines, newest first, while the rest still has the units."""
    mine = _mine(ctx, group, market)
    while mine and _units(mine[:-1], weights) >= units:
        end(ctx, mine.pop())


def _grow(ctx: Context, order: Order, units: int, weights: dict[str, int]) -> list[Shortfall]:
    """Launch until the market has its units; the last machine may bring more than is missing."""
    while (missing := units - _units(_mine(ctx, order.group, order.market), weights)) > 0:
        if not order.members:
            return [Shortfall("price" if weights else "type", next(iter(weights), ""), "")]
        surely = max(1, missing // max(weights.values()))
        have = len(machines_of(ctx.world, order.group))
        refused = fill(ctx.world, replace(order, desired=have + surely))
        if refused:
            return refused
    return []
