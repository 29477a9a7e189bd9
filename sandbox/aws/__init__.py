"""AWS: EC2 networks and launch templates, Elastic Load Balancing, Auto Scaling."""

from __future__ import annotations

from sandbox.aws.balancer import LoadBalancer
from sandbox.aws.capacity import family_of as family_of
from sandbox.aws.firewall import SecurityGroup
from sandbox.aws.gateways import Eip, InternetGateway, NatGateway
from sandbox.aws.groups import Group
from sandbox.aws.listener import Listener
from sandbox.aws.network import Subnet, Vpc
from sandbox.aws.routes import DefaultRouteTable, RouteTable, RouteTableAssociation
from sandbox.aws.targets import TargetGroup
from sandbox.aws.templates import LaunchTemplate
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
)
