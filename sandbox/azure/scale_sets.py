"""Virtual machine scale sets: groups of machines of one size."""

from __future__ import annotations

import re

from sandbox.azure.arm import ArmKind, known_value
from sandbox.fields import Json, get
from sandbox.kind import CREATE, Context
from sandbox.machines import Order, Shortfall, end_all, fill
from sandbox.market import ON_DEMAND, SPOT
from sandbox.refusal import Refusal
from sandbox.world import Record

PROFILE = "properties.virtualMachineProfile"
NETWORK_API = "2020-11-01"
SPOT_QUOTA = "lowPriorityCores"
_RULE = "InvalidParameter"


class VirtualMachineScaleSet(ArmKind):
    """Buys machines at once: where there is no stock the request fails, unlike on the other clouds."""

    token = "azure-native:compute:VirtualMachineScaleSet"
    name = "Microsoft.Compute/virtualMachineScaleSets"
    name_input = "vmScaleSetName"
    most_name = 64
    size_path = "sku.capacity"
    computed = (*ArmKind.computed, "uniqueId", "timeCreated")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        _check_spot(body)
        _check_machines(body)
        if known_value(body, "properties.orchestrationMode") == "Flexible":
            _check_flexible(body, verb)

    def kept(self, record: Record, body: Json) -> Json:
        """A body without a capacity keeps the running one: a scale set is resized by others than its declarer.

        Whether the service does so for every API version is not verified on a real subscription.
        """
        capacity = get(record.body, "sku.capacity")
        if capacity is not None and body.get("sku") and "capacity" not in body["sku"]:
            return body | {"sku": body["sku"] | {"capacity": capacity}}
        return body

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("uniqueId", ctx.world.new_hex(32))
        size = get(record.body, "sku.name")
        spot = get(record.body, f"{PROFILE}.priority") in ("Spot", "Low")
        order = Order(
            group=record,
            desired=get(record.body, "sku.capacity") or 0,
            members=(size,),
            zones=(),
            market=SPOT if spot else ON_DEMAND,
            family=SPOT_QUOTA if spot else _family(size),
        )
        missing = fill(ctx.world, order)
        if missing:
            raise _no_capacity(missing[0], order)

    def delete(self, ctx: Context, record: Record) -> None:
        end_all(ctx.world, record)
        super().delete(ctx, record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "uniqueId": record.live["uniqueId"],
            "timeCreated": "2026-01-01T00:00:00Z",
        }


def _check_spot(body: Json) -> None:
    profile = known_value(body, PROFILE) or {}
    spot = profile.get("priority") in ("Spot", "Low")
    if "evictionPolicy" in profile and not spot:
        raise Refusal(
            "OperationNotAllowed", "Eviction policy can be set only on Azure Spot Virtual Machines."
        )
    price = get(profile, "billingProfile.maxPrice")
    if price is not None and not spot:
        raise Refusal(
            "OperationNotAllowed", "Max price can be set only on Azure Spot Virtual Machines."
        )
    if isinstance(price, int | float) and price != -1 and price <= 0:
        raise Refusal(_RULE, "The value of parameter maxPrice must be -1 or greater than zero.")
    enabled = get(profile, "scheduledEventsProfile.terminateNotificationProfile.enable")
    if spot and enabled:
        raise Refusal(
            "OperationNotAllowed",
            "Terminate notification cannot be enabled on Azure Spot Virtual Machine Scale Sets.",
        )


def _check_machines(body: Json) -> None:
    if not known_value(body, "sku") and "sku" not in body:
        raise Refusal(_RULE, "Required parameter 'sku' is missing (null).")
    capacity = known_value(body, "sku.capacity")
    if isinstance(capacity, int) and not 0 <= capacity <= 1000:
        raise Refusal(
            _RULE, f"The value {capacity} of parameter 'sku.capacity' is out of range: 0 to 1000."
        )
    system = known_value(body, f"{PROFILE}.osProfile") or {}
    prefix = system.get("computerNamePrefix")
    longest = 9 if "windowsConfiguration" in system else 58
    if isinstance(prefix, str) and not (
        0 < len(prefix) <= longest and re.fullmatch(r"[\w-]+", prefix)
    ):
        raise Refusal(
            _RULE,
            f"The value '{prefix}' of parameter 'computerNamePrefix' must be 1 to {longest} letters, digits and hyphens.",
        )
    linux = system.get("linuxConfiguration") or {}
    keys = get(linux, "ssh.publicKeys")
    if linux.get("disablePasswordAuthentication") is True and not keys:
        raise Refusal(
            _RULE,
            "Authentication using either SSH or by user name and password must be enabled in Linux profile.",
        )


def _check_flexible(body: Json, verb: str) -> None:
    inside = body["properties"]
    if "spotRestorePolicy" in inside:
        raise Refusal(
            _RULE,
            "The property 'spotRestorePolicy' is not valid for Virtual Machine Scale Sets in Flexible mode.",
        )
    if verb == CREATE and "platformFaultDomainCount" not in inside:
        raise Refusal(_RULE, "Required parameter 'platformFaultDomainCount' is missing (null).")
    count = inside.get("platformFaultDomainCount")
    if body.get("zones") and isinstance(count, int) and count > 1:
        raise Refusal(
            _RULE,
            "Specifying Availability Zones is not allowed when Virtual Machine Scale Set has platformFaultDomainCount "
            "higher than 1 with OrchestrationMode: 'Flexible'.",
        )
    network = known_value(body, f"{PROFILE}.networkProfile") or {}
    nics = network.get("networkInterfaceConfigurations")
    if nics and "networkApiVersion" not in network:
        raise Refusal(
            _RULE,
            "Required parameter 'networkProfile.networkApiVersion' is missing (null): Flexible orchestration needs "
            f"{NETWORK_API} or later.",
        )


def _family(size: str) -> str:
    """The quota that regular machines of a size count against, as `az vm list-usage` names families."""
    series = re.sub(r"^Standard_([A-Z]+)\d+(.*)$", r"standard\1\2", size or "")
    return f"{series.replace('_', '')}Family"


def _no_capacity(missing: Shortfall, order: Order) -> Refusal:
    region = order.group.region
    if missing.reason == "quota":
        return Refusal(
            "OperationNotAllowed",
            f"Operation could not be completed as it results in exceeding approved {order.family} Cores quota. "
            f"Location: {region}.",
        )
    return Refusal(
        "SkuNotAvailable",
        f"The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: "
        f"{missing.instance_type}' is currently not available in location '{region}'. Please try another size or "
        "deploy to a different location or different zone.",
    )
