"""The deployed identities of AWS, tried against every call that they do not need."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import Shape

from sandbox.aws import vendor
from tests.e2e.aws_stack import HOMES, SECRET, Deployed
from tests.sandbox.aws_samples import make

FUNCTION, MACHINES, SENDER = "aws-reactor", "aws-reactor-machines", "aws-reactor-events"
SERVICES = ("autoscaling", "events", "iam", "lambda", "logs", "s3", "secretsmanager", "sqs")
NEEDED = {
    FUNCTION: {
        "autoscaling.DescribeAutoScalingGroups", "autoscaling.DescribeScalingActivities",
        "autoscaling.SetDesiredCapacity", "s3.GetObject", "s3.HeadObject", "s3.PutObject",
        "secretsmanager.GetSecretValue", "sqs.SendMessage", "logs.CreateLogStream",
        "logs.PutLogEvents",
    },
    MACHINES: {"lambda.Invoke"},
    SENDER: {"events.PutEvents"},
}  # fmt: skip
MACHINERY = frozenset({"TerminateInstances", "RunInstances", "DescribeInstances", "CreateTags"})


def refusal(call: Any, **parameters: Any) -> str:
    """The code under which a call is refused; empty where it is not."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"]).removesuffix("Exception")
    return ""


def made_up(shape: Shape, depth: int = 0) -> Any:
    """A value for a shape with what it demands and nothing else."""
    if shape.type_name == "structure":
        names = shape.required_members if depth < 6 else []
        return {name: made_up(shape.members[name], depth + 1) for name in names}
    if shape.type_name == "list":
        return [made_up(shape.member, depth + 1)]
    if shape.type_name == "map":
        return {"a": made_up(shape.value, depth + 1)}
    simple = {"integer": 1, "long": 1, "boolean": True, "blob": b"{}", "timestamp": "2026-11-22"}
    enum = shape.metadata.get("enum")
    return simple.get(shape.type_name, enum[0] if enum else "someone")


@pytest.mark.parametrize("role", [FUNCTION, MACHINES, SENDER])
def test_a_role_is_denied_every_call_that_it_does_not_need(stack: Deployed, role: str) -> None:
    tried = 0
    for service in SERVICES:
        client = stack.client(service, stack.principal(role), parameter_validation=False)
        methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
        for operation in vendor.service(service).operation_names:
            if f"{service}.{operation}" in NEEDED[role]:
                continue
            shape = vendor.service(service).operation_model(operation).input_shape
            parameters = made_up(shape) if shape else {}
            parameters |= {"Bucket": stack.bucket()} if "Bucket" in parameters else {}
            code = refusal(getattr(client, methods[operation]), **parameters)
            denied = "403" if operation.startswith("Head") else "AccessDenied"  # no body, no code
            assert code == denied, f"{service} {operation}: {code}"
            tried += 1
    assert tried > 500


@pytest.mark.parametrize("operation", sorted(MACHINERY))
def test_no_role_touches_machines(stack: Deployed, operation: str) -> None:
    shape = vendor.service("ec2").operation_model(operation).input_shape
    for role in NEEDED:
        client = stack.client("ec2", stack.principal(role), parameter_validation=False)
        methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
        assert refusal(getattr(client, methods[operation]), **made_up(shape)) == "AccessDenied"


def test_the_function_sizes_its_own_stacks_groups_and_nobody_elses(stack: Deployed) -> None:
    client = stack.client("autoscaling", stack.principal(FUNCTION))
    resize = client.set_desired_capacity
    own, other = stack.group("us-east-1-fallback").name, stack.group("strangers").name
    assert refusal(resize, AutoScalingGroupName=own, DesiredCapacity=0) == ""
    assert refusal(resize, AutoScalingGroupName=other, DesiredCapacity=1) == "AccessDenied"
    assert refusal(resize, AutoScalingGroupName="nobody", DesiredCapacity=1) == "AccessDenied"
    assert stack.group("strangers").body["DesiredCapacity"] == 0


def test_the_function_writes_its_state_and_not_the_plan(stack: Deployed) -> None:
    client, bucket = stack.client("s3", stack.principal(FUNCTION)), stack.bucket()
    assert refusal(client.get_object, Bucket=bucket, Key="plan.json") == ""
    assert refusal(client.put_object, Bucket=bucket, Key="plan.json", Body=b"") == "AccessDenied"
    assert refusal(client.get_object, Bucket=bucket, Key="freeze") == "NoSuchKey"
    assert refusal(client.put_object, Bucket=bucket, Key="freeze", Body=b"") == "AccessDenied"
    assert refusal(client.delete_object, Bucket=bucket, Key="state.json") == "AccessDenied"
    state = refusal(client.put_object, Bucket=bucket, Key="state.json", Body=b"", IfMatch='"x"')
    assert state in ("PreconditionFailed", "NoSuchKey")


def test_another_bucket_and_another_secret_are_closed(stack: Deployed) -> None:
    make(stack.cloud_context(), "Bucket", {"bucket": "somebodys-store"})
    store = stack.client("s3", stack.principal(FUNCTION))
    assert refusal(store.get_object, Bucket="somebodys-store", Key="plan.json") == "AccessDenied"
    secrets = stack.client("secretsmanager", stack.principal(FUNCTION))
    assert refusal(secrets.get_secret_value, SecretId=SECRET) in ("", "ResourceNotFound")
    assert refusal(secrets.get_secret_value, SecretId=f"{SECRET}2") == "AccessDenied"


def test_a_machine_invokes_both_functions_of_its_stack_and_no_other(stack: Deployed) -> None:
    for home, function in zip(HOMES, stack.functions, strict=True):
        client = stack.client("lambda", stack.principal(MACHINES), home)
        assert refusal(client.invoke, FunctionName=function, InvocationType="DryRun") == ""
        other = f"{function}-other"
        assert refusal(client.invoke, FunctionName=other, InvocationType="DryRun") == "AccessDenied"
