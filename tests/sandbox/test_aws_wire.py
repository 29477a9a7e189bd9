"""Amazon's own client against the emulated AWS: groups, objects, secrets; faults and signatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from sandbox import faults, objects
from sandbox.world import Record
from tests.sandbox.aws_samples import make
from tests.sandbox.aws_served import REGION, Served, served

TAG = {"key": "stack", "value": "test", "propagateAtLaunch": True}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("aws")) as opened:
        yield opened


@pytest.fixture(scope="module")
def group(aws: Served) -> Record:
    return aws.cloud.group(2, maxSize=3, tags=[TAG])


@pytest.fixture(scope="module")
def bucket(aws: Served) -> str:
    return make(aws.cloud.ctx, "Bucket", {"bucket": "store-9"}).name


def refused(call: Any, **parameters: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: dict[str, Any] = dict(caught.value.response)
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def test_a_group_is_described_with_its_machines(aws: Served, group: Record) -> None:
    client = aws.client("autoscaling")
    [seen] = client.describe_auto_scaling_groups(AutoScalingGroupNames=["spots"])[
        "AutoScalingGroups"
    ]
    assert (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"]) == (0, 3, 2)
    assert seen["AutoScalingGroupARN"] == group.live["arn"]
    assert seen["Tags"][0] | {"Key": "stack", "Value": "test"} == seen["Tags"][0]
    assert len(seen["Instances"]) == 2
    for instance in seen["Instances"]:
        assert instance["LifecycleState"] == "Pending"
        assert instance["AvailabilityZone"][-1] == "ab"[int(instance["AvailabilityZoneId"][-1]) - 1]


def test_an_unknown_group_is_an_empty_list_and_cannot_be_resized(aws: Served) -> None:
    client = aws.client("autoscaling")
    found = client.describe_auto_scaling_groups(AutoScalingGroupNames=["nobody"])
    assert found["AutoScalingGroups"] == []
    error = refused(client.set_desired_capacity, AutoScalingGroupName="nobody", DesiredCapacity=1)
    assert error == (
        400,
        "ValidationError",
        "AutoScalingGroup name not found - AutoScalingGroup not found",
    )


def test_a_size_is_set_within_the_bounds_alone(aws: Served, group: Record) -> None:
    client = aws.client("autoscaling")
    client.set_desired_capacity(
        AutoScalingGroupName="spots", DesiredCapacity=3, HonorCooldown=False
    )
    assert aws.cloud.now(group).body["DesiredCapacity"] == 3
    above = refused(client.set_desired_capacity, AutoScalingGroupName="spots", DesiredCapacity=9)
    assert above == (
        400,
        "ValidationError",
        "New SetDesiredCapacity value 9 is above max value 3 for the AutoScalingGroup.",
    )


def test_pages_and_filters_find_the_groups_of_a_stack(aws: Served, group: Record) -> None:
    for name in ("other-a", "other-b"):
        aws.cloud.group(0, name=name, tags=[TAG | {"value": "other"}])
    pages = aws.client("autoscaling").get_paginator("describe_auto_scaling_groups")
    asked = {
        "Filters": [{"Name": "tag:stack", "Values": ["other"]}],
        "PaginationConfig": {"PageSize": 1},
    }
    names = [
        g["AutoScalingGroupName"]
        for page in pages.paginate(**asked)
        for g in page["AutoScalingGroups"]
    ]
    assert names == ["other-a", "other-b"]


def test_a_group_of_another_region_is_not_seen(aws: Served, group: Record) -> None:
    client = aws.client("autoscaling", region_name="eu-west-1")
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_a_launch_that_failed_is_an_activity_with_the_words_of_ec2(aws: Served) -> None:
    aws.cloud.stock(0)
    aws.cloud.group(1, name="dry")
    aws.cloud.stock(16)
    client = aws.client("autoscaling")
    found = client.describe_scaling_activities(AutoScalingGroupName="dry", MaxRecords=20)
    activity = found["Activities"][0]
    assert (activity["StatusCode"], activity["Progress"]) == ("Failed", 100)
    assert activity["Description"].startswith("Launching a new EC2 instance.  Status Reason: ")
    assert "UnfulfillableCapacity" in activity["StatusMessage"]
    assert activity["StartTime"].timestamp() == pytest.approx(
        aws.cloud.ctx.world.clock.now(), abs=60
    )


def test_an_object_is_written_over_the_version_that_was_read_alone(
    aws: Served, bucket: str
) -> None:
    client = aws.client("s3")
    first = client.put_object(Bucket=bucket, Key="state", Body=b"1", IfNoneMatch="*")
    again = refused(client.put_object, Bucket=bucket, Key="state", Body=b"x", IfNoneMatch="*")
    assert again[:2] == (412, "PreconditionFailed")
    client.put_object(Bucket=bucket, Key="state", Body=b"2", IfMatch=first["ETag"])
    late = refused(client.put_object, Bucket=bucket, Key="state", Body=b"x", IfMatch=first["ETag"])
    assert late[:2] == (412, "PreconditionFailed")
    read = client.get_object(Bucket=bucket, Key="state")
    assert read["Body"].read() == b"2"
    same = refused(client.get_object, Bucket=bucket, Key="state", IfNoneMatch=read["ETag"])
    assert same[0] == 304
    gone = refused(client.put_object, Bucket=bucket, Key="none", Body=b"", IfMatch=read["ETag"])
    assert gone[:2] == (404, "NoSuchKey")


def test_what_is_not_there_is_said_to_be_not_there(aws: Served, bucket: str) -> None:
    client = aws.client("s3")
    assert refused(client.get_object, Bucket=bucket, Key="none")[:2] == (404, "NoSuchKey")
    assert refused(client.get_object, Bucket="nobodys", Key="a")[:2] == (404, "NoSuchBucket")
    client.put_object(Bucket=bucket, Key="a/b c+d", Body=b"odd")
    assert client.get_object(Bucket=bucket, Key="a/b c+d")["Body"].read() == b"odd"
    client.delete_object(Bucket=bucket, Key="a/b c+d")
    assert objects.read(aws.cloud.ctx.world, "aws", bucket, "a/b c+d") is None


def test_a_secret_is_read_by_name_and_by_arn(aws: Served) -> None:
    aws.cloud.ctx.world.set_setting(f"secret/aws/{REGION}/token", "t0ken")
    client = aws.client("secretsmanager")
    read = client.get_secret_value(SecretId="token")
    assert read["SecretString"] == "t0ken"
    assert client.get_secret_value(SecretId=read["ARN"])["Name"] == "token"
    assert refused(client.get_secret_value, SecretId="none")[1] == "ResourceNotFoundException"


def test_a_function_that_is_not_there_cannot_be_invoked(aws: Served) -> None:
    error = refused(aws.client("lambda").invoke, FunctionName="nobody", InvocationType="Event")
    assert error[:2] == (404, "ResourceNotFoundException")


def test_an_operation_that_is_not_emulated_says_so(aws: Served) -> None:
    error = refused(aws.client("autoscaling").describe_policies)
    assert error[:2] == (501, "NotEmulated")


def test_a_wrong_parameter_is_refused_by_its_name(aws: Served) -> None:
    unchecked = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client = aws.client("autoscaling", config=unchecked)
    error = refused(client.set_desired_capacity, AutoScalingGroupName="", DesiredCapacity=1)
    assert error[1] == "ValidationError"
    assert "AutoScalingGroupName" in error[2]


def test_who_is_not_known_or_signs_with_another_secret_is_turned_away(aws: Served) -> None:
    stranger = aws.client("autoscaling", aws_access_key_id="AKIDNOBODY")
    assert refused(stranger.describe_auto_scaling_groups)[:2] == (403, "InvalidClientTokenId")
    for service, call in (("autoscaling", "describe_auto_scaling_groups"), ("s3", "list_buckets")):
        forger = aws.client(service, aws_secret_access_key="guessed")
        assert refused(getattr(forger, call))[:2] == (403, "SignatureDoesNotMatch")


def test_what_cannot_be_read_is_refused_and_the_next_call_answered(aws: Served) -> None:
    client = aws.client("autoscaling")
    error = refused(client.describe_auto_scaling_groups, NextToken="second")
    assert error[:2] == (400, "SerializationException")
    assert client.describe_auto_scaling_groups()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_throttling_and_errors_come_with_each_services_own_words(aws: Served) -> None:
    world = aws.cloud.ctx.world
    calls = {
        "autoscaling": (lambda c: c.describe_auto_scaling_groups, {}, (400, "Throttling")),
        "s3": (lambda c: c.get_object, {"Bucket": "b", "Key": "k"}, (503, "SlowDown")),
        "secretsmanager": (
            lambda c: c.get_secret_value,
            {"SecretId": "s"},
            (400, "ThrottlingException"),
        ),
        "lambda": (lambda c: c.invoke, {"FunctionName": "f"}, (429, "TooManyRequestsException")),
    }
    try:
        for service, (call, parameters, expected) in calls.items():
            world.set_setting("fault/aws/throttles", "1")
            assert refused(call(aws.client(service)), **parameters)[:2] == expected
            world.set_setting("fault/aws/throttles", "0")
            world.set_setting("fault/aws/errors", "1")
            assert refused(call(aws.client(service)), **parameters)[0] == 500
            world.set_setting("fault/aws/errors", "0")
    finally:
        faults.none(world)


def test_a_dead_region_does_not_answer_and_another_does(aws: Served) -> None:
    world = aws.cloud.ctx.world
    world.set_setting(f"fault/aws/dead/{REGION}", "1")
    try:
        with pytest.raises((HTTPClientError, EndpointConnectionError)):
            aws.client("autoscaling").describe_auto_scaling_groups()
        aws.client("autoscaling", region_name="eu-west-1").describe_auto_scaling_groups()
    finally:
        faults.none(world)
