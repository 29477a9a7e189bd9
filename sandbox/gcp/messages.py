"""Pub/Sub topics and subscriptions, log sinks, and jobs of Cloud Scheduler: how events get from one to another."""

from __future__ import annotations

import re

from sandbox.fields import Json
from sandbox.gcp import filters, refusals
from sandbox.gcp.iam import NUMBER
from sandbox.gcp.places import given
from sandbox.gcp.rest import JOB, SINK, SUBSCRIPTION, TOPIC, Reference, RestResource
from sandbox.gcp.shapes import known, same
from sandbox.kind import Autoname, Context
from sandbox.world import Record

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9_.~+%]{2,254}")
_LEAST_ATTEMPTS, _MOST_ATTEMPTS = 5, 100


class _Named(RestResource):
    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        name = body.get("name")
        if known(name) and (not _NAME.fullmatch(name) or name.startswith("goog")):
            raise refusals.error(400, f"Invalid resource name given (name={name}).", "badRequest")


class Topic(_Named):
    """A topic."""

    token = "gcp:pubsub/topic:Topic"
    name = TOPIC
    path = "projects/{project}/topics/{name}"
    api = "pubsub.projects.topics.create"
    labelled = True
    fields = same("name", "labels", "kmsKeyName", "messageRetentionDuration")
    left_out = frozenset(
        {
            "ingestionDataSourceSettings",
            "messageStoragePolicy",
            "messageTransforms",
            "schemaSettings",
            "tags",
        }
    )
    replace_on = frozenset({"name"})
    autoname = Autoname(longest=255)


class Subscription(_Named):
    """A subscription, which holds messages of a topic, and pushes them if it is told where to."""

    token = "gcp:pubsub/subscription:Subscription"
    name = SUBSCRIPTION
    path = "projects/{project}/subscriptions/{name}"
    api = "pubsub.projects.subscriptions.create"
    labelled = True
    references = (Reference("topic", TOPIC), Reference("deadLetterPolicy.deadLetterTopic", TOPIC))
    fields = {
        **same("name", "topic", "labels", "ackDeadlineSeconds", "messageRetentionDuration"),
        **same("retainAckedMessages", "filter", "enableMessageOrdering"),
        **same("enableExactlyOnceDelivery", "expirationPolicy", "retryPolicy", "pushConfig"),
        **same("deadLetterPolicy"),
    }
    left_out = frozenset({"bigqueryConfig", "cloudStorageConfig", "messageTransforms", "tags"})
    replace_on = frozenset({"name", "topic", "enableMessageOrdering", "filter"})
    autoname = Autoname(longest=255)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        for where, most in given(body, "deadLetterPolicy.maxDeliveryAttempts"):
            if not _LEAST_ATTEMPTS <= most <= _MOST_ATTEMPTS:
                raise refusals.invalid(where, most, "Must be between 5 and 100.")


class Sink(RestResource):
    """A sink: log entries that match a filter go somewhere else too."""

    token = "gcp:logging/projectSink:ProjectSink"
    name = SINK
    path = "projects/{project}/sinks/{name}"
    api, update_api = "logging.projects.sinks.create", "logging.projects.sinks.update"
    fields = same("name", "destination", "filter", "description", "disabled")
    provider_only = frozenset({"uniqueWriterIdentity"})
    left_out = frozenset({"bigqueryOptions", "customWriterIdentity", "exclusions"})
    replace_on = frozenset({"name"})
    autoname = Autoname(longest=100)
    defaults = {"uniqueWriterIdentity": True}
    computed = ("writerIdentity",)

    def inputs(self, ctx: Context, record: Record) -> Json:
        return super().inputs(ctx, record) | {"uniqueWriterIdentity": record.live["unique"]}

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        record.live["unique"] = inputs.get("uniqueWriterIdentity", True)
        return ctx.world.put(record)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if known(body.get("filter")):
            filters.check(body["filter"])

    def extra(self, record: Record) -> Json:
        return {"writerIdentity": writer_of(record)}


def writer_of(sink: Record) -> str:
    """The account that a sink writes as; without an identity of its own, one that all projects share."""
    own = f"service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
    return (
        f"serviceAccount:{own if sink.live['unique'] else 'cloud-logs@system.gserviceaccount.com'}"
    )


class Job(RestResource):
    """A job of Cloud Scheduler that calls a URL."""

    token = "gcp:cloudscheduler/job:Job"
    name = JOB
    path = "projects/{project}/locations/{region}/jobs/{name}"
    api = "cloudscheduler.projects.locations.jobs.create"
    update_api = "cloudscheduler.projects.locations.jobs.patch"
    place = "region"
    fields = {
        **same("name", "description", "schedule", "timeZone", "attemptDeadline", "httpTarget"),
        **same("retryConfig"),
    }
    provider_only = frozenset({"paused"})
    left_out = frozenset({"appEngineHttpTarget", "pubsubTarget"})
    replace_on = frozenset({"name"})
    autoname = Autoname(longest=500)
    computed = ("state",)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        now = ctx.world.clock.now()
        ctx.world.wake(record, next_due(record.body["schedule"], now))
        return record

    def extra(self, record: Record) -> Json:
        return {"state": "ENABLED"}


def next_due(schedule: str, now: float) -> float:
    """When a job is due next: every minute, or every so many minutes of the hour."""
    minutes = re.fullmatch(r"\*(?:/(\d+))? \* \* \* \*", schedule)
    if minutes is None:
        raise refusals.by_provider(
            f"schedules other than every so many minutes are not emulated: {schedule!r}"
        )
    every = 60 * int(minutes[1] or 1)
    return (now // every + 1) * every
