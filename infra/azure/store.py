"""What a reactor's region keeps: the plan and the state in a container, notices in a queue, the package beside them.

Keys of the account are off: everybody comes with a role. Whoever runs `pulumi up` needs Storage Blob Data Contributor, as
the provider uploads with its own token.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_azure_native import storage

from infra.naming import Owner

PLAN_CONTAINER = "plan"
NOTICES = "notices"
_ACCOUNT_STEM = 24 - 8
_PACKAGE = "released-package.zip"
"""The name under which a Flex Consumption app looks for its package."""


@dataclass(frozen=True, slots=True)
class StoreArgs:
    """Where it is, and the function's zip."""

    resource_group: pulumi.Output[str]
    region: str
    package: Path
    owner: Owner


class Store(pulumi.ComponentResource):
    """`plan_url`, `package_url`: of the containers; `queue_url`: where machines tell; `container`, `queue`: for roles."""

    account: storage.StorageAccount
    container: storage.BlobContainer
    queue: storage.Queue
    package: storage.Blob
    plan_url: pulumi.Output[str]
    package_url: pulumi.Output[str]
    queue_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: StoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:azure:Store", name, {}, opts)
        self._group, self._child = args.resource_group, pulumi.ResourceOptions(parent=self)
        self.account = storage.StorageAccount(
            re.sub(r"[^a-z0-9]", "", f"{args.owner.stack}{args.region}".lower())[:_ACCOUNT_STEM],
            resource_group_name=args.resource_group,
            location=args.region,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_LRS"),
            allow_shared_key_access=False,
            allow_blob_public_access=False,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            tags=args.owner.tags(),
            opts=self._child,
        )
        self.container = self._container(f"{name}-plan", PLAN_CONTAINER)
        self.queue = self._queue(name, NOTICES)
        self._queue(f"{name}-poison", f"{NOTICES}-poison")
        self.package = self._upload(name, args.package)
        self.plan_url = self._url("blob", self.container.name)
        self.package_url = self._url("blob", self.package.name.apply(lambda _: self._digest))
        self.queue_url = self._url("queue", self.queue.name)
        self.register_outputs({"plan_url": self.plan_url})

    def _upload(self, name: str, package: Path) -> storage.Blob:
        """In a container of its own, whose name changes with the package: that restarts the app with the new one."""
        self._digest = f"package-{hashlib.sha256(package.read_bytes()).hexdigest()[:16]}"
        container = self._container(f"{name}-{self._digest}", self._digest)
        return storage.Blob(
            f"{name}-{self._digest}",
            resource_group_name=self._group,
            account_name=self.account.name,
            container_name=container.name,
            blob_name=_PACKAGE,
            source=pulumi.FileAsset(str(package)),
            content_type="application/zip",
            opts=self._child,
        )

    def _container(self, name: str, container: str) -> storage.BlobContainer:
        return storage.BlobContainer(
            name,
            resource_group_name=self._group,
            account_name=self.account.name,
            container_name=container,
            public_access=storage.PublicAccess.NONE,
            opts=self._child,
        )

    def _queue(self, name: str, queue: str) -> storage.Queue:
        return storage.Queue(
            name,
            resource_group_name=self._group,
            account_name=self.account.name,
            queue_name=queue,
            opts=self._child,
        )

    def _url(self, service: str, name: pulumi.Output[str]) -> pulumi.Output[str]:
        return pulumi.Output.concat(
            "https://", self.account.name, f".{service}.core.windows.net/", name
        )
