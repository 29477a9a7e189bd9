"""AWS Lambda functions, who may invoke them, and what becomes of events that they fail to handle."""

from __future__ import annotations

import json
from typing import Any

from sandbox import objects
from sandbox.assets import content, is_asset
from sandbox.aws.identity import role_permits, taken_by
from sandbox.aws.lookup import FUNCTION, INVOKE_CONFIG, PERMISSION
from sandbox.aws.members import same
from sandbox.aws.naming import NamedKind
from sandbox.aws.policies import Ask, allows
from sandbox.aws.row import PROVIDER, REGION, AwsKind
from sandbox.fields import UNKNOWN, Json, get, member, nested
from sandbox.kind import UPDATE, Autoname, Context, Request
from sandbox.refusal import Refusal
from sandbox.world import Record

PACKAGES = ".packages"
"""The bucket of Lambda's own in which it keeps what functions run."""
_CONCURRENCY = "PutFunctionConcurrency"
_LONGEST_S = 900
_INVALID = "InvalidParameterValueException"


class Function(NamedKind):
    """A function."""

    token = "aws:lambda/function:Function"
    name = FUNCTION
    api = "lambda.CreateFunction"
    update_api = "lambda.UpdateFunctionConfiguration"
    ident = named_by = "FunctionName"
    taken = ("ResourceConflictException", "Function already exist: {name}")
    also = (_CONCURRENCY,)
    fields = {
        **same("architectures", "codeSigningConfigArn", "description", "handler", "layers"),
        **same("memorySize", "packageType", "publish", "publishTo", "role", "runtime", "timeout"),
        "code": member("Code.ZipFile"),
        "deadLetterConfig": nested("DeadLetterConfig", same("targetArn")),
        "environment": nested("Environment", same("variables")),
        "ephemeralStorage": nested("EphemeralStorage", same("size")),
        "imageUri": member("Code.ImageUri"),
        "kmsKeyArn": member("KMSKeyArn"),
        "loggingConfig": nested(
            "LoggingConfig",
            same("applicationLogLevel", "logFormat", "logGroup", "systemLogLevel"),
        ),
        "name": member("FunctionName"),
        "reservedConcurrentExecutions": member(f"{_CONCURRENCY}.ReservedConcurrentExecutions"),
        "s3Bucket": member("Code.S3Bucket"),
        "s3Key": member("Code.S3Key"),
        "s3ObjectVersion": member("Code.S3ObjectVersion"),
        "snapStart": nested("SnapStart", same("applyOn")),
        "sourceKmsKeyArn": member("Code.SourceKMSKeyArn"),
        "tags": member("Tags"),
        "tracingConfig": nested("TracingConfig", same("mode")),
        "vpcConfig": nested(
            "VpcConfig", same("ipv6AllowedForDualStack", "securityGroupIds", "subnetIds")
        ),
    }
    provider_only = REGION | {
        "codeSha256",
        "replaceSecurityGroupsOnDestroy",
        "replacementSecurityGroupIds",
        "skipDestroy",
        "sourceCodeHash",
        "useResourceTimeoutForPropagation",
    }
    left_out = frozenset(
        {
            "capacityProviderConfig",
            "durableConfig",
            "fileSystemConfig",
            "imageConfig",
            "tenancyConfig",
        }
    )
    replace_on = REGION | {"name", "packageType"}
    autoname = Autoname(longest=64)
    computed = ("arn", "invokeArn", "name", "qualifiedArn", "region", "tagsAll", "version")
    defaults = {"memorySize": 128, "packageType": "Zip", "publish": False, "timeout": 3}

    def requests(self, body: Json, verb: str) -> list[Request]:
        calls = super().requests(body, verb)
        if verb == UPDATE:
            calls.append(self._call("lambda.UpdateFunctionCode", body.get("Code", {}), body))
        return calls

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if body.get("PackageType") == "Image":
            raise Refusal("NotEmulated", "functions from images are not run; use a zip")
        if not body.get("Code"):
            raise Refusal(_INVALID, "Please provide a source for function code.")
        if not body.get("Handler") or not body.get("Runtime"):
            raise Refusal(
                _INVALID,
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            )
        timeout = body.get("Timeout", 0)
        if timeout != UNKNOWN and timeout > _LONGEST_S:
            raise Refusal(
                "ValidationException",
                f"Value '{timeout}' at 'timeout' failed to satisfy constraint: Member must have value less than or "
                f"equal to {_LONGEST_S}",
            )

    def tags(self, body: Json) -> dict[str, str]:
        return dict(body.get("Tags") or {}) if body.get("Tags") != UNKNOWN else {}

    def point(self, ctx: Context, body: Json) -> None:
        if taken_by(ctx, body["Role"], "lambda.amazonaws.com") is None:
            raise Refusal(
                _INVALID, "The role defined for the function cannot be assumed by Lambda."
            )

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim_everywhere(ctx, body)
        arn = f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{name}"
        return self.add(ctx, name, body, name=name, arn=arn)

    def changed(self, ctx: Context, record: Record) -> None:
        code = _package(ctx, record.body["Code"])
        objects.write(ctx.world, ctx.cloud, PACKAGES, record.id, code)

    def delete(self, ctx: Context, record: Record) -> None:
        """Its permissions and settings go along."""
        for child in ctx.world.children(record):
            if child.kind in (PERMISSION, INVOKE_CONFIG):
                ctx.world.remove(child)
        objects.erase(ctx.world, ctx.cloud, PACKAGES, record.id)
        ctx.world.remove(record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        arn = record.live["arn"]
        api = f"arn:aws:apigateway:{record.region}:lambda:path/2015-03-31/functions"
        return super().outputs(ctx, record) | {
            "arn": arn,
            "invokeArn": f"{api}/{arn}/invocations",
            "name": record.name,
            "qualifiedArn": f"{arn}:$LATEST",
            "version": "$LATEST",
        }


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
                    _INVALID,
                    f"The function's execution role does not have permissions to call SendMessage on {queue}",
                )

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, function_name(body["FunctionName"]), body)


def function_name(named: Any) -> str:
    """The name in a function's name or ARN."""
    return str(named).split(":function:")[-1].split(":")[0]


def need_function(ctx: Context, named: Any) -> Record:
    """The function of this region with this name or ARN."""
    arn = f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{function_name(named)}"
    gone = Refusal("ResourceNotFoundException", f"Function not found: {arn}")
    function = ctx.need(FUNCTION, function_name(named), gone)
    if function.region != ctx.region:
        raise gone
    return function


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


def _package(ctx: Context, code: Json) -> bytes:
    """The zip that a function runs."""
    if is_asset(code.get("ZipFile")):
        return content(code["ZipFile"])
    stored = objects.read(ctx.world, ctx.cloud, code.get("S3Bucket", ""), code.get("S3Key", ""))
    if stored is None:
        raise Refusal(
            _INVALID,
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not "
            "exist.",
        )
    return stored.body
