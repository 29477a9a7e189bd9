"""The bucket of one reactor region: the plan that Pulumi publishes, the state that the reactor remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from infra.naming import BUCKET_LIMIT, fit

_OLD_VERSIONS_DAYS = 7
"""The state is written every minute: its versions must not pile up."""


@dataclass(frozen=True, slots=True)
class StoreArgs:
    """Where the bucket is, and its tags."""

    region: str
    tags: Mapping[str, str]


class Store(pulumi.ComponentResource):
    """A private, versioned bucket; S3 encrypts every object by itself."""

    bucket: s3.Bucket

    def __init__(
        self, name: str, args: StoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:aws:Store", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = s3.Bucket(
            fit(name, BUCKET_LIMIT),
            region=args.region,
            force_destroy=True,  # what the reactor wrote is of no use without the stack
            tags=args.tags,
            opts=child,
        )
        s3.BucketPublicAccessBlock(
            name,
            region=args.region,
            bucket=self.bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        versioning = s3.BucketVersioning(
            name,
            region=args.region,
            bucket=self.bucket.bucket,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(
                status="Enabled"
            ),
            opts=child,
        )
        s3.BucketLifecycleConfiguration(
            name,
            region=args.region,
            bucket=self.bucket.bucket,
            rules=[
                s3.BucketLifecycleConfigurationRuleArgs(
                    id="old-versions",
                    status="Enabled",
                    filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=_OLD_VERSIONS_DAYS
                    ),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        self.register_outputs({"bucket": self.bucket.bucket})
