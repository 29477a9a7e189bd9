"""AWS's ways in and out of a VPC: internet gateways, elastic addresses, NAT gateways."""

from __future__ import annotations

from sandbox.aws.lookup import (
    ADDRESS,
    GATEWAY,
    LOAD_BALANCER,
    NAT,
    SUBNET,
    need_address,
    need_internet,
    need_subnet,
    need_vpc,
)
from sandbox.aws.members import ec2_tags, same
from sandbox.aws.row import REGION, Ec2Kind, new_id
from sandbox.fields import Json, many, member
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record


class InternetGateway(Ec2Kind):
    """An internet gateway, attached if it names a VPC."""

    token = "aws:ec2/internetGateway:InternetGateway"
    name = GATEWAY
    noun = "internet-gateway"
    prefix = "igw"
    api = "ec2.CreateInternetGateway"
    ident = "InternetGatewayId"
    also = ("AttachInternetGateway",)
    fields = {
        "vpcId": member("AttachInternetGateway.VpcId"),
        "tags": ec2_tags("internet-gateway"),
    }
    computed = ("arn", "ownerId", "region", "tagsAll", "vpcId")

    def parents(self, body: Json) -> list[str]:
        return [body["AttachInternetGateway"]["VpcId"]] if "AttachInternetGateway" in body else []

    def point(self, ctx: Context, body: Json) -> None:
        for vpc_id in self.parents(body):
            need_vpc(ctx, vpc_id)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        for vpc_id in self.parents(body):
            if any(other.kind == GATEWAY for other in ctx.world.children(need_vpc(ctx, vpc_id))):
                raise Refusal(
                    "InvalidParameterValue",
                    f"Network {vpc_id} already has an internet gateway attached",
                )
        return super().create(ctx, body, inputs)

    def delete(self, ctx: Context, record: Record) -> None:
        for vpc_id in record.parents:
            subnets = {r.id for r in ctx.world.all(ctx.cloud, SUBNET) if vpc_id in r.parents}
            mapped = [r for r in ctx.world.all(ctx.cloud) if r.live.get("public_ip")]
            if any(subnets & set(r.parents) for r in mapped):
                raise Refusal(
                    "DependencyViolation",
                    f"Network {vpc_id} has some mapped public address(es). Please unmap those public "
                    "address(es) before detaching the gateway.",
                )
        ctx.world.remove(record)


class Eip(Ec2Kind):
    """An elastic address."""

    token = "aws:ec2/eip:Eip"
    name = ADDRESS
    noun = "elastic-ip"
    prefix = "eipalloc"
    api = "ec2.AllocateAddress"
    ident = "AllocationId"
    also = ("AssociateAddress",)
    fields = {
        **same(
            "address",
            "customerOwnedIpv4Pool",
            "domain",
            "ipamPoolId",
            "networkBorderGroup",
            "publicIpv4Pool",
        ),
        "associateWithPrivateIp": member("AssociateAddress.PrivateIpAddress"),
        "instance": member("AssociateAddress.InstanceId"),
        "networkInterface": member("AssociateAddress.NetworkInterfaceId"),
        "tags": ec2_tags("elastic-ip"),
    }
    replace_on = REGION | {
        "address",
        "customerOwnedIpv4Pool",
        "domain",
        "ipamPoolId",
        "networkBorderGroup",
        "publicIpv4Pool",
    }
    computed = (
        "allocationId",
        "arn",
        "domain",
        "networkBorderGroup",
        "publicDns",
        "publicIp",
        "publicIpv4Pool",
        "region",
        "tagsAll",
    )
    held_by = frozenset({NAT, LOAD_BALANCER})

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, new_id(ctx, "eipalloc"), body, address=public_address(ctx))

    def held(self, record: Record) -> Refusal:
        return Refusal("InvalidIPAddress.InUse", f"Address {record.live['address']} is in use.")

    def outputs(self, ctx: Context, record: Record) -> Json:
        address = record.live["address"]
        return super().outputs(ctx, record) | {
            "allocationId": record.id,
            "domain": record.body.get("Domain", "vpc"),
            "networkBorderGroup": record.body.get("NetworkBorderGroup", record.region),
            "publicDns": f"ec2-{address.replace('.', '-')}.{record.region}.compute.amazonaws.com",
            "publicIp": address,
            "publicIpv4Pool": record.body.get("PublicIpv4Pool", "amazon"),
        }


