"""Where an event of AWS goes: by rules to functions, queues and other regions' buses, by notifications from buckets.

A function is invoked asynchronously, so it is Lambda that tries again, and Lambda's own settings that say how often and
where an event ends. What the receiver does not permit goes to the target's dead-letter queue, or nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from sandbox.aws.bridge import EVENTS, bus_arn, rule_arn
from sandbox.aws.buckets import bucket_arn
from sandbox.aws.identity import role_permits, taken_by
from sandbox.aws.invoking import invocable
from sandbox.aws.lookup import (
    BUCKET,
    BUCKET_NOTIFICATION,
    FUNCTION,
    INVOKE_CONFIG,
    RULE,
    TARGET,
)
from sandbox.aws.patterns import matches
from sandbox.aws.policies import Ask
from sandbox.aws.queues import queue_of, takes
from sandbox.bus import SCHEDULE, Delivery, Event
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.world import Record

BRIDGE, STORED = "bridge", "stored"
"""Kinds of event: one of EventBridge as it is; an object that was created, as a record of S3's notifications."""
_RETRIES, _PAUSE_S = 2, 60.0


def routes(ctx: Context, event: Event) -> list[Delivery]:
    """See `sandbox.bus`."""
    if event.kind == STORED:
        return list(_notified(ctx, event.body))
    if event.kind == SCHEDULE:
        rule = ctx.world.get(ctx.cloud, RULE, event.body["rule"])
        return list(_targeted(ctx, rule, event.body["event"], hops=0)) if rule else []
    return list(_caught(ctx, event.body, hops=0))


def to_function(ctx: Context, function: Record, payload: Json) -> Delivery:
    """An event for a function that may be invoked with it."""
    config = ctx.world.get(ctx.cloud, INVOKE_CONFIG, function.id)
    settings = config.body if config else {}
    last = get(settings, "DestinationConfig.OnFailure.Destination")
    queue = queue_of(ctx, last or get(function.body, "DeadLetterConfig.TargetArn"))
    return Delivery(
        function,
        payload,
        attempts=1 + settings.get("MaximumRetryAttempts", _RETRIES),
        backoff_s=_PAUSE_S,
        dead_letter=queue.id if queue else "",
    )


def _caught(ctx: Context, event: Json, *, hops: int) -> Iterator[Delivery]:
    """By the rules of a region's default bus."""
    for rule in ctx.world.all(ctx.cloud, RULE):
        pattern = rule.body.get("EventPattern")
        if rule.region == ctx.region and pattern and matches(json.loads(pattern), event):
            yield from _targeted(ctx, rule, event, hops=hops)


def _targeted(ctx: Context, rule: Record, event: Json, *, hops: int) -> Iterator[Delivery]:
    for record in ctx.world.children(rule):
        if record.kind != TARGET or rule.body["State"] != "ENABLED":
            continue
        target = record.body["Targets"]
        payload = json.loads(target["Input"]) if "Input" in target else event
        found = list(_received(ctx, rule, target, payload, hops=hops))
        yield from found or _dead(ctx, rule, target, payload)


def _received(
    ctx: Context, rule: Record, target: Json, event: Json, *, hops: int
) -> Iterator[Delivery]:
    """What a target makes of an event; nothing where it may not have it."""
    arn, source = target["Arn"], rule_arn(ctx, rule)
    service, region = arn.split(":")[2:4]
    if service == "lambda":
        function = ctx.world.get(ctx.cloud, FUNCTION, arn.rsplit(":", 1)[-1])
        if function and invocable(ctx, function, EVENTS, source):
            yield to_function(ctx, function, event)
    elif service == "sqs":
        queue = queue_of(ctx, arn)
        if queue and takes(ctx, queue, EVENTS, source):
            yield Delivery(None, event, via=queue.id)
    elif not hops:  # a forwarded event is not forwarded again
        role = taken_by(ctx, target.get("RoleArn"), EVENTS)
        there = replace(ctx, region=region)
        if (
            role
            and arn == bus_arn(ctx, region)
            and role_permits(ctx, role, Ask("events:PutEvents", arn))
        ):
            yield from _caught(there, event, hops=1)


def _dead(ctx: Context, rule: Record, target: Json, event: Json) -> Iterator[Delivery]:
    queue = queue_of(ctx, get(target, "DeadLetterConfig.Arn"))
    if queue and takes(ctx, queue, EVENTS, rule_arn(ctx, rule)):
        yield Delivery(None, event, via=queue.id)


def _notified(ctx: Context, record: Json) -> Iterator[Delivery]:
    """By the notifications of the bucket in which an object was created."""
    name, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
    bucket = ctx.world.get(ctx.cloud, BUCKET, name)
    notification = ctx.world.get(ctx.cloud, BUCKET_NOTIFICATION, name)
    if bucket is None or notification is None:
        return
    for listener in notification.body["NotificationConfiguration"].get(
        "LambdaFunctionConfigurations", []
    ):
        arn, rules = listener["LambdaFunctionArn"], get(listener, "Filter.Key.FilterRules") or {}
        function = ctx.world.get(ctx.cloud, FUNCTION, arn.rsplit(":", 1)[-1])
        wanted = key.startswith(rules.get("prefix", "")) and key.endswith(rules.get("suffix", ""))
        created = any(one.startswith("s3:ObjectCreated:") for one in listener["Events"])
        if not (function and wanted and created):
            continue
        if invocable(ctx, function, "s3.amazonaws.com", bucket_arn(bucket)):
            yield to_function(ctx, function, {"Records": [record]})
