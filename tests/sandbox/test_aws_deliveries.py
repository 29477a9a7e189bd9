"""Where the emulated AWS's events go, and where they do not: patterns, permissions, policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import bus, objects
from sandbox.aws.deliveries import BRIDGE, routes
from sandbox.aws.patterns import check_pattern, matches
from sandbox.aws.policies import Ask, allows, check_document
from sandbox.bus import SCHEDULE, Delivery, Event
from sandbox.fields import Json
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record
from tests.sandbox.aws_cloud import Cloud, open_cloud
from tests.sandbox.aws_samples import make
from tests.sandbox.aws_serverless import allow, asset, policy, trust

GONE: Json = {"source": "aws.ec2", "detail": {"state": "terminated"}, "region": "us-east-1"}
PATTERN = json.dumps({"source": ["aws.ec2"], "detail": {"state": ["terminated"]}})
EVENTS = {"Service": "events.amazonaws.com"}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = open_cloud(tmp_path)
    yield opened
    opened.ctx.world.close()


def function(cloud: Cloud, name: str = "react", **ctx: Any) -> Record:
    """A function with a role that may write to any queue."""
    there = replace(cloud.ctx, **ctx)
    if not cloud.ctx.world.get("aws", "iam:Role", "acting"):
        trusted = trust("lambda.amazonaws.com")
        make(cloud.ctx, "Role", {"name": "acting", "assumeRolePolicy": trusted})
        sends = policy(allow("sqs:SendMessage"))
        make(cloud.ctx, "RolePolicy", {"name": "sends", "role": "acting", "policy": sends})
    role = "arn:aws:iam::111122223333:role/acting"
    inputs = {
        "name": name,
        "role": role,
        "code": asset(),
        "handler": "m.h",
        "runtime": "python3.13",
    }
    return make(there, "Function", inputs)


def permit(cloud: Cloud, name: str, principal: str, source: str, **ctx: Any) -> None:
    inputs = {
        "function": name,
        "action": "lambda:InvokeFunction",
        "principal": principal,
        "sourceArn": source,
    }
    make(replace(cloud.ctx, **ctx), "Permission", inputs)


def rule(cloud: Cloud, name: str = "ends", **changes: Any) -> str:
    """A rule; its ARN."""
    made = make(
        replace(cloud.ctx, **changes.pop("ctx", {})),
        "EventRule",
        {"name": name, "eventPattern": PATTERN} | changes,
    )
    return f"arn:aws:events:{made.region}:111122223333:rule/{name}"


def target(cloud: Cloud, arn: str, **changes: Any) -> None:
    make(
        replace(cloud.ctx, **changes.pop("ctx", {})),
        "EventTarget",
        {"rule": "ends", "arn": arn} | changes,
    )


def queue(cloud: Cloud, name: str = "letters", **ctx: Any) -> tuple[Record, str]:
    made = make(replace(cloud.ctx, **ctx), "Queue", {"name": name})
    arn = f"arn:aws:sqs:{made.region}:111122223333:{name}"
    taken = policy(allow("sqs:SendMessage", arn, Principal=EVENTS))
    make(replace(cloud.ctx, **ctx), "QueuePolicy", {"queueUrl": made.id, "policy": taken})
    return made, arn


def routed(
    cloud: Cloud, body: Json = GONE, kind: str = BRIDGE, region: str = "us-east-1"
) -> list[Delivery]:
    ctx: Context = replace(cloud.ctx, region=region)
    return routes(ctx, Event("aws", region, kind, body, 0.0))


def test_an_event_goes_to_the_function_whose_rule_it_matches(cloud: Cloud) -> None:
    made = function(cloud)
    permit(cloud, "react", EVENTS["Service"], rule(cloud))
    target(cloud, made.live["arn"])
    [delivery] = routed(cloud)
    assert (delivery.target, delivery.payload) == (made, GONE)
    assert (delivery.attempts, delivery.backoff_s) == (3, 60.0)
    assert routed(cloud, GONE | {"source": "aws.rds"}) == []
    assert routed(cloud, region="eu-west-1") == []


def test_without_a_permission_the_event_ends_in_the_targets_queue_or_nowhere(cloud: Cloud) -> None:
    made = function(cloud)
    letters, arn = queue(cloud)
    source = rule(cloud)
    permit(cloud, "react", EVENTS["Service"], f"{source}-other")
    target(cloud, made.live["arn"], targetId="a", deadLetterConfig={"arn": arn})
    [delivery] = routed(cloud)
    assert (delivery.target, delivery.via) == (None, letters.id)
    cloud.delete(next(p for p in cloud.ctx.world.all("aws", "sqs:QueuePolicy")))
    assert routed(cloud) == []


def test_a_disabled_rule_catches_nothing(cloud: Cloud) -> None:
    _, arn = queue(cloud)
    rule(cloud, state="DISABLED")
    target(cloud, arn)
    assert routed(cloud) == []


def test_how_often_a_function_is_tried_is_its_own_setting(cloud: Cloud) -> None:
    made = function(cloud)
    letters, arn = queue(cloud)
    make(
        cloud.ctx,
        "FunctionEventInvokeConfig",
        {
            "functionName": "react",
            "maximumRetryAttempts": 0,
            "destinationConfig": {"onFailure": {"destination": arn}},
        },
    )
    permit(cloud, "react", EVENTS["Service"], rule(cloud))
    target(cloud, made.live["arn"], input='{"constant": 1}')
    [delivery] = routed(cloud)
    assert (delivery.attempts, delivery.dead_letter, delivery.payload) == (
        1,
        letters.id,
        {"constant": 1},
    )


def test_an_event_is_forwarded_to_another_region_once_and_as_somebody_who_may(cloud: Cloud) -> None:
    there = {"region": "eu-west-1"}
    bus_arn = "arn:aws:events:eu-west-1:111122223333:event-bus/default"
    letters, arn = queue(cloud, **there)
    rule(cloud, "there", ctx=there)
    make(replace(cloud.ctx, **there), "EventTarget", {"rule": "there", "arn": arn})
    rule(cloud)
    with pytest.raises(Refusal, match="RoleArn is required"):
        target(cloud, bus_arn)
    make(cloud.ctx, "Role", {"name": "sender", "assumeRolePolicy": trust(EVENTS["Service"])})
    target(cloud, bus_arn, roleArn="arn:aws:iam::111122223333:role/sender")
    assert routed(cloud) == []
    allowed = policy(allow("events:PutEvents", bus_arn))
    make(cloud.ctx, "RolePolicy", {"name": "puts", "role": "sender", "policy": allowed})
    [delivery] = routed(cloud)
    assert (delivery.via, delivery.payload["region"]) == (letters.id, "us-east-1")


def test_a_schedule_goes_to_its_own_rules_targets(cloud: Cloud) -> None:
    letters, arn = queue(cloud)
    make(cloud.ctx, "EventRule", {"name": "tick", "scheduleExpression": "rate(5 minutes)"})
    make(cloud.ctx, "EventTarget", {"rule": "tick", "arn": arn})
    [delivery] = routed(cloud, {"rule": "tick", "event": {"a": 1}}, SCHEDULE)
    assert (delivery.via, delivery.payload) == (letters.id, {"a": 1})


def test_a_new_object_invokes_the_function_that_listens_for_it(cloud: Cloud) -> None:
    made = function(cloud)
    make(cloud.ctx, "Bucket", {"bucket": "store"})
    listener = {
        "lambdaFunctionArn": made.live["arn"],
        "events": ["s3:ObjectCreated:*"],
        "filterPrefix": "plan",
    }
    inputs = {"bucket": "store", "lambdaFunctions": [listener]}
    with pytest.raises(Refusal, match="Unable to validate the following destination"):
        make(cloud.ctx, "BucketNotification", inputs)
    permit(cloud, "react", "s3.amazonaws.com", "arn:aws:s3:::store")
    make(cloud.ctx, "BucketNotification", inputs)
    for key in ("other.json", "plan.json"):
        make(cloud.ctx, "BucketObjectv2", {"bucket": "store", "key": key, "content": "{}"})
    [waiting] = bus.due(cloud.ctx.world, cloud.ctx.world.clock.now())
    assert waiting.payload["Records"][0]["s3"]["object"]["key"] == "plan.json"
    stored = objects.read(cloud.ctx.world, "aws", "store", "plan.json")
    assert stored
    assert stored.body == b"{}"


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x"]}, {}, False),
        ({"a": [1]}, {"a": True}, False),
        ({"a": ["x"]}, {"a": ["z", "x"]}, True),
        ({"a": [{"prefix": "x-"}]}, {"a": "x-1"}, True),
        ({"a": [{"suffix": ".json"}]}, {"a": "x.txt"}, False),
        ({"a": [{"anything-but": ["x"]}]}, {"a": "y"}, True),
        ({"a": [{"anything-but": "x"}]}, {"a": "x"}, False),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x"}, "c": 1}, True),
        ({"a": {"b": ["x"]}}, {"a": "x"}, False),
    ],
)
def test_a_pattern_matches_by_value_prefix_suffix_and_exclusion(
    pattern: Json, event: Json, expected: bool
) -> None:
    check_pattern(json.dumps(pattern))
    assert matches(pattern, event) is expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("{}", "non-empty"),
        ('{"a": "x"}', '"a" must be an object or an array'),
        ('{"a": [{"numeric": [">", 1]}]}', "NotEmulated"),
    ],
)
def test_a_wrong_pattern_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        check_pattern(text)


def test_a_denial_beats_every_permission() -> None:
    given = [
        policy(allow("s3:*", "arn:aws:s3:::b/*")),
        policy({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}),
    ]
    assert allows(given, Ask("s3:GetObject", "arn:aws:s3:::b/k"))
    assert not allows(given, Ask("s3:PutObject", "arn:aws:s3:::b/k"))
    assert not allows(given, Ask("s3:GetObject", "arn:aws:s3:::c/k"))
    assert not allows([], Ask("s3:GetObject", "arn:aws:s3:::b/k"))


def test_a_condition_needs_its_fact() -> None:
    ours = {"StringEquals": {"aws:ResourceTag/stack": "a"}}
    given = [policy(allow("autoscaling:SetDesiredCapacity", "*", Condition=ours))]
    for facts, expected in (
        ({"aws:resourcetag/stack": "a"}, True),
        ({"aws:resourcetag/stack": "b"}, False),
        ({}, False),
    ):
        assert allows(given, Ask("autoscaling:SetDesiredCapacity", "x", facts)) is expected


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "Syntax errors in policy"),
        ('{"Statement": []}', "valid version"),
        (policy({"Effect": "Maybe"}), "Syntax errors"),
        (policy({"Effect": "Allow", "Resource": "*"}), "must contain actions"),
        (policy({"Effect": "Allow", "Action": "s3:GetObject"}), "must contain resources"),
        (policy(allow("GetObject")), "prefaced by a vendor"),
        (policy(allow("s3:GetObject", Principal="*")), "should not specify a principal"),
        (
            policy(allow("s3:*", Condition={"IpAddress": {}})),
            "NotEmulated: condition operator IpAddress",
        ),
        (policy(allow("s3:*", NotAction="s3:*")), "NotEmulated: policy element NotAction"),
    ],
)
def test_a_wrong_policy_is_refused(document: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        check_document(document, resource=False)


@pytest.mark.parametrize(
    ("word", "inputs", "words"),
    [
        ("EventRule", {"name": "r"}, "EventPattern or ScheduleExpression must be specified"),
        ("EventRule", {"name": "r", "scheduleExpression": "rate(1 minutes)"}, "ScheduleExpression is not valid"),
        ("EventRule", {"name": "r", "scheduleExpression": "cron(0 1 * * ? *)"}, "NotEmulated"),
        ("EventTarget", {"rule": "none", "arn": "arn:aws:sqs:us-east-1:1:q"}, "Rule none does not exist"),
        ("Bucket", {"bucket": "Upper"}, "InvalidBucketName"),
        ("BucketObjectv2", {"bucket": "none", "key": "k"}, "NoSuchBucket"),
        ("Queue", {"name": "q", "messageRetentionSeconds": 1}, "InvalidAttributeValue"),
        ("Queue", {"name": "q", "fifoQueue": True}, "can only end with .fifo"),
        ("LogGroup", {"name": "l", "retentionInDays": 8}, "must be one of"),
        ("RolePolicy", {"name": "p", "role": "none", "policy": policy(allow("s3:*"))}, "NoSuchEntity"),
        ("InstanceProfile", {"name": "p", "role": "none"}, "NoSuchEntity"),
        ("Permission", {"function": "none", "action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com"}, "Function not found"),
        ("MetricAlarm", {"name": "a", "comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1, "metricName": "m", "namespace": "n", "period": 60}, "Statistic"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_refused(cloud: Cloud, word: str, inputs: Json, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        make(cloud.ctx, word, inputs)


def test_a_function_needs_a_role_that_lambda_can_take(cloud: Cloud) -> None:
    make(cloud.ctx, "Role", {"name": "node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
    role = "arn:aws:iam::111122223333:role/node"
    inputs = {"name": "f", "role": role, "code": asset(), "handler": "m.h", "runtime": "python3.13"}
    with pytest.raises(Refusal, match="cannot be assumed by Lambda"):
        make(cloud.ctx, "Function", inputs)


def test_a_bucket_with_objects_goes_only_by_force(cloud: Cloud) -> None:
    for name, force in (("kept", False), ("gone", True)):
        bucket = make(cloud.ctx, "Bucket", {"bucket": name, "forceDestroy": force})
        objects.write(cloud.ctx.world, "aws", name, "state", b"")
        if force:
            cloud.delete(bucket)
        else:
            with pytest.raises(Refusal, match="BucketNotEmpty"):
                cloud.delete(bucket)
    assert not objects.listed(cloud.ctx.world, "aws", "gone")


def test_a_role_stays_while_something_is_in_it(cloud: Cloud) -> None:
    function(cloud)
    role = cloud.ctx.world.get("aws", "iam:Role", "acting")
    assert role
    with pytest.raises(Refusal, match="DeleteConflict"):
        cloud.delete(role)
