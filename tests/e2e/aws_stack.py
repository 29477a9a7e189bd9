"""A small stack with the reactor of AWS, in the emulated AWS: three regions, two of them with a function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pulumi
from botocore.config import Config
from pulumi_aws import autoscaling, ec2

from infra.aws.reactor import Reactor
from infra.naming import Owner
from infra.package import package_file
from infra.reactors import DeclaredGroup, ReactorArgs
from infra.settings import read_settings
from reactor.contract import RuntimePlan
from reactor.published import Dispatch, Label, Published, Target
from sandbox.aws.identity import session
from sandbox.aws.wire.signature import Credentials
from sandbox.clouds import context, endpoint
from sandbox.kind import Context
from sandbox.machines import MACHINE, machines_of
from sandbox.market import Market
from sandbox.server import Running, running
from sandbox.world import Record, World
from tests.reactor.builders import UNIT, group
from tests.sandbox.foreign import sale, stack_of

HOMES = ("us-east-1", "us-west-2")
REGIONS = {"us-east-1": "use1", "us-west-2": "usw2", "eu-west-1": "euw1"}
OWNER = Owner("skyblend", "test")
SECRET, DISPATCHES = "replan", "http://api.example/dispatches"
MARKET = Market(
    [
        sale("aws", region, f"{short}-az{number}", "g6.xlarge")
        for region, short in REGIONS.items()
        for number in (1, 2)
    ]
)
GROUPS = {f"{region}-spot": region for region in REGIONS} | {"us-east-1-fallback": "us-east-1"}


def plan() -> Published:
    """Six nodes, two in each region, over the stack's groups."""
    groups = [
        group(
            key,
            key.rsplit("-", 1)[-1],
            region=region,
            zones=tuple(f"{REGIONS[region]}-az{n}" for n in (1, 2)),
            planned_nodes=2 if key.endswith("spot") else 0,
            max_nodes=8,
            cold_start_s=0.0,
            fallback=("us-east-1-fallback",) if key.endswith("spot") else (),
        )
        for key, region in GROUPS.items()
    ]
    runtime = RuntimePlan("d1", 6 * UNIT, 0, tuple(sorted(groups, key=lambda g: g.key)))
    label = Label("skyblend-stack", OWNER.stack)
    return Published(
        OWNER.stack, "aws", runtime, (), label, dispatch=Dispatch("github", DISPATCHES)
    )


def text(published: Published, ids: Any) -> str:
    """The plan with the ids of its groups."""
    targets = tuple(Target(g.key, ids[g.key], g.region) for g in published.plan.groups)
    return Published(
        published.stack,
        "aws",
        published.plan,
        targets,
        published.label,
        dispatch=published.dispatch,
    ).to_json()


def declare() -> None:
    """The program. A group in each region, one on demand, and one of somebody else's."""
    dispatch = {
        "kind": "github",
        "url": DISPATCHES,
        "token_secret": {"aws": SECRET},
    }
    settings = read_settings({"reactor": {"dispatch": dispatch}}, {"aws"})
    args = ReactorArgs(OWNER, settings, HOMES, tuple(REGIONS), package_file("aws"))
    reactor = Reactor("aws-reactor", args)
    subnets = {region: _subnet(region) for region in REGIONS}
    declared = [
        DeclaredGroup(key, _group(key, subnets[region], reactor, OWNER.tags()), region)
        for key, region in GROUPS.items()
    ]
    _group("strangers", subnets["us-east-1"], reactor, Owner("skyblend", "other").tags())
    published = plan()
    reactor.publish(declared, lambda ids, _: text(published, ids), addresses={}, after=[])
    pulumi.export("functions", reactor.notices.urls)


def _subnet(region: str) -> pulumi.Output[str]:
    vpc = ec2.Vpc(region, region=region, cidr_block="10.0.0.0/16")
    return ec2.Subnet(
        region,
        region=region,
        vpc_id=vpc.id,
        cidr_block="10.0.0.0/24",
        availability_zone_id=f"{REGIONS[region]}-az1",
    ).id


