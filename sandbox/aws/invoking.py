"""Who may invoke a function of AWS Lambda, and what becomes of events that it fails to handle."""

from __future__ import annotations

import json

from sandbox.aws.functions import INVALID, function_name, need_function
from sandbox.aws.identity import role_permits, taken_by
from sandbox.aws.lookup import INVOKE_CONFIG, PERMISSION
from sandbox.aws.members import same
from sandbox.aws.policies import Ask, allows
from sandbox.aws.row import PROVIDER, REGION, AwsKind
from sandbox.fields import UNKNOWN, Json, get, member, nested
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record


class _OfFunction(AwsKind):
    """Something that belongs to a function, which it names by name or ARN."""

    ident = "FunctionName"

    def parents(self, body: Json) -> list[str]:
        return [function_name(body["FunctionName"])]

    def point(self, ctx: Context, body: Json) -> None:
        need_function(ctx, body["FunctionName"])


class Permission(_OfFunction):
    """A statement of a function's own policy: which service may invoke it, on whose behalf."""

    token = "aws:lambda/permission:Permission"
    name = PERMISSION
    api = "lambda.AddPermission"
    fields = {
        **same("action", "eventSourceToken", "functionUrlAuthType", "invokedViaFunctionUrl"),
        **same("principal", "qualifier", "sourceAccount", "sourceArn", "statementId"),
        "function": member("FunctionName"),
        "principalOrgId": member("PrincipalOrgID"),
        "statementIdPrefix": member(f"{PROVIDER}.namePrefix"),
    }
    replace_on = frozenset({*fields, *REGION})
    computed = ("region", "statementId")

    def body(self, inputs: Json) -> Json:
        return {"StatementId": UNKNOWN} | super().body(inputs)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        if body["StatementId"] == UNKNOWN:
            prefix = body.get(PROVIDER, {}).get("namePrefix", "terraform-")
            body["StatementId"] = f"{prefix}{ctx.world.new_hex(26)}"
        function = function_name(body["FunctionName"])
        ident = f"{function}/{body['StatementId']}"
        if ctx.world.get(ctx.cloud, self.name, ident):
            raise Refusal(
                "ResourceConflictException",
                f"The statement id ({body['StatementId']}) provided already exists. Please provide a new statement id, "
                "or remove the existing statement.",
            )
        return self.add(ctx, ident, body)


class FunctionEventInvokeConfig(_OfFunction):
    """How often and how long a function is tried with an event, and where it goes after that."""

    token = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
    name = INVOKE_CONFIG
    api = update_api = "lambda.PutFunctionEventInvokeConfig"
    fields = {
        **same("functionName", "maximumEventAgeInSeconds", "maximumRetryAttempts", "qualifier"),
        "destinationConfig": nested(
            "DestinationConfig",
            {
                "onFailure": nested("OnFailure", same("destination")),
                "onSuccess": nested("OnSuccess", same("destination")),
            },
        ),
    }
    replace_on = REGION | {"functionName", "qualifier"}
    defaults = {"maximumRetryAttempts": 2}
    computed = ("region",)

    def point(self, ctx: Context, body: Json) -> None:
        super().point(ctx, body)
        function = need_function(ctx, body["FunctionName"])
        role = taken_by(ctx, function.body["Role"], "lambda.amazonaws.com")
        for word in ("OnFailure", "OnSuccess"):
            queue = get(body, f"DestinationConfig.{word}.Destination")
            ask = Ask("sqs:SendMessage", str(queue))
            if queue and not (role and role_permits(ctx, role, ask)):
                raise Refusal(
                    INVALID,
                    f"The function's execution role does not have permissions to call SendMessage on {queue}",
                )

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, function_name(body["FunctionName"]), body)


def invocable(ctx: Context, function: Record, service: str, source: str) -> bool:
    """Whether the function's own policy lets a service invoke it on behalf of a resource of this account."""
    facts = {"aws:sourcearn": source, "aws:sourceaccount": ctx.account}
    ask = Ask("lambda:InvokeFunction", function.live["arn"], facts, service)
    permissions = [one for one in ctx.world.children(function) if one.kind == PERMISSION]
    return any(allows([_statement(one.body)], ask) for one in permissions)


def _statement(permission: Json) -> str:
    """A permission as the statement that Lambda makes of it."""
    conditions: dict[str, Json] = {}
    if "SourceArn" in permission:
        conditions["ArnLike"] = {"AWS:SourceArn": permission["SourceArn"]}
    if "SourceAccount" in permission:
        conditions["StringEquals"] = {"AWS:SourceAccount": permission["SourceAccount"]}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": permission["Principal"]},
        "Action": permission["Action"],
        "Condition": conditions,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})
