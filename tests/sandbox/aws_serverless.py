"""The samples around a function: what it may do, what invokes it, where its events end."""

from __future__ import annotations

import json
from typing import Any

from sandbox.assets import SIGNATURE
from sandbox.fields import Json

TAGS = {"team": "search"}
_QUEUE_ARN = "arn:aws:sqs:us-east-1:111122223333:letters"


def policy(*statements: Json) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> Json:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def trust(service: str) -> str:
    """Who may take a role."""
    principal = {"Service": service}
    return policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def asset(text: str = "code") -> Json:
    """A text as the engine hands it over."""
    return {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": text, "text": text}


ROLE: Json = {
    "name": "acting",
    "assumeRolePolicy": trust("lambda.amazonaws.com"),
    "description": "as whom the function acts",
    "maxSessionDuration": 3600,
    "path": "/service/",
    "permissionsBoundary": "arn:aws:iam::111122223333:policy/most",
    "tags": TAGS,
}
FUNCTION: Json = {
    "name": "react",
    "architectures": ["arm64"],
    "code": asset(),
    "codeSigningConfigArn": "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdef0",
    "deadLetterConfig": {"targetArn": _QUEUE_ARN},
    "description": "reacts",
    "environment": {"variables": {"COLOUR": "red"}},
    "ephemeralStorage": {"size": 1024},
    "handler": "main.handler",
    "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1",
    "layers": ["arn:aws:lambda:us-east-1:111122223333:layer:tools:1"],
    "loggingConfig": {
        "applicationLogLevel": "INFO",
        "logFormat": "JSON",
        "logGroup": "lines",
        "systemLogLevel": "WARN",
    },
    "memorySize": 512,
    "packageType": "Zip",
    "publish": False,
    "reservedConcurrentExecutions": 5,
    "role": "=role.arn",
    "runtime": "python3.13",
    "snapStart": {"applyOn": "None"},
    "tags": TAGS,
    "timeout": 30,
    "tracingConfig": {"mode": "Active"},
    "vpcConfig": {"securityGroupIds": ["=replicas"], "subnetIds": ["=a"]},
}
SERVERLESS: tuple[tuple[str, str, Json], ...] = (
    ("role", "Role", ROLE),
    (
        "acts",
        "RolePolicy",
        {"name": "acts", "role": "=role", "policy": policy(allow("sqs:SendMessage", _QUEUE_ARN))},
    ),
    (
        "profile",
        "InstanceProfile",
        {"name": "machines", "path": "/", "role": "=role", "tags": TAGS},
    ),
    (
        "lines",
        "LogGroup",
        {
            "name": "lines",
            "deletionProtectionEnabled": False,
            "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/1",
            "logGroupClass": "STANDARD",
            "retentionInDays": 30,
            "tags": TAGS,
        },
    ),
    (
        "letters",
        "Queue",
        {
            "name": "letters",
            "delaySeconds": 0,
            "kmsDataKeyReusePeriodSeconds": 300,
            "maxMessageSize": 262144,
            "messageRetentionSeconds": 1209600,
            "receiveWaitTimeSeconds": 20,
            "redriveAllowPolicy": '{"redrivePermission":"denyAll"}',
            "sqsManagedSseEnabled": True,
            "tags": TAGS,
            "visibilityTimeoutSeconds": 60,
        },
    ),
    (
        "takes",
        "QueuePolicy",
        {
            "queueUrl": "=letters.url",
            "policy": policy(
                allow("sqs:SendMessage", _QUEUE_ARN, Principal={"Service": "events.amazonaws.com"})
            ),
        },
    ),
    ("store", "Bucket", {"bucket": "store-1", "objectLockEnabled": False, "tags": TAGS}),
    (
        "private",
        "BucketPublicAccessBlock",
        {
            "bucket": "=store",
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    ),
    (
        "versions",
        "BucketVersioning",
        {
            "bucket": "=store",
            "versioningConfiguration": {"status": "Enabled", "mfaDelete": "Disabled"},
        },
    ),
    (
        "forgets",
        "BucketLifecycleConfiguration",
        {
            "bucket": "=store",
            "transitionDefaultMinimumObjectSize": "all_storage_classes_128K",
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
                    "expiration": {"days": 400},
                    "filter": {"and": {"prefix": "old/", "tags": TAGS}},
                    "noncurrentVersionExpiration": {
                        "noncurrentDays": 7,
                        "newerNoncurrentVersions": 3,
                    },
                    "noncurrentVersionTransitions": [
                        {"noncurrentDays": 3, "storageClass": "STANDARD_IA"}
                    ],
                    "transitions": [{"days": 30, "storageClass": "GLACIER"}],
                }
            ],
        },
    ),
    ("function", "Function", FUNCTION),
    (
        "by-bucket",
        "Permission",
        {
            "action": "lambda:InvokeFunction",
            "function": "=function",
            "principal": "s3.amazonaws.com",
            "sourceAccount": "111122223333",
            "sourceArn": "=store.arn",
            "statementId": "by-bucket",
        },
    ),
    (
        "fails",
        "FunctionEventInvokeConfig",
        {
            "functionName": "=function",
            "maximumEventAgeInSeconds": 300,
            "maximumRetryAttempts": 1,
            "destinationConfig": {"onFailure": {"destination": "=letters.arn"}},
        },
    ),
    (
        "tells",
        "BucketNotification",
        {
            "bucket": "=store",
            "lambdaFunctions": [
                {
                    "id": "new",
                    "events": ["s3:ObjectCreated:*"],
                    "filterPrefix": "plans/",
                    "filterSuffix": ".json",
                    "lambdaFunctionArn": "=function.arn",
                }
            ],
        },
    ),
    (
        "object",
        "BucketObjectv2",
        {
            "bucket": "=store",
            "key": "plans/a.json",
            "cacheControl": "no-store",
            "content": "{}",
            "contentType": "application/json",
            "metadata": {"made": "today"},
            "storageClass": "STANDARD",
            "tags": TAGS,
        },
    ),
    (
        "rule",
        "EventRule",
        {
            "name": "starts",
            "description": "machines that start",
            "eventBusName": "default",
            "eventPattern": '{"source": ["aws.ec2"], "detail": {"state": [{"anything-but": "pending"}]}}',
            "state": "ENABLED",
            "tags": TAGS,
        },
    ),
    (
        "target",
        "EventTarget",
        {
            "rule": "=rule",
            "eventBusName": "default",
            "arn": "=function.arn",
            "deadLetterConfig": {"arn": "=letters.arn"},
            "input": '{"kind": "start"}',
            "retryPolicy": {"maximumEventAgeInSeconds": 300, "maximumRetryAttempts": 5},
            "roleArn": "=role.arn",
            "targetId": "function",
        },
    ),
    (
        "alarm",
        "MetricAlarm",
        {
            "name": "errors",
            "actionsEnabled": True,
            "alarmActions": ["arn:aws:sns:us-east-1:111122223333:people"],
            "alarmDescription": "the function fails",
            "comparisonOperator": "GreaterThanThreshold",
            "datapointsToAlarm": 1,
            "dimensions": {"FunctionName": "react"},
            "evaluationPeriods": 2,
            "metricName": "Errors",
            "namespace": "AWS/Lambda",
            "period": 300,
            "statistic": "Maximum",
            "threshold": 0,
            "treatMissingData": "notBreaching",
            "tags": TAGS,
        },
    ),
)
