"""AWS route tables: a VPC's main one, further ones, and which subnets use them."""

from __future__ import annotations

from sandbox.aws.lookup import (
    ASSOCIATION,
    GATEWAY,
    MAIN_ROUTE_TABLE,
    NAT,
    ROUTE_TABLE,
    VPC,
    find,
    need_subnet,
    need_vpc,
)
from sandbox.aws.members import ec2_tags, pairs, same, unpaired
from sandbox.aws.row import REGION, AwsKind, Ec2Kind, new_id
from sandbox.fields import UNKNOWN, Field, Json, many, member
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_ROUTES: dict[str, Field] = {
    "routes": many(
        "CreateRoute",
        {
            **same(
                "carrierGatewayId",
                "coreNetworkArn",
                "destinationPrefixListId",
                "gatewayId",
                "instanceId",
                "localGatewayId",
                "natGatewayId",
                "networkInterfaceId",
                "odbNetworkArn",
                "transitGatewayId",
                "vpcEndpointId",
                "vpcPeeringConnectionId",
            ),
            "cidrBlock": member("DestinationCidrBlock"),
            "egressOnlyGatewayId": member("EgressOnlyInternetGatewayId"),
            "ipv6CidrBlock": member("DestinationIpv6CidrBlock"),
        },
    ),
    "propagatingVgws": member(
        "EnableVgwRoutePropagation",
        lambda ids: [{"GatewayId": one} for one in ids],
        lambda calls: [call["GatewayId"] for call in calls],
    ),
}
_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_COMPUTED = ("arn", "ownerId", "propagatingVgws", "region", "routes", "tagsAll")
_TARGETS = {
    "NatGatewayId": (NAT, "InvalidNatGatewayID.NotFound", "The natGateway ID '{}' does not exist"),
    "GatewayId": (
        GATEWAY,
        "InvalidGatewayID.NotFound",
        "The gateway ID '{}' does not exist",
    ),
}


class RouteTable(Ec2Kind):
    """A route table with its routes."""

    token = "aws:ec2/routeTable:RouteTable"
    name = ROUTE_TABLE
    noun = "route-table"
    prefix = "rtb"
    api = "ec2.CreateRouteTable"
    ident = "RouteTableId"
    also = ("CreateRoute", "EnableVgwRoutePropagation")
    fields = {**_ROUTES, **same("vpcId"), "tags": ec2_tags("route-table")}
    replace_on = REGION | {"vpcId"}
    computed = _COMPUTED
    held_by = frozenset({ASSOCIATION})

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_routes(body)

    def parents(self, body: Json) -> list[str]:
        return [body["VpcId"], *_targets(body)]

    def point(self, ctx: Context, body: Json) -> None:
        need_vpc(ctx, body["VpcId"])
        need_targets(ctx, body)


class DefaultRouteTable(Ec2Kind):
    """The main route table of a VPC: adopted, not created; given up, not deleted."""

    token = "aws:ec2/defaultRouteTable:DefaultRouteTable"
    name = MAIN_ROUTE_TABLE
    noun = "route-table"
    prefix = "rtb"
    api = "ec2.DescribeRouteTables"
    ident = "RouteTableId"
    also = ("CreateRoute", "EnableVgwRoutePropagation", "CreateTags")
    fields = {
        **_ROUTES,
        "defaultRouteTableId": member("RouteTableIds", lambda one: [one], lambda ids: ids[0]),
        "tags": member("CreateTags.Tags", pairs, unpaired),
    }
    replace_on = REGION | {"defaultRouteTableId"}
    computed = (*_COMPUTED, "vpcId")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_routes(body)

    def parents(self, body: Json) -> list[str]:
        return _targets(body)

    def point(self, ctx: Context, body: Json) -> None:
        need_targets(ctx, body)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        table = body["RouteTableIds"][0]
        vpcs = ctx.world.all(ctx.cloud, VPC)
        vpc = next((one for one in vpcs if one.live["main_route_table"] == table), None)
        if vpc is None or vpc.region != ctx.region:
            raise Refusal(
                "InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist"
            )
        return self.add(ctx, table, body, vpc=vpc.id)

    def changed(self, ctx: Context, record: Record) -> None:
        record.parents = [record.live["vpc"], *_targets(record.body)]

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"vpcId": record.live["vpc"]}


class RouteTableAssociation(AwsKind):
    """Which route table a subnet (or gateway) uses."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    name = ASSOCIATION
    api = "ec2.AssociateRouteTable"
    fields = same("gatewayId", "routeTableId", "subnetId")
    replace_on = REGION | {"gatewayId", "subnetId"}
    computed = ("region",)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if ("SubnetId" in body) == ("GatewayId" in body):
            raise Refusal(
                "InvalidParameterCombination", "exactly one of subnetId and gatewayId must be given"
            )

    def parents(self, body: Json) -> list[str]:
        return [body["RouteTableId"], body.get("SubnetId") or body["GatewayId"]]

    def point(self, ctx: Context, body: Json) -> None:
        table = body["RouteTableId"]
        gone = Refusal(
            "InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist"
        )
        if ctx.world.get(ctx.cloud, MAIN_ROUTE_TABLE, table) is None:
            find(ctx, ROUTE_TABLE, table, gone)
        if "SubnetId" in body:
            need_subnet(ctx, body["SubnetId"])

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        subnet = body.get("SubnetId")
        for other in ctx.world.all(ctx.cloud, ASSOCIATION):
            if subnet and other.body.get("SubnetId") == subnet:
                raise Refusal(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {body['RouteTableId']} conflicts with an "
                    "existing association",
                )
        return self.add(ctx, new_id(ctx, "rtbassoc"), body)


def check_routes(body: Json) -> None:
    """Each route has one destination and one target."""
    routes = body.get("CreateRoute", [])
    for route in routes if isinstance(routes, list) else []:
        if route == UNKNOWN:
            continue
        places = [name for name in route if name in _DESTINATIONS]
        if len(places) != 1:
            raise Refusal(
                "MissingParameter", "The request must contain exactly one destination of the route"
            )
        if len(route) != 2:
            raise Refusal(
                "InvalidParameterCombination",
                f"route to {route[places[0]]}: one target must be specified, "
                f"found {', '.join(sorted(set(route) - {places[0]})) or 'none'}",
            )


def _targets(body: Json) -> list[str]:
    return [
        route[name]
        for route in body.get("CreateRoute", [])
        for name in _TARGETS
        if route.get(name, "local") != "local"
    ]


def need_targets(ctx: Context, body: Json) -> None:
    """Refuse a route through a gateway that does not exist."""
    for route in body.get("CreateRoute", []):
        for name, (kind, code, text) in _TARGETS.items():
            target = route.get(name, "local")
            if target != "local" and not target.startswith("vgw-"):
                find(ctx, kind, target, Refusal(code, text.format(target)))
