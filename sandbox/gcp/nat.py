"""Cloud routers, the NAT gateways inside them, and static addresses."""

from __future__ import annotations

from sandbox.fields import Json, many, member, nested
from sandbox.gcp import refusals
from sandbox.gcp.addresses import next_address
from sandbox.gcp.labels import label_outputs
from sandbox.gcp.links import Link, kind_name, locate, short_name
from sandbox.gcp.network import NETWORK
from sandbox.gcp.resource import ComputeResource
from sandbox.gcp.shapes import fixed, is_set, known, only_one, same
from sandbox.kind import Context, Request
from sandbox.world import Record

ROUTER = Link("router", "routers", "router")
SUBNETWORK = Link("subnetwork", "subnetworks", "subnetwork")


class Router(ComputeResource):
    """A Cloud Router. Its NAT gateways are part of it; `RouterNat` writes them."""

    token = "gcp:compute/router:Router"
    collection, word = "routers", "router"
    api, update_api = "compute.routers.insert", "compute.routers.patch"
    links = (NETWORK,)
    keeps = ("nats",)
    fields = {
        **same("name", "description", "network", "encryptedInterconnectRouter", "nccGateway"),
        "bgp": nested(
            "bgp",
            {
                **same("asn", "advertiseMode", "advertisedGroups", "keepaliveInterval"),
                **same("identifierRange"),
                "advertisedIpRanges": many("advertisedIpRanges", same("range", "description")),
            },
        ),
        "md5AuthenticationKeys": only_one("md5AuthenticationKeys"),
        "params": nested("params", same("resourceManagerTags")),
    }
    replace_on = fixed(fields, "description", "bgp", "md5AuthenticationKeys")

    def delete(self, ctx: Context, record: Record) -> None:
        for nat in ctx.world.all(ctx.cloud, RouterNat.name):
            if record.id in nat.parents:
                ctx.world.remove(nat)
        super().delete(ctx, record)


