"""AWS networks: VPCs, subnets, gateways and addresses."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network

from sandbox.aws.lookup import (
    GATEWAY,
    GROUP,
    LOAD_BALANCER,
    MAIN_ROUTE_TABLE,
    NAT,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    need_vpc,
)
from sandbox.aws.members import ec2_tags, same
from sandbox.aws.row import REGION, Ec2Kind, new_id
from sandbox.aws.zones import zone_name, zone_of
from sandbox.fields import UNKNOWN, Json, member
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record


class Vpc(Ec2Kind):
    """A VPC, with the main route table, security group and network ACL that come with it."""

    token = "aws:ec2/vpc:Vpc"
    name = VPC
    noun = prefix = "vpc"
    api = "ec2.CreateVpc"
    ident = "VpcId"
    also = ("ModifyVpcAttribute",)
    fields = {
        "assignGeneratedIpv6CidrBlock": member("AmazonProvidedIpv6CidrBlock"),
        **same(
            "cidrBlock",
            "instanceTenancy",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6CidrBlock",
            "ipv6CidrBlockNetworkBorderGroup",
            "ipv6IpamPoolId",
            "ipv6NetmaskLength",
        ),
        "enableDnsHostnames": member("ModifyVpcAttribute.EnableDnsHostnames.Value"),
        "enableDnsSupport": member("ModifyVpcAttribute.EnableDnsSupport.Value"),
        "enableNetworkAddressUsageMetrics": member(
            "ModifyVpcAttribute.EnableNetworkAddressUsageMetrics.Value"
        ),
        "tags": ec2_tags("vpc"),
    }
    replace_on = REGION | {"cidrBlock", "instanceTenancy", "ipv4IpamPoolId", "ipv4NetmaskLength"}
    defaults = {"enableDnsSupport": True, "instanceTenancy": "default"}
    computed = (
        "arn",
        "cidrBlock",
        "defaultNetworkAclId",
        "defaultRouteTableId",
        "defaultSecurityGroupId",
        "dhcpOptionsId",
        "enableDnsHostnames",
        "enableNetworkAddressUsageMetrics",
        "ipv6CidrBlock",
        "ipv6CidrBlockNetworkBorderGroup",
        "mainRouteTableId",
        "ownerId",
        "region",
        "tagsAll",
    )
    held_by = frozenset({SUBNET, GATEWAY, ROUTE_TABLE, SECURITY_GROUP})

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        cidr = body.get("CidrBlock")
        if cidr is None and "Ipv4IpamPoolId" not in body:
            raise Refusal(
                "MissingParameter",
                "The request must contain the parameter cidrBlock or ipv4IpamPoolId",
            )
        if cidr in (None, UNKNOWN):
            return
        block = _block(cidr)
        if not 16 <= block.prefixlen <= 28:
            raise Refusal("InvalidVpc.Range", f"The CIDR '{cidr}' is invalid.")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(
            ctx,
            new_id(ctx, "vpc"),
            body,
            main_route_table=new_id(ctx, "rtb"),
            security_group=new_id(ctx, "sg"),
            acl=new_id(ctx, "acl"),
        )

    def delete(self, ctx: Context, record: Record) -> None:
        super().delete(ctx, record)
        for child in ctx.world.children(record):
            if child.kind == MAIN_ROUTE_TABLE:
                ctx.world.remove(child)

    def outputs(self, ctx: Context, record: Record) -> Json:
        main = record.live["main_route_table"]
        return super().outputs(ctx, record) | {
            "defaultNetworkAclId": record.live["acl"],
            "defaultRouteTableId": main,
            "defaultSecurityGroupId": record.live["security_group"],
            "dhcpOptionsId": "dopt-0a1b2c3d4e5f67890",
            "mainRouteTableId": main,
        }


class Subnet(Ec2Kind):
    """A subnet in one zone, named by the account's alias or by the zone's id."""

    token = "aws:ec2/subnet:Subnet"
    name = SUBNET
    noun = prefix = "subnet"
    api = "ec2.CreateSubnet"
    ident = "SubnetId"
    also = ("ModifySubnetAttribute",)
    fields = {
        **same(
            "availabilityZone",
            "availabilityZoneId",
            "cidrBlock",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6CidrBlock",
            "ipv6IpamPoolId",
            "ipv6Native",
            "ipv6NetmaskLength",
            "outpostArn",
            "vpcId",
        ),
        "assignIpv6AddressOnCreation": member(
            "ModifySubnetAttribute.AssignIpv6AddressOnCreation.Value"
        ),
        "customerOwnedIpv4Pool": member("ModifySubnetAttribute.CustomerOwnedIpv4Pool"),
        "enableDns64": member("ModifySubnetAttribute.EnableDns64.Value"),
        "enableLniAtDeviceIndex": member("ModifySubnetAttribute.EnableLniAtDeviceIndex"),
        "enableResourceNameDnsARecordOnLaunch": member(
            "ModifySubnetAttribute.EnableResourceNameDnsARecordOnLaunch.Value"
        ),
        "enableResourceNameDnsAaaaRecordOnLaunch": member(
            "ModifySubnetAttribute.EnableResourceNameDnsAAAARecordOnLaunch.Value"
        ),
        "mapCustomerOwnedIpOnLaunch": member(
            "ModifySubnetAttribute.MapCustomerOwnedIpOnLaunch.Value"
        ),
        "mapPublicIpOnLaunch": member("ModifySubnetAttribute.MapPublicIpOnLaunch.Value"),
        "privateDnsHostnameTypeOnLaunch": member(
            "ModifySubnetAttribute.PrivateDnsHostnameTypeOnLaunch"
        ),
        "tags": ec2_tags("subnet"),
    }
    replace_on = REGION | {
        "availabilityZone",
        "availabilityZoneId",
        "cidrBlock",
        "ipv4IpamPoolId",
        "ipv4NetmaskLength",
        "ipv6IpamPoolId",
        "ipv6Native",
        "ipv6NetmaskLength",
        "outpostArn",
        "vpcId",
    }
    defaults = {
        "assignIpv6AddressOnCreation": False,
        "enableDns64": False,
        "enableResourceNameDnsARecordOnLaunch": False,
        "enableResourceNameDnsAaaaRecordOnLaunch": False,
        "ipv6Native": False,
        "mapPublicIpOnLaunch": False,
    }
    computed = (
        "arn",
        "availabilityZone",
        "availabilityZoneId",
        "cidrBlock",
        "ownerId",
        "privateDnsHostnameTypeOnLaunch",
        "region",
        "tagsAll",
    )
    held_by = frozenset({NAT, LOAD_BALANCER, GROUP})

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if "AvailabilityZone" in body and "AvailabilityZoneId" in body:
            raise Refusal(
                "InvalidParameterCombination",
                "Only one of AvailabilityZone and AvailabilityZoneId may be given",
            )
        cidr = body.get("CidrBlock")
        if cidr is None and "Ipv4IpamPoolId" not in body and not body.get("Ipv6Native"):
            raise Refusal(
                "MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided."
            )
        if cidr not in (None, UNKNOWN):
            _block(cidr)
        zone_of(ctx.region, body)

    def parents(self, body: Json) -> list[str]:
        return [body["VpcId"]]

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        vpc = need_vpc(ctx, body["VpcId"])
        self._fits(ctx, vpc, body)
        return self.add(ctx, new_id(ctx, "subnet"), body, zone_id=zone_of(ctx.region, body))

    def _fits(self, ctx: Context, vpc: Record, body: Json) -> None:
        cidr, around = body.get("CidrBlock"), vpc.body.get("CidrBlock")
        if cidr is None or around is None:
            return
        block = _block(cidr)
        if not block.subnet_of(_block(around)) or not 16 <= block.prefixlen <= 28:
            raise Refusal("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
        for other in ctx.world.children(vpc):
            taken = other.body.get("CidrBlock")
            if other.kind == SUBNET and taken and block.overlaps(_block(taken)):
                raise Refusal(
                    "InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet"
                )

    def outputs(self, ctx: Context, record: Record) -> Json:
        zone_id = record.live["zone_id"]
        return super().outputs(ctx, record) | {
            "availabilityZone": zone_name(record.region, zone_id),
            "availabilityZoneId": zone_id,
        }


def _block(cidr: str) -> IPv4Network:
    try:
        block = ip_network(cidr)
    except ValueError:
        block = None
    if not isinstance(block, IPv4Network):
        raise Refusal(
            "InvalidParameterValue",
            f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        )
    return block
