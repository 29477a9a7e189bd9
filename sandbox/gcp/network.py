"""Networks, subnetworks and firewall rules."""

from __future__ import annotations

from ipaddress import IPv4Network

from sandbox.fields import Json, many, member, nested
from sandbox.gcp import refusals
from sandbox.gcp.links import GLOBAL, Link, locate
from sandbox.gcp.places import given
from sandbox.gcp.resource import ComputeResource
from sandbox.gcp.shapes import fixed, is_set, known, same
from sandbox.kind import Context
from sandbox.world import Record

NETWORK = Link("network", "networks", "network", GLOBAL)
_PARAMS = nested("params", same("resourceManagerTags"))


class Network(ComputeResource):
    """A VPC network."""

    token = "gcp:compute/network:Network"
    collection, word, scope = "networks", "network", GLOBAL
    api, update_api = "compute.networks.insert", "compute.networks.patch"
    fields = {
        **same("name", "description", "autoCreateSubnetworks", "mtu", "enableUlaInternalIpv6"),
        **same("internalIpv6Range", "networkFirewallPolicyEnforcementOrder", "networkProfile"),
        "routingMode": member("routingConfig.routingMode"),
        "bgpAlwaysCompareMed": member("routingConfig.bgpAlwaysCompareMed"),
        "bgpBestPathSelectionMode": member("routingConfig.bgpBestPathSelectionMode"),
        "bgpInterRegionCost": member("routingConfig.bgpInterRegionCost"),
        "params": _PARAMS,
    }
    provider_only = frozenset(
        {
            "deleteDefaultRoutesOnCreate",
            "deleteBgpAlwaysCompareMed",
        }
    )
    replace_on = fixed(
        fields,
        *("routingMode", "bgpAlwaysCompareMed", "bgpBestPathSelectionMode", "bgpInterRegionCost"),
        "networkFirewallPolicyEnforcementOrder",
    )
    defaults = {"autoCreateSubnetworks": True}
    computed = ("gatewayIpv4", "networkId", "numericId")

    def extra(self, record: Record) -> Json:
        number = record.live["number"]
        return {"gatewayIpv4": "", "networkId": number, "numericId": number}


class Subnetwork(ComputeResource):
    """A subnetwork: the addresses of a network in one region."""

    token = "gcp:compute/subnetwork:Subnetwork"
    collection, word = "subnetworks", "subnetwork"
    api, update_api = "compute.subnetworks.insert", "compute.subnetworks.patch"
    links = (NETWORK,)
    fields = {
        **same("name", "description", "network", "ipCidrRange", "purpose", "role", "stackType"),
        **same("privateIpGoogleAccess", "privateIpv6GoogleAccess", "ipv6AccessType"),
        **same("externalIpv6Prefix", "internalIpv6Prefix", "ipCollection", "resolveSubnetMask"),
        **same("allowSubnetCidrRoutesOverlap", "reservedInternalRange"),
        "secondaryIpRanges": many(
            "secondaryIpRanges",
            same("rangeName", "ipCidrRange", "ipCollection", "ipVersion", "reservedInternalRange"),
        ),
        "logConfig": nested(
            "logConfig",
            same("aggregationInterval", "flowSampling", "metadata", "metadataFields", "filterExpr"),
        ),
        "params": _PARAMS,
    }
    provider_only = frozenset({"sendSecondaryIpRangeIfEmpty"})
    # The provider grows a range in place and replaces for every other change of it; here every change replaces.
    replace_on = fixed(
        fields,
        *("secondaryIpRanges", "privateIpGoogleAccess", "privateIpv6GoogleAccess", "role"),
        *("logConfig", "stackType", "ipv6AccessType", "allowSubnetCidrRoutesOverlap"),
        "resolveSubnetMask",
    )
    computed = ("gatewayAddress", "subnetworkId", "fingerprint")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        for pattern in ("ipCidrRange", "secondaryIpRanges[].ipCidrRange"):
            for where, value in given(body, pattern):
                _check_range(where, value)

        six = body.get("stackType") == "IPV6_ONLY"
        if not six and not is_set(body, "ipCidrRange", "reservedInternalRange"):
            raise refusals.required("resource.ipCidrRange")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        if "ipCidrRange" in body:
            self._check_overlap(ctx, body)
        return super().create(ctx, body, inputs)

    def _check_overlap(self, ctx: Context, body: Json) -> None:
        wanted = IPv4Network(body["ipCidrRange"])
        network = locate(ctx, NETWORK, body["network"])
        for other in ctx.world.all(ctx.cloud, self.name):
            taken = other.body.get("ipCidrRange")
            if network in other.parents and taken and wanted.overlaps(IPv4Network(taken)):
                raise refusals.error(
                    400,
                    f"Invalid IPCidrRange: {wanted} conflicts with existing subnetwork "
                    f"'{other.name}' in region '{other.region}'.",
                    "invalidIPCidrRange",
                )

    def extra(self, record: Record) -> Json:
        cidr = record.body.get("ipCidrRange")
        return {
            "gatewayAddress": str(IPv4Network(cidr).network_address + 1) if cidr else "",
            "subnetworkId": int(record.live["number"][:15]),
            "fingerprint": record.live["number"],
        }