def _group(
    key: str, subnet: pulumi.Output[str], reactor: Reactor, tags: dict[str, str]
) -> pulumi.Output[str]:
    region = GROUPS.get(key, "us-east-1")
    template = ec2.LaunchTemplate(
        key,
        region=region,
        image_id="ami-1",
        instance_type="g6.xlarge",
        iam_instance_profile=ec2.LaunchTemplateIamInstanceProfileArgs(arn=reactor.notices.identity),
        update_default_version=True,
    )
    policy: Any = {
        "launch_template": {"launch_template_specification": {"launch_template_id": template.id}},
        "instances_distribution": {
            "on_demand_percentage_above_base_capacity": 0 if key.endswith("spot") else 100
        },
    }
    return autoscaling.Group(
        key,
        region=region,
        min_size=0,
        max_size=8,
        vpc_zone_identifiers=[subnet],
        mixed_instances_policy=policy,
        capacity_rebalance=key.endswith("spot"),
        wait_for_capacity_timeout="0",
        tags=[
            autoscaling.GroupTagArgs(key=name, value=value, propagate_at_launch=True)
            for name, value in tags.items()
        ],
    ).name


@dataclass(frozen=True)
class Deployed:
    """The stack while its cloud is served."""

    running: Running
    functions: tuple[str, ...]

    @property
    def world(self) -> World:
        return self.running.world

    def client(self, service: str, principal: str, region: str = HOMES[0], **given: Any) -> Any:
        """Amazon's own client, signing as a principal."""
        known = Credentials.of(self.world, principal)
        return boto3.session.Session().client(
            service, region_name=region, endpoint_url=endpoint(self.world, "aws"),
            aws_access_key_id=known.key_id, aws_secret_access_key=known.secret,
            aws_session_token=known.token,
            config=Config(retries={"total_max_attempts": 1}, proxies={}, inject_host_prefix=False, **given),
        )  # fmt: skip

    def cloud_context(self) -> Context:
        """The cloud acting in the first home."""
        return context(self.world, "aws", HOMES[0])

    def principal(self, word: str) -> str:
        """Who acts in the role whose name begins so, and has nothing after it but a suffix."""
        roles = self.world.all("aws", "iam:Role")
        [name] = [r.name for r in roles if r.name.rsplit("-", 1)[0] == word]
        return session(self.cloud_context(), name, "i-somebody")

    def group(self, key: str) -> Record:
        """The group of a key."""
        groups = self.world.all("aws", "autoscaling:AutoScalingGroup")
        [found] = [g for g in groups if g.name.rsplit("-", 1)[0] == key]
        return found

    def sizes(self) -> dict[str, int]:
        """The sizes of the stack's groups that are not 0."""
        found = {key: self.group(key).body["DesiredCapacity"] for key in GROUPS}
        return {key: size for key, size in found.items() if size}

    def machines(self, key: str) -> list[Record]:
        """The machines of a group."""
        return machines_of(self.world, self.group(key))

    def bucket(self, region: str = HOMES[0]) -> str:
        """The store of a home."""
        [found] = [b.name for b in self.world.all("aws", "s3:Bucket") if b.region == region]
        return found

    def ran(self) -> int:
        """Machines there are."""
        return len(self.world.all("aws", MACHINE))


@contextmanager
def deployed(folder: Path) -> Iterator[Deployed]:
    """Bring the stack up in clouds of its own."""
    world = World(folder / "clouds.db", MARKET)
    world.set_setting("boot_s", "20")
    try:
        with running(world, speed=20.0) as clouds:
            outputs = stack_of(declare, folder, clouds.attach).up().outputs
            yield Deployed(clouds, tuple(outputs["functions"].value.split(",")))
    finally:
        world.close()
