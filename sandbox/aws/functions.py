"""AWS Lambda functions."""

from __future__ import annotations

from typing import Any

from sandbox import objects
from sandbox.assets import content, is_asset
from sandbox.aws.identity import taken_by
from sandbox.aws.lookup import FUNCTION, INVOKE_CONFIG, PERMISSION
from sandbox.aws.members import same
from sandbox.aws.naming import NamedKind
from sandbox.aws.row import REGION
from sandbox.fields import UNKNOWN, Json, member, nested
from sandbox.kind import UPDATE, Autoname, Context, Request
from sandbox.refusal import Refusal
from sandbox.world import Record

PACKAGES = ".packages"
"""The bucket of Lambda's own in which it keeps what functions run."""
_CONCURRENCY = "PutFunctionConcurrency"
_LONGEST_S = 900
INVALID = "InvalidParameterValueException"


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
            raise Refusal(INVALID, "Please provide a source for function code.")
        if not body.get("Handler") or not body.get("Runtime"):
            raise Refusal(
                INVALID,
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
            raise Refusal(INVALID, "The role defined for the function cannot be assumed by Lambda.")

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


def _package(ctx: Context, code: Json) -> bytes:
    """The zip that a function runs."""
    if is_asset(code.get("ZipFile")):
        return content(code["ZipFile"])
    stored = objects.read(ctx.world, ctx.cloud, code.get("S3Bucket", ""), code.get("S3Key", ""))
    if stored is None:
        raise Refusal(
            INVALID,
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not "
            "exist.",
        )
    return stored.body
