"""The emulated Google Cloud: reviewed rows for the Compute types of pulumi-gcp."""

from __future__ import annotations

from sandbox.gcp.balancer import ForwardingRule, RegionBackendService
from sandbox.gcp.capacity import family_of as family_of
from sandbox.gcp.groups import RegionInstanceGroupManager
from sandbox.gcp.health import HealthCheck, RegionHealthCheck
from sandbox.gcp.nat import Address, Router, RouterNat
from sandbox.gcp.network import Firewall, Network, Subnetwork
from sandbox.gcp.templates import InstanceTemplate, RegionInstanceTemplate
from sandbox.kind import Kind

KINDS: tuple[Kind, ...] = (
    Network(),
    Subnetwork(),
    Firewall(),
    Router(),
    RouterNat(),
    Address(),
    RegionHealthCheck(),
    HealthCheck(),
    RegionBackendService(),
    ForwardingRule(),
    RegionInstanceTemplate(),
    InstanceTemplate(),
    RegionInstanceGroupManager(),
)
