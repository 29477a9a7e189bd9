"""Azure: the reviewed rows of azure-native's types."""

from __future__ import annotations

from sandbox.azure import balancer, edge, network, scale_sets
from sandbox.azure.scale_sets import family_of as family_of
from sandbox.kind import Kind

KINDS: tuple[Kind, ...] = (
    network.ResourceGroup(),
    network.VirtualNetwork(),
    network.Subnet(),
    network.NetworkSecurityGroup(),
    balancer.PublicIPAddress(),
    balancer.NatGateway(),
    balancer.LoadBalancer(),
    scale_sets.VirtualMachineScaleSet(),
    edge.Profile(),
    edge.Endpoint(),
    edge.OriginGroup(),
    edge.Origin(),
    edge.Route(),
)
