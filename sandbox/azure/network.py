"""Resource groups, networks and their firewalls."""

from __future__ import annotations

from sandbox.azure.arm import (
    GROUPS,
    ArmKind,
    group_id,
    known_items,
    known_value,
    look,
    place,
    remove_below,
)
from sandbox.azure.ranges import check_ranges, overlap, ranges, within
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Autoname, Context, Kind, Request
from sandbox.refusal import Refusal, Unmapped
from sandbox.world import Record

_SPACE = ("properties.addressSpace.addressPrefixes",)
_PREFIXES = ("properties.addressPrefix", "properties.addressPrefixes")


class ResourceGroup(Kind):
    """The folder of everything else: deleting it deletes what is in it."""

    token = "azure-native:resources:ResourceGroup"
    name = GROUPS
    api = GROUPS
    provider_only = frozenset({"resourceGroupName"})
    replace_on = frozenset({"location", "resourceGroupName"})
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
            Record(
                ctx.cloud, GROUPS, record_id, place(body["location"]), body, name, self.tags(body)
            )
        )

    def delete(self, ctx: Context, record: Record) -> None:
        remove_below(ctx, record)
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
    fixed = frozenset({"location"})
    most_name = 64

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if look(body, "properties.addressSpace") is None:
            raise Refusal(
                "AddressSpaceRequired",
                "Virtual network must have an address space or an IPAM pool.",
            )
        check_ranges(body, *_SPACE)

    def delete(self, ctx: Context, record: Record) -> None:
        for inside in ctx.world.children(record):
            if inside.kind == Subnet.name:
                Subnet().delete(ctx, inside)
        super().delete(ctx, record)


class Subnet(ArmKind):
    """A range of a network."""

    token = "azure-native:network:Subnet"
    name = "Microsoft.Network/virtualNetworks/subnets"
    name_input = "subnetName"
    path_inputs = ("virtualNetworkName",)
    busy = (
        "InUseSubnetCannotBeDeleted",
        "Subnet {name} is in use by {users} and cannot be deleted. In order to delete the subnet, delete all the "
        "resources within the subnet.",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        pools = "properties.ipamPoolPrefixAllocations"
        if all(look(body, path) is None for path in (*_PREFIXES, pools)):
            raise Refusal("InvalidAddressPrefix", "Subnet must have an address prefix.")
        check_ranges(body, *_PREFIXES)

    def settle(self, ctx: Context, record: Record) -> None:
        own = ranges(record.body, *_PREFIXES)
        network = ctx.world.get(ctx.cloud, VirtualNetwork.name, record.parents[0])
        space = ranges(network.body, *_SPACE) if network else []
        if space and not all(within(one, space) for one in own):
            raise _misplaced(record, "RangeOutsideVnet", "is outside the IP address range of")
        for other in ctx.world.all(ctx.cloud, self.name):
            beside = other.parents[0] == record.parents[0] and other.id != record.id
            if beside and overlap(own, ranges(other.body, *_PREFIXES)):
                words = "overlaps with that of an existing subnet in"
                raise _misplaced(record, "RangesOverlap", words)


def _misplaced(subnet: Record, what: str, words: str) -> Refusal:
    network = subnet.parents[0].rsplit("/", 1)[-1]
    return Refusal(
        f"NetcfgSubnet{what}",
        f"Subnet '{subnet.name}' is not valid because its IP address range {words} virtual network '{network}'.",
    )


class NetworkSecurityGroup(ArmKind):
    """Firewall rules for subnets."""

    token = "azure-native:network:NetworkSecurityGroup"
    name = "Microsoft.Network/networkSecurityGroups"
    name_input = "networkSecurityGroupName"
    busy = (
        "InUseNetworkSecurityGroupCannotBeDeleted",
        "Network security group {id} cannot be deleted because it is in use by the following resources: {users}. In "
        "order to delete the Network security group, remove the association with the resource(s).",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        taken: dict[tuple[object, object], str] = {}
        for rule in known_items(body, "properties.securityRules"):
            inside = rule.get("properties", {})
            priority = inside.get("priority")
            if isinstance(priority, int) and not 100 <= priority <= 4096:
                raise Refusal(
                    "SecurityRuleInvalidPriority",
                    f"Security rule {rule.get('name')} has invalid Priority. Value provided: {priority}. "
                    "Value must be between 100 and 4096.",
                )
            key = (inside.get("direction"), priority)
            if key in taken and UNKNOWN not in key:
                raise Refusal(
                    "SecurityRuleConflict",
                    f"Security rule {rule.get('name')} conflicts with rule {taken[key]}. Rules cannot have the same "
                    "Priority and Direction.",
                )
            taken[key] = str(rule.get("name"))
