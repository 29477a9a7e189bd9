"""The calls of S3 that read and write objects, path style: /bucket/key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import formatdate

from sandbox import objects
from sandbox.aws.buckets import bucket_arn
from sandbox.aws.lookup import BUCKET
from sandbox.aws.stored import etag, put_object
from sandbox.aws.wire.call import Answer, Call, Failure
from sandbox.world import Record

_LOST = Failure(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")  # fmt: skip
_NO_KEY = Failure(404, "NoSuchKey", "The specified key does not exist.")


def _get(call: Call) -> Answer:
    bucket, key = _place(call)
    call.need(f"{bucket_arn(bucket)}/{key}", action="GetObject")
    stored = objects.read(call.ctx.world, call.ctx.cloud, bucket.id, key)
    if stored is None:
        call.need(bucket_arn(bucket), action="ListBucket")
        raise _NO_KEY
    tag = etag(stored)
    headers = {"ETag": tag, "Last-Modified": formatdate(stored.at, usegmt=True)}
    if call.request.headers.get("if-none-match") == tag:
        return Answer(body=b"", status=304, headers=headers)
    return Answer(body=stored.body, headers=headers | {"Content-Type": "application/json"})


def _put(call: Call) -> Answer:
    bucket, key = _place(call)
    call.need(f"{bucket_arn(bucket)}/{key}")
    with call.ctx.world.change():
        version = _expected(call, bucket, key)
        try:
            stored = put_object(call.ctx, bucket, key, call.request.body, version=version)
        except objects.Changed:
            raise _LOST from None
    return Answer(body=b"", headers={"ETag": etag(stored)})


def _delete(call: Call) -> Answer:
    bucket, key = _place(call)
    call.need(f"{bucket_arn(bucket)}/{key}")
    objects.erase(call.ctx.world, call.ctx.cloud, bucket.id, key)
    return Answer(body=b"", status=204)


OPERATIONS: Mapping[str, Callable[[Call], Answer]] = {
    "GetObject": _get,
    "HeadObject": _get,
    "PutObject": _put,
    "DeleteObject": _delete,
}


def _place(call: Call) -> tuple[Record, str]:
    name, _, key = call.request.path.strip("/").partition("/")
    bucket = call.ctx.world.get(call.ctx.cloud, BUCKET, name)
    if bucket is None:
        raise Failure(404, "NoSuchBucket", "The specified bucket does not exist")
    if bucket.region != call.ctx.region:
        raise Failure(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.",
            {"x-amz-bucket-region": bucket.region},
        )
    return bucket, key


def _expected(call: Call, bucket: Record, key: str) -> int | None:
    """The version that the write replaces, by its conditions; None where it has none."""
    wanted = call.request.headers.get("if-match")
    if call.request.headers.get("if-none-match") == "*":
        return 0
    if wanted is None:
        return None
    now = objects.read(call.ctx.world, call.ctx.cloud, bucket.id, key)
    if now is None:
        raise _NO_KEY
    if etag(now) != wanted:
        raise _LOST
    return now.version
