"""Machines: how a group's wanted size becomes instances in zones, as far as stock and quota go.

A machine's body: `state` STARTING, RUNNING or STOPPING; `ready_at`, when a starting one runs; `deadline`, when the cloud
kills it, None while it has not decided to; `told`, whether the cloud has told so. Times are Unix seconds of the clouds.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.market import Sale
from sandbox.world import Record, World

MACHINE = "machine"
STARTING, RUNNING, STOPPING = "starting", "running", "stopping"
DEFAULT_STOCK = 16
DEFAULT_BOOT_S = 120
DEFAULT_QUOTA_VCPUS = 100_000


@dataclass(frozen=True, slots=True)
class Order:
    """What a group asks for: `members` in order of preference, `zones` empty for all of the region.

    `family` names the quota that the machines count against.
    """

    group: Record
    desired: int
    members: tuple[str, ...]
    zones: tuple[str, ...]
    market: str
    family: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A machine that could not be had: `reason` is `stock`, `quota` or `not_sold`."""

    reason: str
    instance_type: str
    zone: str


def machines_of(world: World, group: Record) -> list[Record]:
    """The group's machines, oldest first."""
    return world.members(group, MACHINE)


def fill(world: World, order: Order) -> list[Shortfall]:
    """Launch or end machines until the group has its size or nothing more is to be had.

    Returns one shortfall per member tried for the first machine that could not be launched; empty when the group
    is full. Surplus machines go newest first.
    """
    have = [m for m in machines_of(world, order.group) if m.body["state"] != STOPPING]
    for machine in have[order.desired :]:
        world.remove(machine)
    for _ in range(order.desired - len(have)):
        missing = _launch(world, order)
        if missing:
            return missing
    return []


def end_all(world: World, group: Record) -> None:
    """End every machine of a group."""
    for machine in machines_of(world, group):
        world.remove(machine)


def _launch(world: World, order: Order) -> list[Shortfall]:
    """Launch one machine; the reasons, if no member can be had anywhere."""
    refused: list[Shortfall] = []
    for instance_type in order.members:
        sales = _sales(world, order, instance_type)
        if not sales:
            refused.append(Shortfall("not_sold", instance_type, ""))
            continue
        if _quota_left(world, order) < sales[0].vcpus:
            refused.append(Shortfall("quota", instance_type, ""))
            continue
        free = {sale.zone: stock_left(world, sale, order.market) for sale in sales}
        best = max(sales, key=lambda sale: (free[sale.zone], sale.zone))
        if free[best.zone] <= 0:
            refused.append(Shortfall("stock", instance_type, best.zone))
            continue
        _start(world, order, best)
        return []
    return refused


def _sales(world: World, order: Order, instance_type: str) -> list[Sale]:
    region = order.group.region
    return [
        sale
        for sale in world.market.sales_of(order.group.cloud, region, instance_type)
        if sale.price(order.market) is not None
        and (not order.zones or sale.zone in order.zones or sale.zone == region)
    ]


def _start(world: World, order: Order, sale: Sale) -> None:
    group = order.group
    ready_at = world.clock.now() + boot_s(world, order.market)
    machine = world.put(
        Record(
            cloud=group.cloud,
            kind=MACHINE,
            id=f"i-{world.new_hex(17)}",
            region=group.region,
            parents=[group.id],
            tags=dict(group.tags),
            body={
                "group": group.id,
                "zone": sale.zone,
                "instance_type": sale.instance_type,
                "market": order.market,
                "vcpus": sale.vcpus,
                "family": order.family,
                "usd_micro_per_hour": sale.price(order.market),
                "state": STARTING,
                "ready_at": ready_at,
                "deadline": None,
                "told": False,
            },
        )
    )
    world.wake(machine, ready_at)


def boot_s(world: World, market: str) -> float:
    """Seconds from launch to running."""
    default = world.setting("boot_s", str(DEFAULT_BOOT_S))
    return float(world.setting(f"boot_s/{market}", default))


def stock_left(world: World, sale: Sale, market: str) -> int:
    """Machines of this sale still to be had in its zone: the least of what is set for it, its zone and its region."""
    path = stock_name(sale, market).split("/")
    names = ("/".join([*path[:depth], market]) for depth in (3, 4, 5))
    limits = [int(limit) for limit in (world.setting(name, "") for name in names) if limit]
    limit = min(limits) if limits else int(world.setting("stock", str(DEFAULT_STOCK)))
    return limit - len(sold(world, sale.cloud, sale.zone, market, sale.instance_type))


def sold(world: World, cloud: str, zone: str, market: str, instance_type: str) -> list[Record]:
    """Machines of a type and market in a zone, oldest first."""
    return [
        m
        for m in world.all(cloud, MACHINE)
        if (m.body["zone"], m.body["market"], m.body["instance_type"])
        == (zone, market, instance_type)
    ]


def stock_name(sale: Sale, market: str) -> str:
    """The setting that holds a sale's stock; without the type, or type and zone, that of each type in the place."""
    return f"stock/{sale.cloud}/{sale.region}/{sale.zone}/{sale.instance_type}/{market}"


def quota_name(cloud: str, region: str, family: str) -> str:
    """The setting that holds a quota, in vCPUs."""
    return f"quota/{cloud}/{region}/{family}"


def _quota_left(world: World, order: Order) -> int:
    group = order.group
    limit = int(
        world.setting(quota_name(group.cloud, group.region, order.family), str(DEFAULT_QUOTA_VCPUS))
    )
    used: int = sum(
        m.body["vcpus"]
        for m in world.all(group.cloud, MACHINE)
        if m.region == group.region and m.body["family"] == order.family
    )
    return limit - used
