"""The network of a GCP cell: one regional subnet without public addresses, egress through Cloud NAT.

These types have no labels; they carry the owner's mark in their description.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.cells import NETWORK_CIDR
from infra.naming import Owner
from infra.replica import PORT


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """Where the network is; `project` None means the provider's own."""

    project: str | None
    region: str
    owner: Owner


class Network(pulumi.ComponentResource):
    """VPC network, subnet, NAT and firewall; `subnet` is the subnet's self link."""

    subnet: pulumi.Output[str]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:gcp:Network", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        project, region, mark = args.project, args.region, args.owner.mark()
        self._name, self._args, self._child = name, args, child
        network = compute.Network(
            name, project=project, auto_create_subnetworks=False, description=mark, opts=child
        ).self_link
        subnet = compute.Subnetwork(
            name,
            project=project,
            region=region,
            network=network,
            ip_cidr_range=NETWORK_CIDR,
            private_ip_google_access=True,
            description=mark,
            opts=child,
        )
        self._egress(network)
        self._ingress(network)
        self.subnet = subnet.self_link
        self.register_outputs({"subnet": self.subnet})

    def _egress(self, network: pulumi.Output[str]) -> None:
        router = compute.Router(
            self._name,
            project=self._args.project,
            region=self._args.region,
            network=network,
            description=self._args.owner.mark(),
            opts=self._child,
        )
        compute.RouterNat(
            self._name,
            project=self._args.project,
            region=self._args.region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=self._child,
        )

    def _ingress(self, network: pulumi.Output[str]) -> None:
        """A passthrough balancer keeps the client's address: the rule admits clients, and with them its probes."""
        compute.Firewall(
            self._name,
            project=self._args.project,
            network=network,
            direction="INGRESS",
            source_ranges=["0.0.0.0/0"],
            allows=[compute.FirewallAllowArgs(protocol="tcp", ports=[str(PORT)])],
            description=f"clients and health checks to replicas; {self._args.owner.mark()}",
            opts=self._child,
        )
