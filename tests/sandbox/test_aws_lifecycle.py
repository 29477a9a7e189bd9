"""A foreign AWS stack through the real engine: up, refresh, changes from both sides, destroy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pulumi import ResourceOptions, automation, export
from pulumi_aws import autoscaling, ec2, lb

from sandbox.world import World
from tests.sandbox.foreign import engine

GROUP = "autoscaling:AutoScalingGroup"


@dataclass
class Wanted:
    """What the program reads; tests change it between runs."""

    image: str = "ami-1"
    most: int = 4
    size: int | None = 2
    stage: dict[str, str] = field(default_factory=dict)


def declare(wanted: Wanted) -> None:
    vpc = ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
    gateway = ec2.InternetGateway("gateway", vpc_id=vpc.id)
    subnet = ec2.Subnet(
        "subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone_id="use1-az1"
    )
    to_world: Any = {"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}
    ec2.DefaultRouteTable(
        "main", default_route_table_id=vpc.default_route_table_id, routes=[to_world]
    )
    web = ec2.SecurityGroup("web", vpc_id=vpc.id)
    after = ResourceOptions(depends_on=[gateway])
    edge = lb.LoadBalancer("edge", load_balancer_type="network", subnets=[subnet.id], opts=after)
    targets = lb.TargetGroup("targets", port=80, protocol="TCP", vpc_id=vpc.id)
    forward: Any = {"type": "forward", "target_group_arn": targets.arn}
    lb.Listener(
        "listener", load_balancer_arn=edge.arn, port=80, protocol="TCP", default_actions=[forward]
    )
    template = ec2.LaunchTemplate(
        "template",
        image_id=wanted.image,
        instance_type="g6.xlarge",
        vpc_security_group_ids=[web.id],
        update_default_version=True,
        tags=wanted.stage,
    )
    group = autoscaling.Group(
        "group",
        min_size=0,
        max_size=wanted.most,
        desired_capacity=wanted.size,
        vpc_zone_identifiers=[subnet.id],
        target_group_arns=[targets.arn],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        wait_for_capacity_timeout="0",
    )
    export("size", group.desired_capacity)
    export("host", edge.dns_name)


@dataclass
class Run:
    """A stack, its clouds, and what its program wants."""

    stack: automation.Stack
    world: World
    wanted: Wanted

    def up(self) -> dict[str, int]:
        return changes(self.stack.up().summary.resource_changes)

    def refresh(self) -> dict[str, int]:
        return changes(self.stack.refresh().summary.resource_changes)

    def preview(self) -> dict[str, int]:
        return changes(self.stack.preview().change_summary)

    def size(self) -> int:
        [group] = self.world.all("aws", GROUP)
        return int(group.body["DesiredCapacity"])

    def resize(self, size: int) -> None:
        [group] = self.world.all("aws", GROUP)
        group.body["DesiredCapacity"] = size
        self.world.put(group)


def changes(summary: Mapping[Any, int] | None) -> dict[str, int]:
    """How many resources a run changes in which way."""
    return {str(op): count for op, count in (summary or {}).items() if op != "same"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    wanted = Wanted()
    with engine(lambda: declare(wanted), tmp_path_factory.mktemp("aws")) as (stack, world):
        stack.set_config("aws:region", automation.ConfigValue("us-east-1"))
        result = stack.up()
        assert result.outputs["size"].value == 2
        assert result.outputs["host"].value.endswith(".elb.us-east-1.amazonaws.com")
        yield Run(stack, world, wanted)
        stack.destroy()
        assert world.all() == []


def test_refresh_after_a_clean_up_shows_no_change(run: Run) -> None:
    assert run.refresh() == {}
    assert run.preview() == {}


def test_refresh_shows_a_size_that_was_set_behind_pulumis_back(run: Run) -> None:
    run.resize(3)
    assert run.refresh() == {"update": 1}
    assert run.preview() == {"update": 1}
    run.stack.up()
    assert run.size() == 2


def test_another_update_does_not_undo_a_size_set_behind_pulumis_back(run: Run) -> None:
    run.resize(3)
    run.wanted.most = 9
    assert run.up() == {"update": 1}
    assert run.size() == 3


def test_a_new_image_updates_template_and_group_and_replaces_nothing(run: Run) -> None:
    run.wanted.image = "ami-2"
    run.wanted.stage = {"stage": "two"}
    assert run.preview() == {"update": 2}
    assert run.up() == {"update": 2}
    [group] = run.world.all("aws", GROUP)
    assert group.body["LaunchTemplate"]["Version"] == "2"


def test_a_size_taken_out_of_the_program_stays(run: Run) -> None:
    run.resize(1)
    run.wanted.size = None
    run.stack.up()
    run.resize(3)
    run.wanted.most = 8
    run.stack.up()
    assert run.size() == 3
    run.refresh()
    assert run.preview() == {}
