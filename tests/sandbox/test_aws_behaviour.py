"""What groups and templates of the emulated AWS do: sizes, stock, quota, updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.fields import Json
from sandbox.machines import machines_of, quota_name
from sandbox.market import ON_DEMAND, SPOT
from sandbox.refusal import Refusal
from tests.sandbox.aws_cloud import Cloud, open_cloud
from tests.sandbox.aws_samples import ROWS, make


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = open_cloud(tmp_path)
    yield opened
    opened.ctx.world.close()


def test_a_spot_group_buys_in_the_zones_of_its_subnets(cloud: Cloud) -> None:
    group = cloud.group(4, members=("g6.xlarge", "g6.4xlarge"))
    assert cloud.running(group) == {
        ("g6.xlarge", SPOT, "use1-az1"): 2,
        ("g6.xlarge", SPOT, "use1-az2"): 2,
    }


def test_the_strategy_decides_which_member_comes_first(cloud: Cloud) -> None:
    by_price = {"spotAllocationStrategy": "price-capacity-optimized"}
    by_order = {"spotAllocationStrategy": "capacity-optimized-prioritized"}
    cheap = cloud.group(1, distribution=by_price)
    first = cloud.group(1, name="ordered", distribution=by_order)
    assert [kind for kind, _, _ in cloud.running(cheap)] == ["g6.2xlarge"]
    assert [kind for kind, _, _ in cloud.running(first)] == ["g6.xlarge"]


def test_the_distribution_splits_on_demand_and_spot(cloud: Cloud) -> None:
    split = {"onDemandBaseCapacity": 1, "onDemandPercentageAboveBaseCapacity": 50}
    group = cloud.group(6, distribution=split)
    markets = Counter(m.body["market"] for m in machines_of(cloud.ctx.world, group))
    assert markets == {ON_DEMAND: 4, SPOT: 2}


def test_a_group_without_a_mixed_policy_buys_on_demand(cloud: Cloud) -> None:
    typed = make(
        cloud.ctx,
        "LaunchTemplate",
        {"name": "typed", "imageId": "ami-1", "instanceType": "g6.xlarge"},
    )
    group = cloud.group(1, mixedInstancesPolicy=None, launchTemplate={"id": typed.id})
    assert [market for _, market, _ in cloud.running(group)] == [ON_DEMAND]


def test_weights_are_capacity_units_and_may_overshoot(cloud: Cloud) -> None:
    group = cloud.group(3, weight="2")
    assert len(machines_of(cloud.ctx.world, group)) == 2
    cloud.update(group, cloud.inputs(2, weight="2"), olds=cloud.inputs(3, weight="2"))
    assert len(machines_of(cloud.ctx.world, group)) == 1


def test_a_dry_region_is_a_failed_activity_and_no_error(cloud: Cloud) -> None:
    cloud.stock(0)
    group = cloud.group(2)
    assert cloud.now(group).body["DesiredCapacity"] == 2
    assert not cloud.running(group)
    activity = cloud.now(group).live["activities"][0]
    assert activity["StatusCode"] == "Failed"
    assert "UnfulfillableCapacity" in activity["StatusMessage"]


def test_what_a_dry_member_cannot_give_the_next_one_gives(cloud: Cloud) -> None:
    zones = [f"stock/aws/us-east-1/use1-az{n}/g6.xlarge/spot" for n in (1, 2)]
    cloud.stock(0, *zones)
    group = cloud.group(2, distribution={"spotAllocationStrategy": "capacity-optimized"})
    assert cloud.running(group) == {("g6.2xlarge", SPOT, "use1-az1"): 2}
    assert cloud.now(group).live["activities"] == []


def test_the_vcpu_quota_of_the_family_limits_a_group(cloud: Cloud) -> None:
    cloud.stock(8, quota_name("aws", "us-east-1", "L-3819A6DF"))
    group = cloud.group(3, members=("g6.xlarge",))
    assert sum(cloud.running(group).values()) == 2
    [activity] = cloud.now(group).live["activities"]
    assert "Max spot instance count exceeded" in activity["StatusMessage"]


def test_nothing_is_bought_above_the_groups_own_price_limit(cloud: Cloud) -> None:
    group = cloud.group(1, distribution={"spotMaxPrice": "0.15"})
    assert not cloud.running(group)
    assert "lower than the minimum required" in str(cloud.now(group).live["activities"])


def test_shrinking_ends_the_newest_and_growing_buys(cloud: Cloud) -> None:
    group = cloud.group(3)
    oldest = machines_of(cloud.ctx.world, group)[0].id
    cloud.update(group, cloud.inputs(1), olds=cloud.inputs(3))
    assert [m.id for m in machines_of(cloud.ctx.world, group)] == [oldest]
    cloud.update(group, cloud.inputs(5), olds=cloud.inputs(1))
    assert len(machines_of(cloud.ctx.world, group)) == 5


def test_a_size_set_behind_pulumis_back_survives_other_updates(cloud: Cloud) -> None:
    group = cloud.group(2)
    cloud.resize(group, 5)
    olds = cloud.inputs(2)
    cloud.update(group, cloud.inputs(2, healthCheckGracePeriod=600), olds=olds)
    assert cloud.now(group).body["DesiredCapacity"] == 5
    cloud.update(group, cloud.inputs(2, maxSize=4), olds=olds)
    assert cloud.now(group).body["DesiredCapacity"] == 4
    assert ROWS["Group"].inputs(cloud.ctx, cloud.now(group))["desiredCapacity"] == 4


def test_a_size_that_was_never_declared_is_not_touched(cloud: Cloud) -> None:
    inputs = cloud.inputs(desiredCapacity=None)
    group = make(cloud.ctx, "Group", inputs)
    assert cloud.now(group).body["DesiredCapacity"] == 0
    cloud.resize(group, 3)
    cloud.update(group, inputs | {"maxSize": 10}, olds=inputs)
    assert cloud.now(group).body["DesiredCapacity"] == 3
    assert len(machines_of(cloud.ctx.world, group)) == 3


def test_a_group_keeps_what_the_program_no_longer_gives(cloud: Cloud) -> None:
    group = cloud.group(0)
    inputs = cloud.inputs(vpcZoneIdentifiers=None)
    kind = ROWS["Group"]
    kind.update(cloud.ctx, cloud.now(group), kind.body(inputs), inputs)
    assert kind.inputs(cloud.ctx, cloud.now(group))["vpcZoneIdentifiers"] == cloud.subnets


def test_the_provider_waits_for_capacity_unless_told_not_to(cloud: Cloud) -> None:
    cloud.stock(0)
    with pytest.raises(Refusal, match=r"want at least 1 healthy instance\(s\).*have 0'.*10m"):
        cloud.group(1, waitForCapacityTimeout="10m")
    assert not cloud.ctx.world.all("aws", "autoscaling:AutoScalingGroup")


def test_deleting_a_group_ends_its_machines(cloud: Cloud) -> None:
    group = cloud.group(3)
    cloud.delete(group)
    assert not cloud.ctx.world.all("aws", "machine")


def test_a_group_of_the_same_name_elsewhere_is_refused_as_not_emulated(cloud: Cloud) -> None:
    cloud.group()
    ctx = replace(cloud.ctx, region="eu-west-1")
    with pytest.raises(Refusal, match="NotEmulated: AutoScalingGroup spots exists in us-east-1"):
        ROWS["Group"].create(ctx, ROWS["Group"].body(cloud.inputs()), cloud.inputs())


def test_only_new_data_makes_a_new_template_version(cloud: Cloud) -> None:
    inputs: Json = {"name": "replica", "imageId": "ami-1", "updateDefaultVersion": True}
    cloud.update(cloud.template, inputs | {"tags": {"a": "b"}})
    assert cloud.outputs(cloud.template)["latestVersion"] == 1
    cloud.update(cloud.template, inputs | {"imageId": "ami-2"})
    now = cloud.outputs(cloud.template)
    assert (now["latestVersion"], now["defaultVersion"]) == (2, 2)


def test_preview_does_not_know_the_number_of_a_new_template_version(cloud: Cloud) -> None:
    olds: Json = {"name": "replica", "imageId": "ami-1"}
    ctx, kind = replace(cloud.ctx, olds=olds), ROWS["LaunchTemplate"]
    assert "latestVersion" in kind.unknown_after(ctx, olds | {"imageId": "ami-2"})
    assert kind.unknown_after(ctx, olds | {"tags": {"a": "b"}}) == ()
