"""A small AWS for tests: a VPC with two subnets and a template, and groups on demand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.fields import Json
from sandbox.kind import UPDATE, Context, Kind
from sandbox.machines import machines_of
from sandbox.market import Market
from sandbox.world import Record, World
from tests.sandbox.aws_samples import ROWS, make
from tests.sandbox.foreign import sale

SHELVES = Market(
    [
        sale("aws", "us-east-1", "use1-az1", "g6.xlarge", spot_usd_micro=300_000),
        sale("aws", "us-east-1", "use1-az2", "g6.xlarge", spot_usd_micro=300_000),
        sale("aws", "us-east-1", "use1-az1", "g6.2xlarge", spot_usd_micro=200_000, vcpus=8),
        sale("aws", "us-east-1", "use1-az3", "g6.4xlarge", spot_usd_micro=100_000, vcpus=16),
    ]
)
MEMBERS = ("g6.xlarge", "g6.2xlarge")


@dataclass
class Cloud:
    """A VPC with two subnets and a template; groups are made on demand."""

    ctx: Context
    vpc: Record
    subnets: list[str]
    template: Record

    def group(self, size: int = 0, *, members: tuple[str, ...] = MEMBERS, **changes: Any) -> Record:
        inputs = self.inputs(size, members=members, **changes)
        return make(self.ctx, "Group", inputs)

    def inputs(
        self, size: int = 0, *, members: tuple[str, ...] = MEMBERS, weight: str = "", **changes: Any
    ) -> Json:
        weighted = {"weightedCapacity": weight} if weight else {}
        policy = {
            "launchTemplate": {
                "launchTemplateSpecification": {
                    "launchTemplateId": self.template.id,
                    "version": "$Latest",
                },
                "overrides": [{"instanceType": one} | weighted for one in members],
            },
            "instancesDistribution": {"onDemandPercentageAboveBaseCapacity": 0}
            | changes.pop("distribution", {}),
        }
        usual: Json = {
            "name": "spots",
            "minSize": 0,
            "maxSize": 20,
            "desiredCapacity": size,
            "vpcZoneIdentifiers": self.subnets,
            "waitForCapacityTimeout": "0",
            "mixedInstancesPolicy": policy,
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def update(self, record: Record, inputs: Json, *, olds: Json | None = None) -> Record:
        """As the provider updates: checks first, then the row's own update."""
        kind = kind_of(record)
        ctx = replace(self.ctx, olds=olds or {})
        body = kind.body(inputs)
        kind.check(ctx, body, UPDATE)
        kind.update(ctx, self.now(record), body, inputs)
        return self.now(record)

    def delete(self, record: Record) -> None:
        kind_of(record).delete(self.ctx, self.now(record))

    def now(self, record: Record) -> Record:
        found = self.ctx.world.get("aws", record.kind, record.id)
        assert found is not None
        return found

    def resize(self, record: Record, size: int) -> None:
        """Somebody other than Pulumi sets the size."""
        group = self.now(record)
        group.body["DesiredCapacity"] = size
        self.ctx.world.put(group)

    def outputs(self, record: Record) -> Json:
        return kind_of(record).outputs(self.ctx, self.now(record))

    def running(self, record: Record) -> Counter[tuple[str, str, str]]:
        return Counter(
            (m.body["instance_type"], m.body["market"], m.body["zone"])
            for m in machines_of(self.ctx.world, record)
        )

    def stock(self, count: int, *names: str) -> None:
        for name in names or ("stock",):
            self.ctx.world.set_setting(name, str(count))


def open_cloud(folder: Path) -> Cloud:
    """An account that holds nothing else."""
    world = World(folder / "clouds.db", SHELVES)
    ctx = Context(world, "aws", "us-east-1", "111122223333")
    vpc = make(ctx, "Vpc", {"cidrBlock": "10.0.0.0/16"})
    subnets = [
        make(ctx, "Subnet", {"vpcId": vpc.id, "cidrBlock": block, "availabilityZoneId": zone}).id
        for block, zone in (("10.0.0.0/24", "use1-az1"), ("10.0.1.0/24", "use1-az2"))
    ]
    template = make(ctx, "LaunchTemplate", {"name": "replica", "imageId": "ami-1"})
    return Cloud(ctx, vpc, subnets, template)


def kind_of(record: Record) -> Kind:
    """The row that made a record."""
    return next(kind for kind in ROWS.values() if kind.name == record.kind)
