"""AWS's objects in buckets, and whom a bucket tells about new ones."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl, urlencode

from sandbox import bus, objects
from sandbox.assets import content
from sandbox.aws.buckets import OfBucket, bucket_arn, need_bucket
from sandbox.aws.deliveries import STORED
from sandbox.aws.functions import need_function
from sandbox.aws.invoking import invocable
from sandbox.aws.lookup import BUCKET_NOTIFICATION, OBJECT
from sandbox.aws.members import same
from sandbox.aws.row import PROVIDER, REGION
from sandbox.fields import UNKNOWN, Fields, Json, get, many, member
from sandbox.kind import Context, Request
from sandbox.refusal import Refusal
from sandbox.world import Record

_RULES = "Filter.Key.FilterRules"
_LISTENER: Fields = {
    **same("events", "id", "lambdaFunctionArn"),
    "filterPrefix": member(f"{_RULES}.prefix"),
    "filterSuffix": member(f"{_RULES}.suffix"),
}


class BucketNotification(OfBucket):
    """Which functions a bucket invokes when an object was created."""

    token = "aws:s3/bucketNotification:BucketNotification"
    name = BUCKET_NOTIFICATION
    api = update_api = "s3.PutBucketNotificationConfiguration"
    fields = {
        **same("bucket"),
        "lambdaFunctions": many(
            "NotificationConfiguration.LambdaFunctionConfigurations", _LISTENER
        ),
    }
    left_out = frozenset({"eventbridge", "queues", "topics"})

    def requests(self, body: Json, verb: str) -> list[Request]:
        """Filters as S3 lists them."""
        [call] = super().requests(body, verb)
        told = body.get("NotificationConfiguration", {})
        listeners = told.get("LambdaFunctionConfigurations", [])
        if isinstance(listeners, list):
            shown = [one if one == UNKNOWN else _listed(one) for one in listeners]
            told = {"LambdaFunctionConfigurations": shown}
        return [Request(call.operation, call.params | {"NotificationConfiguration": told})]

    def point(self, ctx: Context, body: Json) -> None:
        super().point(ctx, body)
        arn = bucket_arn(need_bucket(ctx, body["Bucket"]))
        told = body.get("NotificationConfiguration", {})
        for listener in told.get("LambdaFunctionConfigurations", []):
            function = need_function(ctx, listener["LambdaFunctionArn"])
            if not invocable(ctx, function, "s3.amazonaws.com", arn):
                words = "Unable to validate the following destination configurations"
                raise Refusal("InvalidArgument", words)


def _listed(listener: Json) -> Json:
    rules = get(listener, _RULES)
    if rules is None:
        return listener
    named = [{"Name": name, "Value": value} for name, value in rules.items()]
    return listener | {"Filter": {"Key": {"FilterRules": named}}}


class BucketObject(OfBucket):
    """An object."""

    token = "aws:s3/bucketObjectv2:BucketObjectv2"
    name = OBJECT
    api = update_api = "s3.PutObject"
    fields = {
        **same("bucket", "bucketKeyEnabled", "cacheControl", "checksumAlgorithm"),
        **same("contentDisposition", "contentEncoding", "contentLanguage", "contentType", "key"),
        **same("metadata", "objectLockLegalHoldStatus", "objectLockMode"),
        **same("objectLockRetainUntilDate", "serverSideEncryption", "storageClass"),
        "acl": member("ACL"),
        "content": member("Body"),
        "kmsKeyId": member("SSEKMSKeyId"),
        "source": member(f"{PROVIDER}.source"),
        "tags": member("Tagging", urlencode, lambda text: dict(parse_qsl(text))),
        "websiteRedirect": member("WebsiteRedirectLocation"),
    }
    provider_only = REGION | {"etag", "forceDestroy", "overrideProvider", "sourceHash"}
    left_out = frozenset({"contentBase64"})
    replace_on = REGION | {"bucket", "key"}
    computed = ("arn", "etag", "key", "region", "tagsAll", "versionId")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, f"{body['Bucket']}/{body['Key']}", body)

    def changed(self, ctx: Context, record: Record) -> None:
        """Written where it is not yet so: tags are changed without a new version."""
        body, source = record.body, record.body.get(PROVIDER, {}).get("source")
        data = content(source) if source else str(body.get("Body", "")).encode()
        now = objects.read(ctx.world, ctx.cloud, body["Bucket"], body["Key"])
        if now is None or now.body != data:
            put_object(ctx, need_bucket(ctx, body["Bucket"]), body["Key"], data)

    def delete(self, ctx: Context, record: Record) -> None:
        objects.erase(ctx.world, ctx.cloud, record.body["Bucket"], record.body["Key"])
        ctx.world.remove(record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        bucket, key = record.body["Bucket"], record.body["Key"]
        now = objects.read(ctx.world, ctx.cloud, bucket, key)
        return super().outputs(ctx, record) | {
            "arn": f"arn:aws:s3:::{bucket}/{key}",
            "etag": etag(now).strip('"') if now else "",
            "key": key,
            "versionId": str(now.version) if now else "",
        }


def put_object(
    ctx: Context, bucket: Record, key: str, data: bytes, *, version: int | None = None
) -> objects.Object:
    """Write an object and tell those who listen. Raises objects.Changed."""
    stored = objects.write(ctx.world, ctx.cloud, bucket.id, key, data, version=version)
    clock = ctx.world.clock
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": clock.iso(),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket.name, "arn": bucket_arn(bucket)},
            "object": {
                "key": key,
                "size": len(data),
                "eTag": etag(stored).strip('"'),
                "sequencer": f"{stored.version:016X}",
            },
        },
    }
    bus.post(ctx.world, bus.Event(ctx.cloud, bucket.region, STORED, record, clock.now()))
    return stored


def etag(stored: objects.Object) -> str:
    """The tag of an object: the digest of what is in it."""
    return f'"{hashlib.md5(stored.body, usedforsecurity=False).hexdigest()}"'
