"""GCP: the declared inputs keep clear of the cloud's known pitfalls."""

from __future__ import annotations

import dataclasses

import pytest

from sandbox.gcp.group_rules import check_group
from sandbox.gcp.groups import RegionInstanceGroupManager
from sandbox.kind import Context
from sandbox.market import Market
from sandbox.world import World
from tests.infra import plans
from tests.infra.declared import Declared, declared, settings

SPOT = "gcp-us-central1-l4x1-tp1-spot"
FALLBACK = "gcp-us-central1-l4x1-tp1-fallback"


def test_spot_machines_are_declared_as_such_and_leave_no_disk(three_clouds: Declared) -> None:
    assert three_clouds.one("RegionInstanceTemplate", SPOT).inputs["scheduling"] == {
        "provisioningModel": "SPOT",
        "preemptible": True,
        "automaticRestart": False,
        "onHostMaintenance": "TERMINATE",
        "instanceTerminationAction": "DELETE",
    }


def test_on_demand_machines_with_gpus_do_not_migrate(three_clouds: Declared) -> None:
    scheduling = three_clouds.one("RegionInstanceTemplate", FALLBACK).inputs["scheduling"]
    assert scheduling["provisioningModel"] == "STANDARD"
    assert scheduling["onHostMaintenance"] == "TERMINATE"


def test_templates_are_named_by_prefix_so_that_a_new_one_comes_before_the_old_goes(
    three_clouds: Declared,
) -> None:
    template = three_clouds.one("RegionInstanceTemplate", SPOT).inputs
    assert "name" not in template
    assert template["namePrefix"] == "gcp-us-central1-l4x1-tp1-spot-"


def test_no_accelerators_are_asked_for_beside_a_gpu_machine_type(three_clouds: Declared) -> None:
    for template in three_clouds.of("RegionInstanceTemplate"):
        assert "guestAccelerators" not in template.inputs


@pytest.mark.parametrize(
    ("machine_type", "disk"),
    [
        ("g2-standard-4", "pd-balanced"),
        ("a2-highgpu-1g", "pd-balanced"),
        ("a3-highgpu-8g", "pd-balanced"),
        ("a3-ultragpu-8g", "hyperdisk-balanced"),
        ("a4-highgpu-8g", "hyperdisk-balanced"),
    ],
)
def test_the_boot_disk_is_one_the_machine_family_takes(machine_type: str, disk: str) -> None:
    pool = plans.pool(plans.GCP, members=(plans.Member(machine_type, (), 1),))
    found = declared(plans.plan(plans.GCP, pools=(pool,)))
    (boot,) = found.one("RegionInstanceTemplate").inputs["disks"]
    assert boot["diskType"] == disk


def test_a_group_spreads_balanced_over_the_zones_that_sell_it(three_clouds: Declared) -> None:
    group = three_clouds.one("RegionInstanceGroupManager", SPOT).inputs
    assert group["distributionPolicyTargetShape"] == "BALANCED"
    assert group["distributionPolicyZones"] == ["us-central1-a"]
    update = group["updatePolicy"]
    assert update["instanceRedistributionType"] == "NONE"
    assert (update["maxSurgeFixed"], update["maxUnavailableFixed"]) == (0, 10)


def test_a_region_of_unknown_zones_leaves_them_to_the_cloud_in_an_update_policy_it_takes() -> None:
    cell = dataclasses.replace(plans.GCP, zones=())
    pool = plans.pool(plans.GCP, members=(plans.Member("g2-standard-4", (), 1),))
    found = declared(plans.plan(cell, pools=(pool,)))
    group = found.one("RegionInstanceGroupManager").inputs
    assert "distributionPolicyZones" not in group
    check_group(
        Context(World(":memory:", Market([])), "gcp", cell.region, "project"),
        RegionInstanceGroupManager().body(group),
    )


def test_a_dry_market_does_not_block_the_update(three_clouds: Declared) -> None:
    groups = three_clouds.of("RegionInstanceGroupManager")
    assert {g.inputs["waitForInstances"] for g in groups} == {False}


def test_sister_types_are_tried_in_the_plans_order(three_clouds: Declared) -> None:
    policy = three_clouds.one("RegionInstanceGroupManager", SPOT).inputs[
        "instanceFlexibilityPolicy"
    ]
    ranked = [(s["rank"], s["machineTypes"]) for s in policy["instanceSelections"]]
    assert ranked == [(1, ["g2-standard-4"]), (2, ["g2-standard-8"])]


def test_a_single_member_needs_no_flexibility_policy() -> None:
    pool = plans.pool(plans.GCP, members=(plans.Member("a2-highgpu-1g", (), 1),))
    found = declared(plans.plan(plans.GCP, pools=(pool,)))
    assert "instanceFlexibilityPolicy" not in found.one("RegionInstanceGroupManager").inputs


def test_a_machine_has_time_to_load_before_it_is_healed(three_clouds: Declared) -> None:
    healing = three_clouds.one("RegionInstanceGroupManager", SPOT).inputs["autoHealingPolicies"]
    assert 900 <= healing["initialDelaySec"] <= 3600


def test_the_balancer_passes_the_service_port_to_every_group(three_clouds: Declared) -> None:
    service = three_clouds.one("RegionBackendService").inputs
    assert service["loadBalancingScheme"] == "EXTERNAL"
    assert [b["balancingMode"] for b in service["backends"]] == ["CONNECTION", "CONNECTION"]
    assert three_clouds.one("ForwardingRule").inputs["ports"] == ["8000"]


def test_machines_have_no_public_address(three_clouds: Declared) -> None:
    (interface,) = three_clouds.one("RegionInstanceTemplate", SPOT).inputs["networkInterfaces"]
    assert "accessConfigs" not in interface


def test_nothing_is_kept_when_the_stack_is_destroyed(three_clouds: Declared) -> None:
    gcp = [r for r in three_clouds.resources if r.type.startswith("gcp:")]
    assert not [r.type for r in gcp if "deletionPolicy" in r.inputs]


def test_the_project_is_the_providers_own_unless_set() -> None:
    unset = declared(plans.plan(plans.GCP))
    given = declared(plans.plan(plans.GCP), settings({"gcp": {"project": "mine"}}))
    own = [r for r in unset.resources if not r.type.startswith("gcp:projects/iAMMember:")]
    assert all("project" not in r.inputs for r in own)  # a grant names its role's project
    gcp = [r for r in given.resources if r.type.startswith("gcp:")]
    outside = [r for r in gcp if not (r.type.startswith("gcp:storage/") and "bucket" in r.inputs)]
    assert {r.inputs.get("project") for r in outside} == {"mine"}  # a bucket's parts name none