class NatGateway(Ec2Kind):
    """A NAT gateway."""

    token = "aws:ec2/natGateway:NatGateway"
    name = NAT
    noun = "natgateway"
    prefix = "nat"
    api = "ec2.CreateNatGateway"
    ident = "NatGatewayId"
    fields = {
        **same(
            "allocationId",
            "availabilityMode",
            "connectivityType",
            "secondaryAllocationIds",
            "secondaryPrivateIpAddressCount",
            "secondaryPrivateIpAddresses",
            "subnetId",
            "vpcId",
        ),
        "availabilityZoneAddresses": many(
            "AvailabilityZoneAddresses",
            same("allocationIds", "availabilityZone", "availabilityZoneId"),
        ),
        "privateIp": member("PrivateIpAddress"),
        "tags": ec2_tags("natgateway"),
    }
    replace_on = REGION | {
        "allocationId",
        "availabilityMode",
        "connectivityType",
        "privateIp",
        "subnetId",
        "vpcId",
    }
    defaults = {"connectivityType": "public"}
    computed = (
        "associationId",
        "availabilityMode",
        "networkInterfaceId",
        "privateIp",
        "publicIp",
        "region",
        "tagsAll",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if body.get("AvailabilityMode") == "regional":
            return
        if "SubnetId" not in body:
            raise Refusal("MissingParameter", "The request must contain the parameter SubnetId")
        public = body.get("ConnectivityType") == "public"
        if public and "AllocationId" not in body:
            raise Refusal("MissingParameter", "The request must contain the parameter AllocationId")
        if body.get("ConnectivityType") == "private" and "AllocationId" in body:
            raise Refusal(
                "InvalidParameter",
                "AllocationId cannot be specified when ConnectivityType is private",
            )

    def parents(self, body: Json) -> list[str]:
        return [body[name] for name in ("SubnetId", "AllocationId", "VpcId") if name in body]

    def point(self, ctx: Context, body: Json) -> None:
        if "SubnetId" in body:
            subnet = need_subnet(ctx, body["SubnetId"])
            if "AllocationId" in body:
                need_internet(
                    ctx,
                    subnet.body["VpcId"],
                    Refusal(
                        "Gateway.NotAttached",
                        f"Network {subnet.body['VpcId']} has no Internet gateway attached",
                    ),
                )
        if "AllocationId" in body:
            need_address(ctx, body["AllocationId"])

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        eip = ctx.world.get(ctx.cloud, ADDRESS, body.get("AllocationId", ""))
        if eip and any(other.kind == NAT for other in ctx.world.children(eip)):
            raise Refusal(
                "Resource.AlreadyAssociated",
                f"Elastic IP address [{eip.id}] is already associated",
            )
        return self.add(
            ctx,
            new_id(ctx, "nat"),
            body,
            public_ip=eip.live["address"] if eip else "",
            interface=new_id(ctx, "eni"),
            association=new_id(ctx, "eipassoc"),
        )

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "associationId": record.live["association"],
            "availabilityMode": record.body.get("AvailabilityMode", "zonal"),
            "networkInterfaceId": record.live["interface"],
            "privateIp": record.body.get("PrivateIpAddress", "10.0.0.10"),
            "publicIp": record.live["public_ip"],
        }


def public_address(ctx: Context) -> str:
    """An address out of a range kept for documentation."""
    return f"203.0.113.{ctx.world.next_serial() % 254 + 1}"
