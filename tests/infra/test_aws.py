"""AWS: the declared inputs keep clear of the cloud's known pitfalls."""

from __future__ import annotations

import base64
import dataclasses

import pytest

from infra.errors import ZoneError
from tests.infra import plans
from tests.infra.declared import Declared, declared

SPOT = "aws-us-east-1-l4x1-tp1-spot"
FALLBACK = "aws-us-east-1-l4x1-tp1-fallback"


def test_a_spot_group_buys_spot_alone_among_the_pools_members(three_clouds: Declared) -> None:
    policy = three_clouds.one("Group", SPOT).inputs["mixedInstancesPolicy"]
    distribution = policy["instancesDistribution"]
    assert distribution["onDemandPercentageAboveBaseCapacity"] == 0
    assert distribution["onDemandBaseCapacity"] == 0
    assert distribution["spotAllocationStrategy"] == "price-capacity-optimized"
    overrides = policy["launchTemplate"]["overrides"]
    assert overrides == [{"instanceType": "g6.xlarge"}, {"instanceType": "g6.2xlarge"}]


def test_a_spot_group_replaces_before_an_interruption_and_never_evens_out_zones(
    three_clouds: Declared,
) -> None:
    group = three_clouds.one("Group", SPOT).inputs
    assert group["capacityRebalance"] is True
    assert group["suspendedProcesses"] == ["AZRebalance"]


def test_a_fallback_group_buys_on_demand_alone(three_clouds: Declared) -> None:
    group = three_clouds.one("Group", FALLBACK).inputs
    distribution = group["mixedInstancesPolicy"]["instancesDistribution"]
    assert distribution["onDemandPercentageAboveBaseCapacity"] == 100
    assert group["capacityRebalance"] is False


def test_groups_have_bounds_and_no_size(three_clouds: Declared) -> None:
    for group in three_clouds.of("Group"):
        assert (group.inputs["minSize"], group.inputs["maxSize"]) == (0, 4)
        assert "desiredCapacity" not in group.inputs


def test_a_dry_market_does_not_block_the_update(three_clouds: Declared) -> None:
    assert {g.inputs["waitForCapacityTimeout"] for g in three_clouds.of("Group")} == {"0"}


def test_the_template_leaves_market_and_type_to_the_group(three_clouds: Declared) -> None:
    template = three_clouds.one("LaunchTemplate", SPOT).inputs
    assert "instanceMarketOptions" not in template
    assert "instanceType" not in template


def test_machines_get_credentials_from_containers_by_token_only(three_clouds: Declared) -> None:
    options = three_clouds.one("LaunchTemplate", SPOT).inputs["metadataOptions"]
    assert options == {"httpTokens": "required", "httpPutResponseHopLimit": 2}


def test_the_image_is_resolved_at_launch_not_in_preview(three_clouds: Declared) -> None:
    image = three_clouds.one("LaunchTemplate", SPOT).inputs["imageId"]
    assert image.startswith("resolve:ssm:/aws/service/deeplearning/")


def test_user_data_is_base64_within_16_kib(three_clouds: Declared) -> None:
    raw = base64.b64decode(three_clouds.one("LaunchTemplate", SPOT).inputs["userData"])
    assert raw.startswith(b"#cloud-config\n")
    assert len(raw) < 16 * 1024


def test_a_group_uses_the_private_subnets_of_the_zones_that_sell_it(
    three_clouds: Declared,
) -> None:
    subnets = three_clouds.one("Group", SPOT).inputs["vpcZoneIdentifiers"]
    assert [s.rsplit("/", 1)[-1] for s in subnets] == [
        "aws-us-east-1-private-use1-az1",
        "aws-us-east-1-private-use1-az4",
    ]


def test_a_group_waits_for_routes_and_listener(three_clouds: Declared) -> None:
    awaited = " ".join(three_clouds.one("Group", SPOT).depends_on)
    for kind in ("NatGateway", "DefaultRouteTable", "Listener"):
        assert f":{kind}::" in awaited


def test_every_regional_resource_names_its_region(three_clouds: Declared) -> None:
    aws = [r for r in three_clouds.resources if r.type.startswith("aws:") and ":iam/" not in r.type]
    assert {r.inputs["region"] for r in aws} == {"us-east-1"}


def test_a_zones_addresses_follow_from_its_id(three_clouds: Declared) -> None:
    public = three_clouds.one("Subnet", "aws-us-east-1-public-use1-az4").inputs
    private = three_clouds.one("Subnet", "aws-us-east-1-private-use1-az4").inputs
    assert (public["cidrBlock"], private["cidrBlock"]) == ("10.0.4.0/24", "10.0.64.0/20")
    assert private["availabilityZoneId"] == "use1-az4"


def test_replicas_are_reached_from_the_balancer_alone(three_clouds: Declared) -> None:
    (rule,) = three_clouds.one("SecurityGroup", "aws-us-east-1-replica").inputs["ingress"]
    balancer = "aws:ec2/securityGroup:SecurityGroup/aws-us-east-1-balancer"
    assert rule == {
        "protocol": "tcp",
        "fromPort": 8000,
        "toPort": 8000,
        "securityGroups": [balancer],
    }


def test_the_balancer_checks_health_and_outlasts_long_streams(three_clouds: Declared) -> None:
    check = three_clouds.one("TargetGroup").inputs["healthCheck"]
    assert (check["protocol"], check["path"]) == ("HTTP", "/health")
    assert three_clouds.one("Listener").inputs["tcpIdleTimeoutSeconds"] > 350


def test_a_zone_name_in_place_of_an_id_is_named_in_one_line() -> None:
    cell = dataclasses.replace(plans.AWS, zones=("us-east-1a",))
    with pytest.raises(ZoneError, match="'us-east-1a' is not an AWS availability zone id"):
        declared(plans.plan(cell, pools=()))


def test_a_region_without_a_known_zone_is_named_in_one_line() -> None:
    cell = dataclasses.replace(plans.AWS, zones=())
    with pytest.raises(ZoneError, match="names no zone of AWS region us-east-1"):
        declared(plans.plan(cell, pools=()))
