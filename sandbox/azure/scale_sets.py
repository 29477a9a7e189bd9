"""Virtual machine scale sets: groups of machines of one size."""

from __future__ import annotations

import re

from sandbox.azure.arm import ArmKind
from sandbox.azure.scale_set_rules import (
    PROFILE,
    check_change,
    check_machines,
    check_mode,
    check_spot,
    is_spot,
)
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.machines import Order, Shortfall, end_all, fill, machines_of
from sandbox.market import ON_DEMAND, SPOT
from sandbox.refusal import Refusal
from sandbox.world import Record

SPOT_QUOTA = "lowPriorityCores"


class VirtualMachineScaleSet(ArmKind):
    """Buys machines at once: where there is no stock the request fails, unlike on the other clouds."""

    token = "azure-native:compute:VirtualMachineScaleSet"
    name = "Microsoft.Compute/virtualMachineScaleSets"
    name_input = "vmScaleSetName"
    fixed = frozenset({"location"})
    most_name = 64
    size_path = "sku.capacity"
    computed = (*ArmKind.computed, "uniqueId", "timeCreated")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_spot(body)
        check_machines(body)
        check_mode(body, verb)

    def kept(self, record: Record, body: Json) -> Json:
        """A body without a capacity keeps the running one: a scale set is resized by others than its declarer.

        Whether the service does so for every API version is not verified on a real subscription.
        """
        check_change(record, body)
        capacity = get(record.body, "sku.capacity")
        if capacity is not None and body.get("sku") and "capacity" not in body["sku"]:
            return body | {"sku": body["sku"] | {"capacity": capacity}}
        return body

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("uniqueId", ctx.world.new_hex(32))
        order = order_of(record)
        if order.desired == record.live.get("capacity", 0):
            return  # a set buys when it is told a size, and what it lost since stays lost
        if order.desired > len(machines_of(ctx.world, record)):
            _check_price(ctx, order)
        missing = fill(ctx.world, order)
        if missing:
            raise shortage(missing[0], order)
        record.live |= {"capacity": order.desired, "failed": None}

    def delete(self, ctx: Context, record: Record) -> None:
        end_all(ctx.world, record)
        super().delete(ctx, record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "uniqueId": record.live["uniqueId"],
            "timeCreated": "2026-01-01T00:00:00Z",
        }


def order_of(scale_set: Record) -> Order:
    """What a set asks for."""
    size = get(scale_set.body, "sku.name")
    market = SPOT if is_spot(scale_set.body) else ON_DEMAND
    return Order(
        group=scale_set,
        desired=get(scale_set.body, "sku.capacity") or 0,
        members=(size,),
        zones=(),
        market=market,
        family=family_of(market, size or ""),
    )


def _check_price(ctx: Context, order: Order) -> None:
    """Spot machines are not sold to who would pay less than they cost."""
    most = get(order.group.body, f"{PROFILE}.billingProfile.maxPrice")
    if order.market != SPOT or most in (None, -1):
        return
    sales = ctx.world.market.sales_of(ctx.cloud, order.group.region, order.members[0])
    prices = [price / 1_000_000 for sale in sales if (price := sale.price(SPOT)) is not None]
    if prices and min(prices) > most:
        raise Refusal(
            "OperationNotAllowed",
            f"Unable to perform operation 'Create VM' since the provided max price '{most} USD' is lower than the "
            f"current spot price '{min(prices)} USD' for Azure Spot Virtual Machine size '{order.members[0]}'.",
        )


def family_of(market: str, size: str) -> str:
    """The quota that machines of a size count against, as `az vm list-usage` names families."""
    if market == SPOT:
        return SPOT_QUOTA
    parts = re.match(r"Standard_([A-Z]+)\d+(?:-\d+)?([a-z]*)(.*)", size)
    series, traits, rest = parts.groups() if parts else ("", "", size)
    return f"standard{series}{traits.upper()}{rest.replace('_', '')}Family"


def shortage(missing: Shortfall, order: Order) -> Refusal:
    """Why a machine cannot be had, in Azure's words."""
    region = order.group.region
    if missing.reason == "quota":
        quota = "LowPriorityCores" if order.market == SPOT else f"{order.family} Cores"
        return Refusal(
            "OperationNotAllowed",
            f"Operation could not be completed as it results in exceeding approved {quota} quota. Additional details "
            f"- Deployment Model: Resource Manager, Location: {region}.",
        )
    return Refusal(
        "SkuNotAvailable",
        f"The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: "
        f"{missing.instance_type}' is currently not available in location '{region}'. Please try another size or "
        "deploy to a different location or different zone.",
    )
