"""The reactor on AWS: two homes, least privilege, every event on its way, the plan published last."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_aws import iam

from infra.aws.reactor import Reactor
from infra.package import package_file
from infra.reactors import DeclaredGroup, ReactorArgs
from infra.settings import read_settings
from tests.infra.declared import OWNER, Declared, recording

HOMES = ("us-east-1", "us-west-2")
CELLS = (*HOMES, "eu-west-1")
NOTICES = {
    "EC2 Spot Instance Interruption Warning",
    "EC2 Instance Rebalance Recommendation",
    "EC2 Instance State-change Notification",
    "EC2 Instance Launch Unsuccessful",
}


def declare(
    package: Path, *, homes: tuple[str, ...] = HOMES, cells: tuple[str, ...] = CELLS, **reactor: Any
) -> Declared:
    """A reactor with one group, and the order in which the program registers."""

    def program() -> None:
        settings = read_settings({"reactor": reactor}, {"aws"})
        made = Reactor("aws-reactor", ReactorArgs(OWNER, settings, homes, cells, package))
        group = DeclaredGroup("pool", pulumi.Output.from_input("pool-1a2b"), "us-east-1")
        last = iam.Role("last", assume_role_policy="{}")
        made.publish([group], lambda ids, _: json.dumps(dict(ids)), addresses={}, after=[last])

    return Declared(tuple(recording(program)), "")


@pytest.fixture(scope="module")
def two_homes() -> Declared:
    return declare(package_file("aws"))


def statements(declared: Declared, name: str) -> list[dict[str, Any]]:
    policy = json.loads(declared.one("RolePolicy", name).inputs["policy"])
    return [dict(each) for each in policy["Statement"]]


def regions(declared: Declared, kind: str) -> list[str]:
    return sorted(each.inputs["region"] for each in declared.of(kind))


def test_function_store_queue_log_and_notification_are_in_both_homes(two_homes: Declared) -> None:
    for kind in ("Function", "Bucket", "Queue", "LogGroup", "BucketNotification"):
        assert regions(two_homes, kind) == sorted(HOMES), kind


def test_both_functions_know_both_stores_in_the_same_order(two_homes: Declared) -> None:
    known = {
        each.inputs["environment"]["variables"]["SKYBLEND_STORES"]
        for each in two_homes.of("Function")
    }
    [stores] = known
    assert [store.split("/")[0] for store in stores.split(",")] == list(HOMES)


def test_the_package_runs_at_most_five_at_once_and_waits_for_its_permissions(
    two_homes: Declared,
) -> None:
    for function in two_homes.of("Function"):
        assert function.inputs["reservedConcurrentExecutions"] == 5
        assert function.inputs["timeout"] <= 60
        assert any("RolePolicy" in urn for urn in function.depends_on)


def test_events_of_every_region_with_a_cell_are_caught(two_homes: Declared) -> None:
    for region in CELLS:
        rules = [
            rule.inputs for rule in two_homes.of("EventRule") if rule.inputs["region"] == region
        ]
        patterns = [json.loads(rule["eventPattern"]) for rule in rules if "eventPattern" in rule]
        assert {kind for pattern in patterns for kind in pattern["detail-type"]} == NOTICES
        ticks = [rule for rule in rules if "scheduleExpression" in rule]
        assert len(ticks) == (region in HOMES)


def test_a_region_without_a_function_forwards_to_the_buses_of_both_homes(
    two_homes: Declared,
) -> None:
    targets = [
        each.inputs for each in two_homes.of("EventTarget") if each.inputs["region"] == "eu-west-1"
    ]
    buses = {f"arn:aws:events:{region}:111122223333:event-bus/default" for region in HOMES}
    assert {target["arn"] for target in targets} == buses
    assert len(targets) == 3 * len(HOMES)
    assert all(target["roleArn"] for target in targets)
    [sending] = statements(two_homes, "aws-reactor-events")
    assert (sending["Action"], set(sending["Resource"])) == ("events:PutEvents", buses)


def test_homes_do_not_forward_to_each_other(two_homes: Declared) -> None:
    for region in HOMES:
        targets = [
            e.inputs["arn"] for e in two_homes.of("EventTarget") if e.inputs["region"] == region
        ]
        assert len(targets) == 4
        assert all("Function" in arn and f":{region}:" in arn for arn in targets)


def test_every_way_into_the_function_is_permitted_for_its_source_alone(two_homes: Declared) -> None:
    permissions = [each.inputs for each in two_homes.of("Permission")]
    assert len(permissions) == 2 * 5
    assert all(each["sourceArn"] for each in permissions)
    of_s3 = [each for each in permissions if each["principal"] == "s3.amazonaws.com"]
    assert {each["sourceAccount"] for each in of_s3} == {"111122223333"}


def test_what_cannot_be_delivered_or_handled_ends_in_the_regions_queue(two_homes: Declared) -> None:
    for region in HOMES:
        queue = next(q for q in two_homes.of("Queue") if q.inputs["region"] == region)
        arn = f"arn:aws:any:{region}:111122223333:{queue.type}/{queue.name}"
        targets = [e.inputs for e in two_homes.of("EventTarget") if e.inputs["region"] == region]
        assert {target["deadLetterConfig"]["arn"] for target in targets} == {arn}
        assert {target["retryPolicy"]["maximumEventAgeInSeconds"] for target in targets} == {300}
        [config] = [
            c.inputs
            for c in two_homes.of("FunctionEventInvokeConfig")
            if c.inputs["region"] == region
        ]
        assert config["destinationConfig"]["onFailure"]["destination"] == arn
        [policy] = [
            json.loads(p.inputs["policy"])
            for p in two_homes.of("QueuePolicy")
            if p.inputs["region"] == region
        ]
        [allowed] = policy["Statement"]
        assert len(allowed["Condition"]["ArnEquals"]["aws:SourceArn"]) == 4


def test_errors_and_dead_letters_raise_an_alarm_in_each_home(two_homes: Declared) -> None:
    alarms = {(a.inputs["region"], a.inputs["metricName"]) for a in two_homes.of("MetricAlarm")}
    metrics = ("Errors", "ApproximateNumberOfMessagesVisible")
    assert alarms == {(region, metric) for region in HOMES for metric in metrics}


def test_sizes_may_be_set_of_groups_with_the_stacks_tags_only(two_homes: Declared) -> None:
    [setting] = [
        s
        for s in statements(two_homes, "aws-reactor")
        if s["Action"] == "autoscaling:SetDesiredCapacity"
    ]
    assert setting["Condition"] == {
        "StringEquals": {
            "aws:ResourceTag/skyblend-project": "skyblend",
            "aws:ResourceTag/skyblend-stack": "test",
        }
    }


def test_the_function_may_not_write_the_plan_nor_anything_else(two_homes: Declared) -> None:
    made = statements(two_homes, "aws-reactor")
    allowed = {
        action
        for statement in made
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert allowed == {
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:SetDesiredCapacity",
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "sqs:SendMessage",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    [written] = [s["Resource"] for s in made if s["Action"] == "s3:PutObject"]
    assert {arn.rsplit("/", 1)[-1] for arn in written} == {"state.json", "observed.json"}


def test_the_token_is_one_secret_by_name_and_never_in_the_environment() -> None:
    dispatch = {
        "kind": "github",
        "url": "https://api.example/dispatches",
        "token_secret": {"aws": "skyblend/token"},
    }
    declared = declare(package_file("aws"), dispatch=dispatch)
    [reading] = [
        s for s in statements(declared, "aws-reactor") if "secretsmanager" in str(s["Action"])
    ]
    assert fnmatch(
        "arn:aws:secretsmanager:us-east-1:1:secret:skyblend/token-a1b2c3", reading["Resource"]
    )
    assert not fnmatch(
        "arn:aws:secretsmanager:us-east-1:1:secret:skyblend/token2-a1b2c3", reading["Resource"]
    )
    for function in declared.of("Function"):
        assert (
            function.inputs["environment"]["variables"]["SKYBLEND_DISPATCH_SECRET"]
            == "skyblend/token"
        )


def test_machines_may_invoke_the_two_functions_and_nothing_else(two_homes: Declared) -> None:
    [only] = statements(two_homes, "aws-reactor-machines")
    assert only["Action"] == "lambda:InvokeFunction"
    assert len(only["Resource"]) == 2
    assert all("Function" in arn for arn in only["Resource"])


def test_the_plan_is_published_to_both_stores_after_everything_else(two_homes: Declared) -> None:
    plans = two_homes.of("BucketObjectv2")
    assert [plan.inputs["key"] for plan in plans] == ["plan.json", "plan.json"]
    assert {plan.inputs["content"] for plan in plans} == {'{"pool": "pool-1a2b"}'}
    for plan in plans:
        awaited = " ".join(plan.depends_on)
        assert awaited.count("BucketNotification") == 2
        assert "::last" in awaited


def test_stores_are_private_and_old_versions_do_not_pile_up(two_homes: Declared) -> None:
    for block in two_homes.of("BucketPublicAccessBlock"):
        assert all(
            v for k, v in block.inputs.items() if k.startswith(("block", "ignore", "restrict"))
        )
    [rule] = two_homes.of("BucketLifecycleConfiguration")[0].inputs["rules"]
    assert rule["noncurrentVersionExpiration"]["noncurrentDays"] == 7
    assert regions(two_homes, "BucketVersioning") == sorted(HOMES)


def test_a_cloud_with_one_region_has_one_home_and_no_forwarding() -> None:
    declared = declare(package_file("aws"), homes=HOMES[:1], cells=HOMES[:1])
    assert regions(declared, "Function") == ["us-east-1"]
    assert {role.name for role in declared.of("Role")} == {
        "aws-reactor",
        "aws-reactor-machines",
        "last",
    }


def test_everything_that_can_carries_the_owners_tags(two_homes: Declared) -> None:
    tagged = {
        "Function",
        "Bucket",
        "Queue",
        "LogGroup",
        "EventRule",
        "MetricAlarm",
        "Role",
        "InstanceProfile",
    }
    for resource in two_homes.resources:
        if resource.type.rsplit(":", 1)[-1] in tagged and resource.name != "last":
            assert resource.inputs["tags"] == OWNER.tags(), resource.name
