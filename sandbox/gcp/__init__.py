"""The emulated Google Cloud: reviewed rows for types of pulumi-gcp."""

from __future__ import annotations

from sandbox.gcp import deliveries, metadata
from sandbox.gcp.balancer import ForwardingRule, RegionBackendService
from sandbox.gcp.capacity import family_of as family_of
from sandbox.gcp.functions import AlertPolicy, Function
from sandbox.gcp.groups import RegionInstanceGroupManager
from sandbox.gcp.health import HealthCheck, RegionHealthCheck
from sandbox.gcp.iam import (
    BucketMember,
    CustomRole,
    ProjectMember,
    SecretMember,
    ServiceAccount,
    ServiceIdentity,
    ServiceMember,
    SubscriptionMember,
    TopicMember,
)
from sandbox.gcp.life import GcpSide
from sandbox.gcp.messages import Job, Sink, Subscription, Topic
from sandbox.gcp.nat import Address, Router, RouterNat
from sandbox.gcp.network import Firewall, Network, Subnetwork
from sandbox.gcp.runtime import FrameworkRunner
from sandbox.gcp.storage import Bucket, BucketNotification, BucketObject
from sandbox.gcp.templates import InstanceTemplate, RegionInstanceTemplate
from sandbox.gcp.wire.face import GcpFace
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
    ServiceAccount(),
    CustomRole(),
    ServiceIdentity(),
    Bucket(),
    BucketObject(),
    Topic(),
    Subscription(),
    BucketNotification(),
    Function(),
    Sink(),
    Job(),
    AlertPolicy(),
    ProjectMember(),
    BucketMember(),
    TopicMember(),
    SubscriptionMember(),
    ServiceMember(),
    SecretMember(),
)
ROUTES = deliveries.routes
SIDE = GcpSide()
FACE = GcpFace
RUNNER = FrameworkRunner
METADATA = metadata.metadata
USER_DATA = metadata.user_data
