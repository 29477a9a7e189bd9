"""Azure: the reviewed rows of azure-native's types."""

from __future__ import annotations

from sandbox.azure import (
    apps,
    balancer,
    edge,
    events,
    identity,
    monitor,
    network,
    scale_sets,
    storage,
)
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
    identity.UserAssignedIdentity(),
    identity.RoleDefinition(),
    identity.RoleAssignment(),
    storage.StorageAccount(),
    storage.BlobContainer(),
    storage.Queue(),
    storage.Blob(),
    monitor.Workspace(),
    monitor.Component(),
    monitor.ScheduledQueryRule(),
    apps.AppServicePlan(),
    apps.WebApp(),
    events.SystemTopic(),
    events.EventSubscription(),
)
