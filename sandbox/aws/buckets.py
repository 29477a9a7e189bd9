"""AWS's buckets and how they are kept: versions, public access, life cycle."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from sandbox import objects
from sandbox.aws.lookup import BUCKET, BUCKET_ACCESS, BUCKET_LIFECYCLE, BUCKET_VERSIONING
from sandbox.aws.members import pairs, same, unpaired
from sandbox.aws.naming import NamedKind
from sandbox.aws.row import PROVIDER, REGION, AwsKind
from sandbox.fields import UNKNOWN, Fields, Json, many, member, nested
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Bucket(NamedKind):
    """A bucket. Its name is nobody else's in the world, hence no second one in any region."""

    token = "aws:s3/bucket:Bucket"
    name = BUCKET
    api = "s3.CreateBucket"
    ident = named_by = "Bucket"
    also = ("PutBucketTagging",)
    fields = {
        **same("bucket", "bucketNamespace"),
        "bucketPrefix": member(f"{PROVIDER}.namePrefix"),
        "forceDestroy": member(f"{PROVIDER}.forceDestroy"),
        "objectLockEnabled": member("ObjectLockEnabledForBucket"),
        "tags": member("PutBucketTagging.Tagging.TagSet", pairs, unpaired),
    }
    left_out = frozenset(
        {
            *("accelerationStatus", "acl", "corsRules", "grants", "lifecycleRules", "logging"),
            *("objectLockConfiguration", "policy", "replicationConfiguration", "requestPayer"),
            *("serverSideEncryptionConfiguration", "versioning", "website"),
        }
    )
    replace_on = REGION | {"bucket", "bucketNamespace", "bucketPrefix", "objectLockEnabled"}
    autoname = Autoname(field="bucket", longest=63, lower=True, unless=("bucketPrefix",))
    defaults = {"forceDestroy": False}
    computed = (
        "arn",
        "bucket",
        "bucketDomainName",
        "bucketRegionalDomainName",
        "region",
        "tagsAll",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if body["Bucket"] != UNKNOWN and not _NAME.fullmatch(body["Bucket"]):
            raise Refusal(
                "InvalidBucketName", f"The specified bucket is not valid. ({body['Bucket']})"
            )

    def rivals(self, other: Record, body: Json) -> bool:
        return False

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        if ctx.world.get(ctx.cloud, self.name, name):
            raise Refusal(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
        return self.add(ctx, name, body, name=name)

    def delete(self, ctx: Context, record: Record) -> None:
        """Its settings go along; what is in it only where the program said so."""
        left = objects.listed(ctx.world, ctx.cloud, record.id)
        if left and not record.body.get(PROVIDER, {}).get("forceDestroy"):
            raise Refusal(
                "BucketNotEmpty",
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
            )
        for stored in left:
            objects.erase(ctx.world, ctx.cloud, record.id, stored.name)
        for child in ctx.world.children(record):
            ctx.world.remove(child)
        ctx.world.remove(record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "arn": bucket_arn(record),
            "bucket": record.name,
            "bucketDomainName": f"{record.name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{record.name}.s3.{record.region}.amazonaws.com",
        }


class OfBucket(AwsKind):
    """Something that a bucket has once."""

    ident = "Bucket"
    replace_on = REGION | {"bucket"}
    computed: ClassVar[tuple[str, ...]] = ("region",)

    def parents(self, body: Json) -> list[str]:
        return [body["Bucket"]]

    def point(self, ctx: Context, body: Json) -> None:
        need_bucket(ctx, body["Bucket"])

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, body["Bucket"], body)


class BucketVersioning(OfBucket):
    """Whether a bucket keeps what objects were before."""

    token = "aws:s3/bucketVersioning:BucketVersioning"
    name = BUCKET_VERSIONING
    api = update_api = "s3.PutBucketVersioning"
    replace_on = REGION | {"bucket", "expectedBucketOwner"}
    fields = {
        **same("bucket", "expectedBucketOwner"),
        "mfa": member("MFA"),
        "versioningConfiguration": nested(
            "VersioningConfiguration", {**same("status"), "mfaDelete": member("MFADelete")}
        ),
    }


class BucketPublicAccessBlock(OfBucket):
    """What a bucket never gives to everybody."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    name = BUCKET_ACCESS
    api = update_api = "s3.PutPublicAccessBlock"
    fields = {
        **same("bucket"),
        **{
            name: member(f"PublicAccessBlockConfiguration.{name[0].upper()}{name[1:]}")
            for name in (
                *("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls"),
                "restrictPublicBuckets",
            )
        },
    }
    provider_only = REGION | {"skipDestroy"}


_SIZES = same("objectSizeGreaterThan", "objectSizeLessThan", "prefix")
_FILTER: Fields = {
    **_SIZES,
    "and": nested("And", {**_SIZES, "tags": member("Tags", pairs, unpaired)}),
    "tag": nested("Tag", same("key", "value")),
}
_NONCURRENT = same("noncurrentDays", "newerNoncurrentVersions")
_RULE: Fields = {
    **same("status", "prefix"),
    "id": member("ID"),
    "abortIncompleteMultipartUpload": nested(
        "AbortIncompleteMultipartUpload", same("daysAfterInitiation")
    ),
    "expiration": nested("Expiration", same("date", "days", "expiredObjectDeleteMarker")),
    "filter": nested("Filter", _FILTER),
    "noncurrentVersionExpiration": nested("NoncurrentVersionExpiration", _NONCURRENT),
    "noncurrentVersionTransitions": many(
        "NoncurrentVersionTransitions", {**_NONCURRENT, **same("storageClass")}
    ),
    "transitions": many("Transitions", same("date", "days", "storageClass")),
}


class BucketLifecycleConfiguration(OfBucket):
    """When a bucket forgets."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    name = BUCKET_LIFECYCLE
    api = update_api = "s3.PutBucketLifecycleConfiguration"
    replace_on = REGION | {"bucket", "expectedBucketOwner"}
    fields = {
        **same("bucket", "expectedBucketOwner", "transitionDefaultMinimumObjectSize"),
        "rules": many("LifecycleConfiguration.Rules", _RULE),
    }
    provider_only = REGION | {"timeouts"}

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        rules: Any = body.get("LifecycleConfiguration", {}).get("Rules", [])
        for rule in rules if isinstance(rules, list) else []:
            if rule != UNKNOWN and ("Filter" in rule) == ("Prefix" in rule):
                raise Refusal("MalformedXML", "a rule has either a Filter or a Prefix")


def need_bucket(ctx: Context, name: str) -> Record:
    """The bucket of a name, in whichever region it is."""
    return ctx.need(BUCKET, name, Refusal("NoSuchBucket", "The specified bucket does not exist"))


def bucket_arn(bucket: Record) -> str:
    """A bucket's ARN, which names neither region nor account."""
    return f"arn:aws:s3:::{bucket.name}"
