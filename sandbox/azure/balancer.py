"""The regional L4 load balancer and the addresses that it and the gateways own."""

from __future__ import annotations

from sandbox.azure.arm import ArmKind, known_items, known_value
from sandbox.azure.references import PUBLIC_ADDRESSES
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record


class PublicIPAddress(ArmKind):
    """An address that is known once it is made, if static."""

    token = "azure-native:network:PublicIPAddress"
    name = PUBLIC_ADDRESSES
    name_input = "publicIpAddressName"
    fixed = frozenset({"location", "publicIPAddressVersion", "publicIPPrefix", "sku"})
    computed = (*ArmKind.computed, "ipAddress")
    busy = (
        "PublicIPAddressCannotBeDeleted",
        "Public IP address {id} can not be deleted since it is still allocated to resource {users}. In order to "
        "delete the public IP, disassociate/detach the Public IP address from the resource.",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        sku = known_value(body, "sku.name")
        method = get(body, "properties.publicIPAllocationMethod")
        if sku == "Standard" and method in (None, "Dynamic"):
            raise Refusal(
                "StandardSkuPublicIPAddressesMustBeStatic",
                "Standard sku publicIp must have AllocationMethod set to Static.",
            )

    def settle(self, ctx: Context, record: Record) -> None:
        number = ctx.world.next_serial() if "ipAddress" not in record.live else 0
        record.live.setdefault("ipAddress", f"203.0.113.{number % 254 + 1}")

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"ipAddress": record.live["ipAddress"]}


class NatGateway(ArmKind):
    """Egress of subnets."""

    token = "azure-native:network:NatGateway"
    name = "Microsoft.Network/natGateways"
    name_input = "natGatewayName"
    busy = (
        "InUseNatGatewayCannotBeDeleted",
        "Nat gateway {id} cannot be deleted because it is in use by the following resources: {users}.",
    )


class LoadBalancer(ArmKind):
    """Its rules point at its own parts by id."""

    token = "azure-native:network:LoadBalancer"
    name = "Microsoft.Network/loadBalancers"
    name_input = "loadBalancerName"
    busy = (
        "LoadBalancerInUseByVirtualMachineScaleSet",
        "Cannot delete load balancer {id} since its child resources are in use by virtual machine scale set {users}.",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        longest = 100 if known_value(body, "sku.name") == "Standard" else 30
        for rule in known_items(body, "properties.loadBalancingRules"):
            minutes = rule.get("properties", {}).get("idleTimeoutInMinutes")
            if isinstance(minutes, int) and not 4 <= minutes <= longest:
                raise Refusal(
                    "InvalidIdleTimeout",
                    f"Load balancing rule {rule.get('name')} has idle timeout {minutes}. "
                    f"Value must be between 4 and {longest} minutes.",
                )

    def settle(self, ctx: Context, record: Record) -> None:
        own = _sku(record)
        for used in record.parents:
            address = ctx.world.get(ctx.cloud, PUBLIC_ADDRESSES, used)
            if address and _sku(address) != own:
                raise Refusal(
                    "PublicIPAndLBSkuDoNotMatch",
                    f"{own} sku load balancer {record.id} cannot reference {_sku(address)} sku publicIP {used}.",
                )


def _sku(record: Record) -> str:
    """Without a word of its own a balancer or an address is Basic."""
    return str(get(record.body, "sku.name") or "Basic").capitalize()