def _check_range(where: str, value: str) -> None:
    """Refuse a range that is malformed or has host bits set."""
    try:
        IPv4Network(value)
    except ValueError as error:
        raise refusals.invalid(where, value, "Must be a CIDR address range.") from error


def _with_logging(config: Json) -> Json:
    return {"enable": True, **config}


def _without_logging(config: Json) -> Json:
    return {name: value for name, value in config.items() if name != "enable"}


_RULE = {"protocol": member("IPProtocol"), "ports": member("ports")}


class Firewall(ComputeResource):
    """A firewall rule of a network."""

    token = "gcp:compute/firewall:Firewall"
    collection, word, scope = "firewalls", "firewall", GLOBAL
    api, update_api = "compute.firewalls.insert", "compute.firewalls.patch"
    links = (NETWORK,)
    fields = {
        **same("name", "description", "network", "direction", "disabled", "priority"),
        **same("sourceRanges", "destinationRanges", "sourceTags", "targetTags"),
        **same("sourceServiceAccounts", "targetServiceAccounts"),
        "allows": many("allowed", _RULE),
        "denies": many("denied", _RULE),
        # The provider turns logging on because the block is there.
        "logConfig": member("logConfig", _with_logging, _without_logging),
        "params": _PARAMS,
    }
    replace_on = frozenset({"network", "direction", "params"})
    defaults = {"priority": 1000}
    computed = ("direction", "destinationRanges", "sourceRanges")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if len(is_set(body, "allowed", "denied")) != 1:
            raise refusals.by_provider('exactly one of "allow" or "deny" must be specified')
        _check_sources(body)
        priority = body.get("priority")
        if known(priority) and not 0 <= priority <= 65535:
            raise refusals.invalid(
                "resource.priority", priority, "Must be between 0 and 65535, inclusive."
            )

    def extra(self, record: Record) -> Json:
        return {
            "direction": record.body.get("direction", "INGRESS"),
            "destinationRanges": record.body.get("destinationRanges", []),
            "sourceRanges": record.body.get("sourceRanges", []),
        }


def _check_sources(body: Json) -> None:
    """An ingress rule says where traffic comes from; tags and service accounts do not mix."""
    sources = is_set(body, "sourceRanges", "sourceTags", "sourceServiceAccounts")
    if body.get("direction", "INGRESS") == "INGRESS" and not sources:
        raise refusals.by_provider(
            "one of source_tags, source_ranges, or source_service_accounts must be defined when direction is INGRESS"
        )
    tags = is_set(body, "sourceTags", "targetTags")
    accounts = is_set(body, "sourceServiceAccounts", "targetServiceAccounts")
    if tags and accounts:
        raise refusals.by_provider(f'"{tags[0]}": conflicts with {accounts[0]}')
