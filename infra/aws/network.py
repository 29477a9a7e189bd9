"""The network of an AWS cell: replicas in private subnets, the balancer in public ones, egress through one NAT.

Subnets cover every zone the plan knows in the region, used or not, and a zone's addresses follow from its number:
neither a new pool nor a new zone moves a subnet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from infra.cells import NETWORK_CIDR
from infra.errors import ZoneError
from infra.naming import Owner
from infra.replica import PORT

_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """Where the network is and the zone ids (`use1-az4`: names like us-east-1a differ per account) it covers."""

    region: str
    zones: tuple[str, ...]
    owner: Owner


class Network(pulumi.ComponentResource):
    """VPC, subnets, routes and security groups. Subnets are keyed by zone id."""

    vpc_id: pulumi.Output[str]
    public_subnets: dict[str, pulumi.Output[str]]
    private_subnets: dict[str, pulumi.Output[str]]
    balancer_group_id: pulumi.Output[str]
    replica_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:aws:Network", name, {}, opts)
        self._name, self._args = name, args
        self._tags = args.owner.tags()
        self._child = pulumi.ResourceOptions(parent=self)
        if not args.zones:
            raise ZoneError(
                f"the price snapshot names no zone of AWS region {args.region}; add one, or leave the region "
                "out in market.regions"
            )
        numbers = {zone: _zone_number(zone) for zone in args.zones}
        vpc = ec2.Vpc(
            name,
            region=args.region,
            cidr_block=NETWORK_CIDR,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tags,
            opts=self._child,
        )
        self.vpc_id = vpc.id
        self.public_subnets = {
            zone: self._subnet("public", zone, cidr=f"10.0.{n}.0/24") for zone, n in numbers.items()
        }
        self.private_subnets = {
            zone: self._subnet("private", zone, cidr=f"10.0.{16 * n}.0/20")
            for zone, n in numbers.items()
        }
        self._route(vpc.default_route_table_id)
        self.balancer_group_id = self._balancer_group()
        self.replica_group_id = self._replica_group()
        self.register_outputs({"vpc_id": self.vpc_id})

    def _subnet(self, kind: str, zone: str, *, cidr: str) -> pulumi.Output[str]:
        return ec2.Subnet(
            f"{self._name}-{kind}-{zone}",
            region=self._args.region,
            vpc_id=self.vpc_id,
            cidr_block=cidr,
            availability_zone_id=zone,
            tags=self._tags,
            opts=self._child,
        ).id

    def _route(self, main_table: pulumi.Output[str]) -> None:
        """Public subnets to the internet gateway; everything else, by the VPC's main table, to the NAT gateway."""
        region, tags, child = self._args.region, self._tags, self._child
        gateway = ec2.InternetGateway(
            self._name, region=region, vpc_id=self.vpc_id, tags=tags, opts=child
        )
        public = ec2.RouteTable(
            f"{self._name}-public",
            region=region,
            vpc_id=self.vpc_id,
            routes=[ec2.RouteTableRouteArgs(cidr_block=_ANYWHERE, gateway_id=gateway.id)],
            tags=tags,
            opts=child,
        )
        for zone, subnet in self.public_subnets.items():
            ec2.RouteTableAssociation(
                f"{self._name}-public-{zone}",
                region=region,
                route_table_id=public.id,
                subnet_id=subnet,
                opts=child,
            )
        self._route_through_nat(main_table, gateway)

    def _route_through_nat(
        self, main_table: pulumi.Output[str], gateway: ec2.InternetGateway
    ) -> None:
        region, tags = self._args.region, self._tags
        behind = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        address = ec2.Eip(self._name, region=region, domain="vpc", tags=tags, opts=behind)
        nat = ec2.NatGateway(
            self._name,
            region=region,
            subnet_id=self.public_subnets[min(self.public_subnets)],
            allocation_id=address.id,
            tags=tags,
            opts=behind,
        )
        ec2.DefaultRouteTable(
            f"{self._name}-private",
            region=region,
            default_route_table_id=main_table,
            routes=[ec2.DefaultRouteTableRouteArgs(cidr_block=_ANYWHERE, nat_gateway_id=nat.id)],
            tags=tags,
            opts=self._child,
        )

    def _balancer_group(self) -> pulumi.Output[str]:
        """Clients reach the balancer on the service port, and the balancer reaches the network there."""
        return ec2.SecurityGroup(
            f"{self._name}-balancer",
            region=self._args.region,
            vpc_id=self.vpc_id,
            description="clients to the balancer",
            ingress=[
                ec2.SecurityGroupIngressArgs(
                    protocol="tcp", from_port=PORT, to_port=PORT, cidr_blocks=[_ANYWHERE]
                )
            ],
            egress=[
                ec2.SecurityGroupEgressArgs(
                    protocol="tcp", from_port=PORT, to_port=PORT, cidr_blocks=[NETWORK_CIDR]
                )
            ],
            tags=self._tags,
            opts=self._child,
        ).id

    def _replica_group(self) -> pulumi.Output[str]:
        """Only the balancer reaches a replica; a replica reaches anything (images, weights)."""
        return ec2.SecurityGroup(
            f"{self._name}-replica",
            region=self._args.region,
            vpc_id=self.vpc_id,
            description="the balancer to replicas",
            ingress=[
                ec2.SecurityGroupIngressArgs(
                    protocol="tcp",
                    from_port=PORT,
                    to_port=PORT,
                    security_groups=[self.balancer_group_id],
                )
            ],
            egress=[
                ec2.SecurityGroupEgressArgs(
                    protocol="-1", from_port=0, to_port=0, cidr_blocks=[_ANYWHERE]
                )
            ],
            tags=self._tags,
            opts=self._child,
        ).id


def _zone_number(zone: str) -> int:
    """4 of `use1-az4`; 1 to 15, so that the private ranges fit into the network."""
    match = re.fullmatch(r"[a-z]+\d+-az(\d+)", zone)
    if match is None or not 1 <= int(match[1]) <= 15:
        raise ZoneError(
            f"zone {zone!r} is not an AWS availability zone id such as use1-az4; correct the price snapshot"
        )
    return int(match[1])
