"""Machines: how a group's wanted size becomes instances in zones, as far as stock and quota go."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.market import Sale
from sandbox.world import Record, World

MACHINE = "machine"
DEFAULT_STOCK = 16
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
    return [m for m in world.all(group.cloud, MACHINE) if m.body["group"] == group.id]


def fill(world: World, order: Order) -> list[Shortfall]:
    """Launch or end machines until the group has its size or nothing more is to be had.

    Returns one shortfall per member tried for the first machine that could not be launched; empty when the group
    is full. Surplus machines go newest first.
    """
    have = machines_of(world, order.group)
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
    world.put(
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
                "state": "running",
            },
        )
    )


def stock_left(world: World, sale: Sale, market: str) -> int:
    """Machines of this sale still to be had in its zone."""
    limit = int(world.setting(stock_name(sale, market), world.setting("stock", str(DEFAULT_STOCK))))
    taken: int = sum(
        m.body["zone"] == sale.zone
        and m.body["instance_type"] == sale.instance_type
        and m.body["market"] == market
        for m in world.all(sale.cloud, MACHINE)
    )
    return limit - taken


def stock_name(sale: Sale, market: str) -> str:
    """The setting that holds a sale's stock."""
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
