"""The network of an Azure cell: one subnet without public addresses, egress through a NAT gateway.

New virtual networks have no outbound access of their own, and replicas must fetch images and weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network as azure

from infra.cells import NETWORK_CIDR
from infra.naming import Owner
from infra.replica import PORT

FROM_FRONT_DOOR = "AzureFrontDoor.Backend"
FROM_ANYWHERE = "Internet"


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """Where, and who may call: a service tag such as FROM_FRONT_DOOR."""

    resource_group: pulumi.Output[str]
    location: str
    clients: str
    owner: Owner


class Network(pulumi.ComponentResource):
    """Virtual network, subnet, security group and NAT gateway."""

    subnet_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:azure:Network", name, {}, opts)
        self._args = args
        self._tags = args.owner.tags()
        self._child = pulumi.ResourceOptions(parent=self)
        network = azure.VirtualNetwork(
            name,
            resource_group_name=args.resource_group,
            location=args.location,
            address_space=azure.AddressSpaceArgs(address_prefixes=[NETWORK_CIDR]),
            tags=self._tags,
            opts=self._child,
        )
        self.subnet_id = azure.Subnet(
            name,
            resource_group_name=args.resource_group,
            virtual_network_name=network.name,
            address_prefix=NETWORK_CIDR,
            default_outbound_access=False,
            nat_gateway=azure.SubResourceArgs(id=self._nat(name)),
            network_security_group=azure.NetworkSecurityGroupArgs(id=self._security_group(name)),
            opts=self._child,
        ).id
        self.register_outputs({"subnet_id": self.subnet_id})

    def _nat(self, name: str) -> pulumi.Output[str]:
        address = public_address(
            f"{name}-nat",
            self._args.resource_group,
            location=self._args.location,
            tags=self._tags,
            opts=self._child,
        )
        return azure.NatGateway(
            name,
            resource_group_name=self._args.resource_group,
            location=self._args.location,
            sku=azure.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[azure.SubResourceArgs(id=address.id)],
            tags=self._tags,
            opts=self._child,
        ).id

    def _security_group(self, name: str) -> pulumi.Output[str]:
        """The balancer keeps the client's address; Azure's default rules let its probes in and nothing else."""
        return azure.NetworkSecurityGroup(
            name,
            resource_group_name=self._args.resource_group,
            location=self._args.location,
            security_rules=[
                azure.SecurityRuleArgs(
                    name="clients",
                    priority=100,
                    direction="Inbound",
                    access="Allow",
                    protocol="Tcp",
                    source_address_prefix=self._args.clients,
                    source_port_range="*",
                    destination_address_prefix="*",
                    destination_port_range=str(PORT),
                )
            ],
            tags=self._tags,
            opts=self._child,
        ).id


def public_address(
    name: str,
    resource_group: pulumi.Output[str],
    *,
    location: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> azure.PublicIPAddress:
    """A static address of the Standard kind, which gateways and balancers of that kind need."""
    return azure.PublicIPAddress(
        name,
        resource_group_name=resource_group,
        location=location,
        sku=azure.PublicIPAddressSkuArgs(name="Standard"),
        public_ip_allocation_method="Static",
        public_ip_address_version="IPv4",
        tags=tags,
        opts=opts,
    )
