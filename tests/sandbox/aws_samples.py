"""A rich sample of inputs for every AWS row, in an order in which they can be created.

`=name` stands for the id of an earlier sample, `=name.output` for one of its outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.aws import KINDS
from sandbox.fields import Json
from sandbox.kind import CREATE, Context, Kind
from sandbox.world import Record
from tests.sandbox.aws_rich import GROUP, LISTENER, LOAD_BALANCER, TARGET_GROUP, TEMPLATE
from tests.sandbox.aws_serverless import SERVERLESS

ROWS = {kind.token.rsplit(":", 1)[-1]: kind for kind in KINDS}
TAGS = {"team": "search", "stage": "test"}
_EVERYWHERE = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}

SAMPLES: tuple[tuple[str, str, Json], ...] = (
    (
        "vpc",
        "Vpc",
        {
            "cidrBlock": "10.0.0.0/16",
            "assignGeneratedIpv6CidrBlock": True,
            "enableDnsHostnames": True,
            "enableDnsSupport": True,
            "enableNetworkAddressUsageMetrics": False,
            "instanceTenancy": "default",
            "tags": TAGS,
        },
    ),
    ("gateway", "InternetGateway", {"vpcId": "=vpc", "tags": TAGS}),
    (
        "a",
        "Subnet",
        {
            "vpcId": "=vpc",
            "cidrBlock": "10.0.0.0/24",
            "availabilityZoneId": "use1-az1",
            "mapPublicIpOnLaunch": True,
            "enableDns64": False,
            "enableResourceNameDnsARecordOnLaunch": True,
            "privateDnsHostnameTypeOnLaunch": "resource-name",
            "tags": TAGS,
        },
    ),
    (
        "b",
        "Subnet",
        {"vpcId": "=vpc", "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"},
    ),
    ("address", "Eip", {"domain": "vpc", "networkBorderGroup": "us-east-1", "tags": TAGS}),
    (
        "nat",
        "NatGateway",
        {
            "allocationId": "=address",
            "availabilityMode": "zonal",
            "connectivityType": "public",
            "privateIp": "10.0.0.9",
            "secondaryPrivateIpAddressCount": 2,
            "subnetId": "=a",
            "tags": TAGS,
        },
    ),
    (
        "public",
        "RouteTable",
        {
            "vpcId": "=vpc",
            "routes": [
                {"cidrBlock": "0.0.0.0/0", "gatewayId": "=gateway"},
                {"ipv6CidrBlock": "::/0", "gatewayId": "=gateway"},
            ],
            "tags": TAGS,
        },
    ),
    (
        "main",
        "DefaultRouteTable",
        {
            "defaultRouteTableId": "=vpc.defaultRouteTableId",
            "routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": "=nat"}],
            "tags": TAGS,
        },
    ),
    ("uses", "RouteTableAssociation", {"routeTableId": "=public", "subnetId": "=a"}),
    (
        "clients",
        "SecurityGroup",
        {
            "name": "clients",
            "description": "from anywhere",
            "vpcId": "=vpc",
            "ingress": [
                {
                    "protocol": "tcp",
                    "fromPort": 8000,
                    "toPort": 8000,
                    "cidrBlocks": ["0.0.0.0/0", "198.51.100.0/24"],
                    "ipv6CidrBlocks": ["::/0"],
                    "description": "clients",
                    "self": True,
                }
            ],
            "egress": [_EVERYWHERE],
            "tags": TAGS,
        },
    ),
    (
        "replicas",
        "SecurityGroup",
        {
            "name": "replicas",
            "description": "from the balancer",
            "vpcId": "=vpc",
            "ingress": [
                {
                    "protocol": "tcp",
                    "fromPort": 8000,
                    "toPort": 8000,
                    "securityGroups": ["=clients"],
                }
            ],
        },
    ),
    ("balancer", "LoadBalancer", LOAD_BALANCER),
    ("targets", "TargetGroup", TARGET_GROUP),
    ("listener", "Listener", LISTENER),
    ("template", "LaunchTemplate", TEMPLATE),
    ("group", "Group", GROUP),
    *SERVERLESS,
)


@dataclass(frozen=True, slots=True)
class Made:
    """One sample as it was created: its row, the inputs without references, and the cloud's record."""

    kind: Kind
    inputs: Json
    record: Record


def make(ctx: Context, word: str, inputs: Json) -> Record:
    """Create one resource as the provider would, checks included."""
    kind = ROWS[word]
    filled = kind.defaults | inputs
    kind.check(ctx, kind.body(filled), CREATE)
    with ctx.world.change():
        return kind.create(ctx, kind.body(filled), filled)


def make_all(ctx: Context) -> dict[str, Made]:
    """Create every sample."""
    made: dict[str, Made] = {}
    for name, word, inputs in SAMPLES:
        kind = ROWS[word]
        plain: Json = kind.defaults | resolve(ctx, made, inputs)
        made[name] = Made(kind, plain, make(ctx, word, plain))
    return made


def resolve(ctx: Context, made: dict[str, Made], value: Any) -> Any:
    """The same value with references replaced by what they stand for."""
    if isinstance(value, dict):
        return {name: resolve(ctx, made, item) for name, item in value.items()}
    if isinstance(value, list):
        return [resolve(ctx, made, item) for item in value]
    if not (isinstance(value, str) and value.startswith("=")):
        return value
    name, _, output = value[1:].partition(".")
    one = made[name]
    return one.kind.outputs(ctx, one.record)[output] if output else one.record.id


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of everything inside a value, branches and leaves."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, item in items:
        yield (*path, step)
        yield from places(item, (*path, step))
