"""Resource groups, networks, addresses, and the regional load balancer."""

from __future__ import annotations

from sandbox.azure.arm import GROUPS, ArmKind, group_id, known_value
from sandbox.fields import UNKNOWN, Json, get
from sandbox.kind import Autoname, Context, Kind, Request
from sandbox.machines import end_all
from sandbox.refusal import Refusal, Unmapped
from sandbox.world import Record

_IN_USE = "is in use by another resource and cannot be deleted."


class ResourceGroup(Kind):
    """The folder of everything else: deleting it deletes what is in it."""

    token = "azure-native:resources:ResourceGroup"
    name = GROUPS
    api = GROUPS
    provider_only = frozenset({"resourceGroupName"})
    replace_on = frozenset({"location", "managedBy", "resourceGroupName"})
    computed = ("name", "type")
    autoname = Autoname("resourceGroupName", "", 8, 90)
    _members = frozenset({"location", "managedBy", "tags"})

    def body(self, inputs: Json) -> Json:
        given = {k: v for k, v in inputs.items() if k not in self.provider_only}
        for name in given:
            if name not in self._members:
                raise Unmapped(name)
        return given

    def requests(self, body: Json, verb: str) -> list[Request]:
        """No model is installed for this one call: `rules` checks it."""
        return []

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if not body.get("location"):
            raise Refusal(
                "LocationRequired", "The location property is required for this definition."
            )
        for key, value in (known_value(body, "tags") or {}).items():
            if not isinstance(value, str):
                raise Refusal("InvalidTags", f"The value of tag '{key}' must be a string.")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = inputs["resourceGroupName"]
        record_id = group_id(ctx.account, name)
        if ctx.world.get(ctx.cloud, self.name, record_id):
            raise Refusal(
                "ResourceExists", f"cannot create already existing resource '{record_id}'"
            )
        return ctx.world.put(
            Record(ctx.cloud, GROUPS, record_id, body["location"], body, name, self.tags(body))
        )

    def delete(self, ctx: Context, record: Record) -> None:
        for inside in ctx.world.all(record.cloud):
            if inside.id.startswith(f"{record.id}/"):
                end_all(ctx.world, inside)
                ctx.world.remove(inside)
        ctx.world.remove(record)

    def inputs(self, ctx: Context, record: Record) -> Json:
        return record.body | {"resourceGroupName": record.name}

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"name": record.name, "type": GROUPS}


class VirtualNetwork(ArmKind):
    """A private network; its subnets go with it."""

    token = "azure-native:network:VirtualNetwork"
    name = "Microsoft.Network/virtualNetworks"
    name_input = "virtualNetworkName"
    most_name = 64

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if not known_value(body, "properties.addressSpace") and "addressSpace" not in body.get(
            "properties", {}
        ):
            raise Refusal(
                "AddressSpaceRequired",
                "Virtual network must have an address space or an IPAM pool.",
            )

    def delete(self, ctx: Context, record: Record) -> None:
        for subnet in ctx.world.children(record):
            Subnet().delete(ctx, subnet)
        super().delete(ctx, record)


class Subnet(ArmKind):
    """A range of a network."""

    token = "azure-native:network:Subnet"
    name = "Microsoft.Network/virtualNetworks/subnets"
    name_input = "subnetName"
    path_inputs = ("virtualNetworkName",)
    in_use = Refusal("InUseSubnetCannotBeDeleted", f"Subnet {_IN_USE}")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        inside = body.get("properties", {})
        if not {"addressPrefix", "addressPrefixes", "ipamPoolPrefixAllocations"} & inside.keys():
            raise Refusal("InvalidAddressPrefix", "Subnet must have an address prefix.")


class NetworkSecurityGroup(ArmKind):
    """Firewall rules for subnets."""

    token = "azure-native:network:NetworkSecurityGroup"
    name = "Microsoft.Network/networkSecurityGroups"
    name_input = "networkSecurityGroupName"
    in_use = Refusal(
        "InUseNetworkSecurityGroupCannotBeDeleted", f"Network security group {_IN_USE}"
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        taken: dict[tuple[object, object], str] = {}
        for rule in known_value(body, "properties.securityRules") or ():
            inside = rule.get("properties", {})
            priority = inside.get("priority")
            if isinstance(priority, int) and not 100 <= priority <= 4096:
                raise Refusal(
                    "SecurityRuleInvalidPriority",
                    f"Security rule {rule.get('name')} has invalid Priority. Value provided: {priority}. "
                    "Value must be between 100 and 4096.",
                )
            key = (inside.get("direction"), priority)
            if key in taken and priority != UNKNOWN:
                raise Refusal(
                    "SecurityRuleConflict",
                    f"Security rule {rule.get('name')} conflicts with rule {taken[key]}. Rules cannot have the same "
                    "Priority and Direction.",
                )
            taken[key] = str(rule.get("name"))


class PublicIPAddress(ArmKind):
    """An address that is known once it is made, if static."""

    token = "azure-native:network:PublicIPAddress"
    name = "Microsoft.Network/publicIPAddresses"
    name_input = "publicIpAddressName"
    computed = (*ArmKind.computed, "ipAddress")
    in_use = Refusal("PublicIPAddressCannotBeDeleted", f"Public IP address {_IN_USE}")

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
    in_use = Refusal("InUseNatGatewayCannotBeDeleted", f"NAT gateway {_IN_USE}")


class LoadBalancer(ArmKind):
    """The regional L4 balancer; its rules point at its own parts by id."""

    token = "azure-native:network:LoadBalancer"
    name = "Microsoft.Network/loadBalancers"
    name_input = "loadBalancerName"
    in_use = Refusal("LoadBalancerInUse", f"Load balancer {_IN_USE}")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        longest = 100 if known_value(body, "sku.name") == "Standard" else 30
        for rule in known_value(body, "properties.loadBalancingRules") or ():
            minutes = rule.get("properties", {}).get("idleTimeoutInMinutes")
            if isinstance(minutes, int) and not 4 <= minutes <= longest:
                raise Refusal(
                    "InvalidIdleTimeout",
                    f"Load balancing rule {rule.get('name')} has idle timeout {minutes}. "
                    f"Value must be between 4 and {longest} minutes.",
                )
