"""AWS: EC2 networks and launch templates, load balancing, Auto Scaling; functions, events, queues, buckets, identities."""

from __future__ import annotations

from sandbox.aws import deliveries, metadata
from sandbox.aws.balancer import LoadBalancer
from sandbox.aws.bridge import EventRule, EventTarget
from sandbox.aws.buckets import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketPublicAccessBlock,
    BucketVersioning,
)
from sandbox.aws.capacity import family_of as family_of
from sandbox.aws.firewall import SecurityGroup
from sandbox.aws.functions import Function
from sandbox.aws.gateways import Eip, InternetGateway, NatGateway
from sandbox.aws.groups import Group
from sandbox.aws.identity import InstanceProfile, Role, RolePolicy
from sandbox.aws.invoking import FunctionEventInvokeConfig, Permission
from sandbox.aws.life import AwsSide
from sandbox.aws.listener import Listener
from sandbox.aws.monitoring import LogGroup, MetricAlarm
from sandbox.aws.network import Subnet, Vpc
from sandbox.aws.queues import Queue, QueuePolicy
from sandbox.aws.routes import DefaultRouteTable, RouteTable, RouteTableAssociation
from sandbox.aws.runtime import LambdaRunner
from sandbox.aws.stored import BucketNotification, BucketObject
from sandbox.aws.targets import TargetGroup
from sandbox.aws.templates import LaunchTemplate
from sandbox.aws.wire.face import AwsFace
from sandbox.kind import Kind

KINDS: tuple[Kind, ...] = (
    Vpc(),
    Subnet(),
    InternetGateway(),
    Eip(),
    NatGateway(),
    RouteTable(),
    DefaultRouteTable(),
    RouteTableAssociation(),
    SecurityGroup(),
    LoadBalancer(),
    TargetGroup(),
    Listener(),
    LaunchTemplate(),
    Group(),
    Role(),
    RolePolicy(),
    InstanceProfile(),
    LogGroup(),
    Queue(),
    QueuePolicy(),
    Bucket(),
    BucketPublicAccessBlock(),
    BucketVersioning(),
    BucketLifecycleConfiguration(),
    Function(),
    Permission(),
    FunctionEventInvokeConfig(),
    BucketNotification(),
    BucketObject(),
    EventRule(),
    EventTarget(),
    MetricAlarm(),
)
ROUTES = deliveries.routes
SIDE = AwsSide()
FACE = AwsFace
RUNNER = LambdaRunner
METADATA = metadata.metadata
USER_DATA = metadata.user_data
