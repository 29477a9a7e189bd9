"""Cloud Storage: buckets, the objects that programs put there, and what is told of new ones."""

from __future__ import annotations

import re
from typing import ClassVar

from sandbox import objects
from sandbox.assets import content
from sandbox.bus import Event, post
from sandbox.fields import Json, member, nested
from sandbox.gcp import refusals
from sandbox.gcp.rest import BUCKET, NOTIFICATION, OBJECT, PUBSUB, TOPIC, Reference, RestResource
from sandbox.gcp.shapes import digits, known, same
from sandbox.kind import Autoname, Context, Request
from sandbox.world import Record

_NAME = re.compile(r"[a-z0-9][-a-z0-9_]{1,61}[a-z0-9]")
FINALIZED = "storage.finalized"
IN_BUCKET = (Reference("bucket", BUCKET),)


class Bucket(RestResource):
    """A bucket."""

    token = "gcp:storage/bucket:Bucket"
    name = BUCKET
    path = "{name}"
    api, update_api = "storage.buckets.insert", "storage.buckets.patch"
    place = "location"
    labelled = True
    fields = {
        **same("name", "labels", "storageClass", "versioning", "website", "rpo"),
        **same("defaultEventBasedHold", "hierarchicalNamespace", "autoclass"),
        "location": member("location"),
        "requesterPays": member("billing.requesterPays"),
        "uniformBucketLevelAccess": member("iamConfiguration.uniformBucketLevelAccess.enabled"),
        "publicAccessPrevention": member("iamConfiguration.publicAccessPrevention"),
        "softDeletePolicy": nested(
            "softDeletePolicy", {"retentionDurationSeconds": digits("retentionDurationSeconds")}
        ),
    }
    provider_only = frozenset({"forceDestroy"})
    left_out = frozenset(
        {
            *("cors", "customPlacementConfig", "enableObjectRetention", "encryption", "ipFilter"),
            *("lifecycleRules", "logging", "retentionPolicy"),
        }
    )
    replace_on = frozenset({"name", "location", "hierarchicalNamespace"})
    autoname = Autoname(longest=63, lower=True)
    defaults = {"forceDestroy": False, "storageClass": "STANDARD"}
    computed = ("projectNumber", "selfLink", "url")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        if known(body.get("name")) and not _NAME.fullmatch(body["name"]):
            raise refusals.error(400, f"Invalid bucket name: '{body['name']}'", "invalid")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        record.live["forced"] = bool(inputs.get("forceDestroy"))
        return ctx.world.put(record)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        record.live["forced"] = bool(inputs.get("forceDestroy"))
        super().update(ctx, record, body, inputs)

    def delete(self, ctx: Context, record: Record) -> None:
        left = objects.listed(ctx.world, ctx.cloud, record.id)
        if left and not record.live["forced"]:
            raise refusals.error(409, "The bucket you tried to delete is not empty.", "conflict")
        for stored in left:
            objects.erase(ctx.world, ctx.cloud, record.id, stored.name)
        ctx.world.remove(record)

    def inputs(self, ctx: Context, record: Record) -> Json:
        return super().inputs(ctx, record) | {"forceDestroy": record.live["forced"]}

    def extra(self, record: Record) -> Json:
        return {
            "projectNumber": 424242424242,
            "selfLink": f"https://www.googleapis.com/storage/v1/b/{record.id}",
            "url": f"gs://{record.id}",
        }


class BucketObject(RestResource):
    """An object with the content that the program gives it; who else writes it, overwrites it."""

    token = "gcp:storage/bucketObject:BucketObject"
    name = OBJECT
    api = "storage.objects.insert"
    references = IN_BUCKET
    fields = {
        **same("bucket", "name", "cacheControl", "contentDisposition", "contentEncoding"),
        **same("contentLanguage", "contentType", "metadata", "storageClass", "kmsKeyName"),
        **same("eventBasedHold", "temporaryHold"),
    }
    provider_only = frozenset(
        {"content", "source", "detectMd5hash", "sourceMd5hash", "forceEmptyContentType"}
    )
    left_out = frozenset({"contexts", "customerEncryption", "retention"})
    replace_on = frozenset(
        {"bucket", "name", "source", "contentType", "cacheControl", "contentEncoding"}
    )
    autoname = Autoname(longest=1024)
    computed: ClassVar[tuple[str, ...]] = ("generation", "mediaLink", "outputName", "selfLink")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        """The content is no member of the request and cannot be judged here."""

    def id_of(self, ctx: Context, body: Json) -> str:
        return f"{body['bucket']}-{body['name']}"

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        return self._store(ctx, record, inputs)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        super().update(ctx, record, body, inputs)
        self._store(ctx, record, inputs)

    def _store(self, ctx: Context, record: Record, inputs: Json) -> Record:
        given = {name: inputs[name] for name in ("content", "source") if name in inputs}
        if len(given) != 1:
            raise refusals.by_provider('one of "content" or "source" must be specified')
        body = content(given["source"]) if "source" in given else str(given["content"]).encode()
        if record.live.get("given") != given:
            stored = put_object(ctx, record.body["bucket"], record.body["name"], body)
            record.live |= {"given": given, "generation": stored.version}
        return ctx.world.put(record)

    def delete(self, ctx: Context, record: Record) -> None:
        objects.erase(ctx.world, ctx.cloud, record.body["bucket"], record.body["name"])
        ctx.world.remove(record)

    def inputs(self, ctx: Context, record: Record) -> Json:
        return super().inputs(ctx, record) | dict(record.live["given"])

    def extra(self, record: Record) -> Json:
        bucket, name = record.body["bucket"], record.body["name"]
        link = f"https://www.googleapis.com/storage/v1/b/{bucket}/o/{name}"
        return {
            "generation": record.live["generation"],
            "mediaLink": f"{link}?alt=media",
            "outputName": name,
            "selfLink": link,
        }


class BucketNotification(RestResource):
    """A message for every change of objects that begin so."""

    token = "gcp:storage/notification:Notification"
    name = NOTIFICATION
    path = "{bucket}/notificationConfigs/{number}"
    api = "storage.notifications.insert"
    references = (
        *IN_BUCKET,
        Reference("topic", TOPIC),
    )
    fields = {
        **same("bucket"),
        "topic": member("topic", lambda v: f"{PUBSUB}{v}", lambda v: v.removeprefix(PUBSUB)),
        "payloadFormat": member("payload_format"),
        "eventTypes": member("event_types"),
        "objectNamePrefix": member("object_name_prefix"),
        "customAttributes": member("custom_attributes"),
    }
    replace_on = frozenset(fields)
    computed = ("notificationId", "selfLink")

    def requests(self, body: Json, verb: str) -> list[Request]:
        return [
            Request(self.api, {name: value for name, value in body.items() if name != "bucket"})
        ]

    def extra(self, record: Record) -> Json:
        number = record.id.rsplit("/", 1)[-1]
        link = f"https://www.googleapis.com/storage/v1/b/{record.id}"
        return {"notificationId": number, "selfLink": link}


def put_object(
    ctx: Context, bucket: str, name: str, body: bytes, *, version: int | None = None
) -> objects.Object:
    """Write an object and tell those who want to know. Raises `objects.Changed`."""
    stored = objects.write(ctx.world, ctx.cloud, bucket, name, body, version=version)
    attributes = {
        "bucketId": bucket,
        "objectId": name,
        "objectGeneration": str(stored.version),
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "NONE",
        "eventTime": ctx.world.clock.iso(stored.at),
    }
    post(ctx.world, Event(ctx.cloud, ctx.region, FINALIZED, attributes, stored.at))
    return stored