class RouterNat(ComputeResource):
    """A NAT gateway: no resource of the API, but a part that is patched into a router."""

    token = "gcp:compute/routerNat:RouterNat"
    collection, word = "routerNats", "router nat"
    api = "compute.routers.patch"
    links = (
        ROUTER,
        Link("subnetworks[].name", "subnetworks", "subnetwork"),
        Link("natIps[]", "addresses", "address"),
        Link("drainNatIps[]", "addresses", "address"),
    )
    fields = {
        **same("name", "router", "natIpAllocateOption", "natIps", "drainNatIps", "type"),
        **same("sourceSubnetworkIpRangesToNat", "sourceSubnetworkIpRangesToNat64", "endpointTypes"),
        **same("minPortsPerVm", "maxPortsPerVm", "enableDynamicPortAllocation", "autoNetworkTier"),
        **same("enableEndpointIndependentMapping", "udpIdleTimeoutSec", "icmpIdleTimeoutSec"),
        **same("tcpEstablishedIdleTimeoutSec", "tcpTransitoryIdleTimeoutSec"),
        **same("tcpTimeWaitTimeoutSec"),
        "logConfig": nested("logConfig", same("enable", "filter")),
        "nat64Subnetworks": many("nat64Subnetworks", same("name")),
        "subnetworks": many(
            "subnetworks",
            {
                **same("name", "secondaryIpRangeNames"),
                "sourceIpRangesToNats": member("sourceIpRangesToNat"),
            },
        ),
        "rules": many(
            "rules",
            {
                **same("match", "ruleNumber", "description"),
                "action": nested(
                    "action",
                    {
                        **same("sourceNatActiveIps", "sourceNatDrainIps"),
                        **same("sourceNatActiveRanges", "sourceNatDrainRanges"),
                    },
                ),
            },
        ),
    }
    provider_only = frozenset({"initialNatIps"})
    replace_on = frozenset({"router", "type", "endpointTypes"})
    defaults = {
        "type": "PUBLIC",
        "udpIdleTimeoutSec": 30,
        "icmpIdleTimeoutSec": 30,
        "tcpEstablishedIdleTimeoutSec": 1200,
        "tcpTransitoryIdleTimeoutSec": 30,
        "tcpTimeWaitTimeoutSec": 120,
    }
    common = ("name",)

    def requests(self, body: Json, verb: str) -> list[Request]:
        nat = {name: value for name, value in body.items() if name != "router"}
        return [Request(self.api, {"nats": [nat]})]

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        if body.get("router") is None:
            raise refusals.required("router")
        if body.get("natIps") and body.get("natIpAllocateOption") == "AUTO_ONLY":
            where = "resource.nats[0].natIps"
            raise refusals.invalid(
                where,
                body["natIps"],
                "Must be empty if nat_ip_allocate_option is set to AUTO_ONLY.",
            )
        listed = known(source := body.get("sourceSubnetworkIpRangesToNat"))
        if listed and source != "LIST_OF_SUBNETWORKS" and is_set(body, "subnetworks"):
            raise refusals.invalid(
                "resource.nats[0].subnetworks",
                body["subnetworks"],
                "Subnetworks can only be specified if sourceSubnetworkIpRangesToNat is LIST_OF_SUBNETWORKS.",
            )

    def id_of(self, ctx: Context, body: Json) -> str:
        router = short_name(body["router"])
        return f"{ctx.account}/{ctx.region}/{router}/{body['name']}"

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        router_id = locate(ctx, ROUTER, body["router"])
        ctx.need(kind_name("routers"), router_id, refusals.not_found(router_id))
        record = super().create(ctx, body, inputs)
        _rewrite(ctx, router_id, record.name, [record.body])
        return record

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        super().update(ctx, record, body, inputs)
        _rewrite(ctx, locate(ctx, ROUTER, body["router"]), record.name, [body])

    def delete(self, ctx: Context, record: Record) -> None:
        _rewrite(ctx, record.parents[0], record.name, [])
        ctx.world.remove(record)


def _rewrite(ctx: Context, router_id: str, name: str, nats: list[Json]) -> None:
    """Read the router, exchange the one gateway, patch the whole list: what the provider does."""
    router = ctx.world.get(ctx.cloud, kind_name("routers"), router_id)
    if router is None:
        return
    others = [nat for nat in router.body.get("nats", []) if nat["name"] != name]
    mine = [{k: v for k, v in nat.items() if k != "router"} for nat in nats]
    router.body["nats"] = others + mine
    ctx.world.put(router)


class Address(ComputeResource):
    """A static address of a region."""

    token = "gcp:compute/address:Address"
    collection, word = "addresses", "address"
    api, update_api = "compute.addresses.insert", "compute.addresses.setLabels"
    links = (NETWORK, SUBNETWORK)
    keeps = ("address",)
    fields = {
        **same("name", "description", "address", "addressType", "networkTier", "purpose"),
        **same("network", "subnetwork", "prefixLength", "ipVersion", "ipv6EndpointType"),
        **same("ipCollection", "labels"),
    }
    replace_on = fixed(fields, "labels")
    defaults = {"addressType": "EXTERNAL"}
    computed = (
        *("address", "addressId", "labelFingerprint", "users"),
        *("effectiveLabels", "pulumiLabels"),
    )

    def requests(self, body: Json, verb: str) -> list[Request]:
        labels = {"labels": body.get("labels", {})}
        return super().requests(labels if verb == "update" else body, verb)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        record.live["address"] = body.get("address") or next_address(ctx, record.serial)
        return ctx.world.put(record)

    def extra(self, record: Record) -> Json:
        return {
            "address": record.live["address"],
            "addressId": int(record.live["number"][:15]),
            "labelFingerprint": record.live["number"],
            "users": [],
            **label_outputs(record.tags),
        }
