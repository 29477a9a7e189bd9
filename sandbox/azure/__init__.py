"""Azure: the reviewed rows of azure-native's types, and what the core wants to know (`sandbox.clouds`)."""

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
from sandbox.azure.deliveries import routes as ROUTES  # noqa: F401, N812
from sandbox.azure.machines import AzureSide
from sandbox.azure.machines import user_data as USER_DATA  # noqa: F401, N812
from sandbox.azure.metadata import answer as METADATA  # noqa: F401, N812
from sandbox.azure.runner import runner as RUNNER  # noqa: F401, N812
from sandbox.azure.scale_sets import family_of as family_of
from sandbox.azure.wire import AzureFace as FACE  # noqa: F401, N814
from sandbox.kind import Kind

SIDE = AzureSide()
TLS = True

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
