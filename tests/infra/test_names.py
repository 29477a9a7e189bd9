"""Names and tags: stable, short enough, valid everywhere."""

from __future__ import annotations

import re

import pytest

from infra import naming
from infra.naming import Owner, fit, label, slug
from tests.infra import plans
from tests.infra.declared import Declared, declared

UNTAGGED = {
    "Account",
    "Firewall",
    "IAMCustomRole",
    "Job",
    "Network",
    "ProjectSink",
    "RegionBackendService",
    "RegionHealthCheck",
    "RegionInstanceGroupManager",
    "Router",
    "Subnetwork",
}
"""Types whose API has neither tags nor labels: their description says it."""
UNMARKED = {
    "AFDOrigin",
    "AFDOriginGroup",
    "Blob",
    "BlobContainer",
    "BucketIAMMember",
    "BucketLifecycleConfiguration",
    "BucketNotification",
    "BucketObject",
    "BucketObjectv2",
    "BucketPublicAccessBlock",
    "BucketVersioning",
    "EventTarget",
    "FunctionEventInvokeConfig",
    "IAMMember",
    "Notification",
    "Permission",
    "Queue",
    "QueuePolicy",
    "RoleAssignment",
    "RoleDefinition",
    "RolePolicy",
    "Route",
    "RouteTableAssociation",
    "RouterNat",
    "ServiceIamMember",
    "ServiceIdentity",
    "SubscriptionIAMMember",
    "SystemTopicEventSubscription",
    "TopicIAMMember",
}
"""Types without a description either: they are part of something that is marked, or a right that somebody marked has."""
NAMESAKES = {"azure-native:network:Subnet"}
"""Types that have no tags although another cloud's type of that name has."""
MARKS = ("tags", "labels", "userLabels")
PUBLISHED = {"BucketObjectv2", "BucketObject", "Blob"}


def unpublished(found: Declared) -> dict[tuple[str, str], object]:
    """Inputs of all resources but the published plans, which hold the plan's digest."""
    return {
        key: value
        for key, value in found.inputs().items()
        if key[0].rsplit(":", 1)[-1] not in PUBLISHED
    }


def test_a_reordered_plan_declares_the_same_resources(three_clouds: Declared) -> None:
    pools = plans.plan().decisions.pools
    reordered = plans.plan(plans.AZURE, plans.AWS, plans.GCP, pools=pools[::-1])
    assert unpublished(declared(reordered)) == unpublished(three_clouds)


def test_no_two_resources_of_a_type_share_a_name(three_clouds: Declared) -> None:
    assert len(three_clouds.inputs()) == len(three_clouds.resources)


def test_groups_are_named_by_their_pool(three_clouds: Declared) -> None:
    key = "aws-us-east-1-l4x1-tp1-spot"
    assert three_clouds.one("Group", key).parent.endswith(f"skyblend:aws:Pool::{key}")


def test_a_long_name_keeps_its_beginning_and_stays_unique() -> None:
    one, other = "a" * 40 + "-spot", "a" * 40 + "-base"
    assert len(fit(one, 24)) == 24
    assert fit(one, 24).startswith("a" * 17 + "-")
    assert fit(one, 24) != fit(other, 24)
    assert fit("short", 24) == "short"


def test_balancer_names_leave_room_for_the_random_suffix() -> None:
    region = plans.Cell("aws-ap-northeast-1-long", "aws", "ap-northeast-1", ("apne1-az1",), 1)
    found = declared(plans.plan(region, pools=()))
    for kind in ("LoadBalancer", "TargetGroup"):
        assert len(found.one(kind).name) + len("-1234567") <= 32


def test_gcp_names_fit_the_longest_region_and_gpu() -> None:
    cell = plans.Cell("gcp-northamerica-northeast1", "gcp", "northamerica-northeast1", (), 1)
    key = "gcp-northamerica-northeast1-rtx-pro-6000x8-tp8-fallback"
    found = declared(plans.plan(cell, pools=(plans.pool(cell, "fallback", key=key),)))
    template, group = found.one("RegionInstanceTemplate"), found.one("RegionInstanceGroupManager")
    assert len(template.inputs["namePrefix"]) <= 37
    assert len(group.name) <= naming.GCP_LIMIT
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,57}", group.inputs["baseInstanceName"])


def test_a_long_azure_pool_and_size_fit_a_scale_set() -> None:
    key = "azure-southcentralus-a100-80gbx8-tp8-fallback"
    members = (plans.Member("Standard_ND96amsr_A100_v4", (), 1), plans.Member("Standard_B", (), 2))
    cell = plans.Cell("azure-southcentralus", "azure", "southcentralus", (), 1)
    found = declared(plans.plan(cell, pools=(plans.pool(cell, key=key, members=members),)))
    names = [r.name for r in found.of("VirtualMachineScaleSet")]
    assert len(set(names)) == 2
    assert all(len(name) + 8 <= 64 and "_" not in name for name in names)


@pytest.mark.parametrize(
    ("text", "made"), [("prod", "prod"), ("My.Stack", "my-stack"), ("x" * 80, fit("x" * 80, 63))]
)
def test_tag_values_are_valid_labels_on_gcp(text: str, made: str) -> None:
    assert label(text) == made
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", made)


def test_slugs_have_letters_digits_and_single_hyphens() -> None:
    assert slug("NC24ads__A100_v4_") == "nc24ads-a100-v4"


def test_everything_that_can_carries_the_stack(three_clouds: Declared) -> None:
    mark = Owner("skyblend", "test").mark()
    assert "skyblend-stack=test" in mark
    for resource in three_clouds.resources:
        kind = resource.type.rsplit(":", 1)[-1]
        if resource.type.startswith("skyblend:"):
            continue
        if kind == "Group":
            tags = {t["key"]: t["value"] for t in resource.inputs["tags"]}
            assert tags["skyblend-stack"] == "test"
        elif resource.type in NAMESAKES or (
            kind in UNMARKED and resource.type != "aws:sqs/queue:Queue"
        ):
            continue
        elif kind in UNTAGGED:
            assert "skyblend-stack=test" in resource.inputs["description"], resource.type
        else:
            tags = next(resource.inputs[key] for key in MARKS if key in resource.inputs)
            assert tags["skyblend-stack"] == "test", resource.type


def test_a_pools_resources_name_their_pool(three_clouds: Declared) -> None:
    key = "gcp-us-central1-l4x1-tp1-spot"
    assert three_clouds.one("RegionInstanceTemplate", key).inputs["labels"]["skyblend-pool"] == key
    group = three_clouds.one("RegionInstanceGroupManager", key)
    assert f"skyblend-pool={key}" in group.inputs["description"]
