"""AWS queues and who may send to them."""

from __future__ import annotations

from typing import Any

from sandbox.aws.lookup import QUEUE, QUEUE_POLICY
from sandbox.aws.naming import NamedKind
from sandbox.aws.policies import Ask, allows, check_document
from sandbox.aws.row import PROVIDER, REGION, AwsKind
from sandbox.fields import UNKNOWN, Field, Json, member
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_RANGES = {
    "DelaySeconds": range(901),
    "MaximumMessageSize": range(1024, 1_048_577),
    "MessageRetentionPeriod": range(60, 1_209_601),
    "ReceiveMessageWaitTimeSeconds": range(21),
    "VisibilityTimeout": range(43_201),
}
"""Limits from the API reference of SQS; its model has attributes as free texts."""


def _whole(name: str) -> Field:
    return member(f"Attributes.{name}", str, int)


def _flag(name: str) -> Field:
    return member(f"Attributes.{name}", lambda flag: str(flag).lower(), lambda text: text == "true")


class Queue(NamedKind):
    """A queue. Its id is its URL."""

    token = "aws:sqs/queue:Queue"
    name = QUEUE
    api = "sqs.CreateQueue"
    update_api = "sqs.SetQueueAttributes"
    ident = "QueueUrl"
    named_by = "QueueName"
    taken = ("QueueAlreadyExists", "A queue already exists with the same name: {name}")
    fields = {
        "contentBasedDeduplication": _flag("ContentBasedDeduplication"),
        "deduplicationScope": member("Attributes.DeduplicationScope"),
        "delaySeconds": _whole("DelaySeconds"),
        "fifoQueue": _flag("FifoQueue"),
        "fifoThroughputLimit": member("Attributes.FifoThroughputLimit"),
        "kmsDataKeyReusePeriodSeconds": _whole("KmsDataKeyReusePeriodSeconds"),
        "kmsMasterKeyId": member("Attributes.KmsMasterKeyId"),
        "maxMessageSize": _whole("MaximumMessageSize"),
        "messageRetentionSeconds": _whole("MessageRetentionPeriod"),
        "name": member("QueueName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "policy": member("Attributes.Policy"),
        "receiveWaitTimeSeconds": _whole("ReceiveMessageWaitTimeSeconds"),
        "redriveAllowPolicy": member("Attributes.RedriveAllowPolicy"),
        "redrivePolicy": member("Attributes.RedrivePolicy"),
        "sqsManagedSseEnabled": _flag("SqsManagedSseEnabled"),
        "tags": member("tags"),
        "visibilityTimeoutSeconds": _whole("VisibilityTimeout"),
    }
    replace_on = REGION | {"fifoQueue", "name", "namePrefix"}
    autoname = Autoname(longest=80, unless=("namePrefix",))
    computed = ("arn", "name", "region", "tagsAll", "url")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        attributes: Json = body.get("Attributes", {})
        for name, allowed in _RANGES.items():
            value = attributes.get(name, UNKNOWN)
            if value != UNKNOWN and int(value) not in allowed:
                raise Refusal(
                    "InvalidAttributeValue",
                    f"Invalid value for the parameter {name}. Reason: {value}",
                )
        check_document(attributes.get("Policy", UNKNOWN), resource=True)
        name = body["QueueName"]
        if name != UNKNOWN and name.endswith(".fifo") != (attributes.get("FifoQueue") == "true"):
            raise Refusal(
                "InvalidParameterValue", "The name of a FIFO queue can only end with .fifo"
            )

    def tags(self, body: Json) -> dict[str, str]:
        tags = body.get("tags")
        return dict(tags) if isinstance(tags, dict) else {}

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        url = f"https://sqs.{ctx.region}.amazonaws.com/{ctx.account}/{name}"
        return self.add(ctx, url, body, name=name)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "arn": queue_arn(ctx, record),
            "name": record.name,
            "url": record.id,
        }


class QueuePolicy(AwsKind):
    """The policy of a queue."""

    token = "aws:sqs/queuePolicy:QueuePolicy"
    name = QUEUE_POLICY
    api = update_api = "sqs.SetQueueAttributes"
    ident = "QueueUrl"
    fields = {"policy": member("Attributes.Policy"), "queueUrl": member("QueueUrl")}
    replace_on = REGION | {"queueUrl"}
    computed = ("region",)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_document(body["Attributes"]["Policy"], resource=True)

    def parents(self, body: Json) -> list[str]:
        return [body["QueueUrl"]]

    def point(self, ctx: Context, body: Json) -> None:
        gone = Refusal("QueueDoesNotExist", "The specified queue does not exist.")
        ctx.need(QUEUE, body["QueueUrl"], gone)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, body["QueueUrl"], body)


def queue_arn(ctx: Context, queue: Record) -> str:
    """A queue's ARN."""
    return f"arn:aws:sqs:{queue.region}:{ctx.account}:{queue.name}"


def queue_of(ctx: Context, arn: Any) -> Record | None:
    """The queue of an ARN."""
    queues = ctx.world.all(ctx.cloud, QUEUE)
    return next((queue for queue in queues if queue_arn(ctx, queue) == arn), None)


def takes(ctx: Context, queue: Record, service: str, source: str) -> bool:
    """Whether a queue's policies let a service send to it on behalf of a resource."""
    of_its_own = ctx.world.get(ctx.cloud, QUEUE_POLICY, queue.id)
    bodies = [queue.body, *([of_its_own.body] if of_its_own else [])]
    documents = [b["Attributes"]["Policy"] for b in bodies if "Policy" in b.get("Attributes", {})]
    ask = Ask("sqs:SendMessage", queue_arn(ctx, queue), {"aws:sourcearn": source}, service)
    return allows(documents, ask)
