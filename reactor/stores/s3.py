"""A bucket of S3 as a compare-and-swap store: the tag of an object is its ETag."""

from __future__ import annotations

from dataclasses import dataclass

from reactor.amazon import Answer, call, client
from reactor.clock import CloudClock
from reactor.ports import CloudError, Stored

_ABSENT = frozenset({"NoSuchKey", "404"})
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", *_ABSENT})
"""Somebody wrote first, is writing now, or has deleted the object."""


@dataclass(frozen=True, slots=True)
class S3Store:
    """`bucket`'s objects."""

    clock: CloudClock
    region: str
    bucket: str

    def get(self, name: str) -> Stored | None:
        """See `reactor.ports.Store`."""

        def whole(**asked: str) -> Answer:
            answer = client("s3", self.region).get_object(**asked)
            return {**answer, "Body": answer["Body"].read()}

        try:
            answer = call(self.clock, whole, Bucket=self.bucket, Key=name)
        except CloudError as error:
            if error.code in _ABSENT:
                return None
            raise
        return Stored(answer["Body"], answer["ETag"])

    def put(self, name: str, body: bytes, tag: str | None) -> bool:
        """See `reactor.ports.Store`."""
        only = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            call(
                self.clock, client("s3", self.region).put_object, Bucket=self.bucket, Key=name,
                Body=body, ContentType="application/json", **only,
            )  # fmt: skip
        except CloudError as error:
            if error.code in _LOST:
                return False
            raise
        return True
