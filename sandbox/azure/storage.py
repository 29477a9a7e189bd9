"""Storage accounts, their blob containers, queues and blobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox import objects
from sandbox.assets import content
from sandbox.azure.arm import ArmKind, group_id, known_value
from sandbox.azure.blobs import bucket, write_blob
from sandbox.bus import done, held
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Autoname, Context, Kind, Request
from sandbox.refusal import Refusal, Unmapped
from sandbox.world import Record

ACCOUNTS = "Microsoft.Storage/storageAccounts"
CONTAINERS = f"{ACCOUNTS}/blobServices/containers"
QUEUES = f"{ACCOUNTS}/queueServices/queues"


class StorageAccount(ArmKind):
    """Its name is a host name, and so nobody else's."""

    token = "azure-native:storage:StorageAccount"
    name = ACCOUNTS
    name_input = "accountName"
    fixed = frozenset({"location", "kind"})
    most_name = 24
    renamed: ClassVar[Mapping[str, str]] = {
        "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
        "enableNfsV3": "isNfsV3Enabled",
        "networkRuleSet": "networkAcls",
    }
    computed = (*ArmKind.computed, "primaryEndpoints", "primaryLocation", "creationTime")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        for needed in ("sku", "kind"):
            if needed not in body:
                raise Refusal("InvalidRequestContent", f"Required property '{needed}' not found.")
        tier = known_value(body, "sku.name")
        kind = known_value(body, "kind")
        if kind == "BlockBlobStorage" and tier and not tier.startswith("Premium"):
            raise Refusal("InvalidRequestPropertyValue", f"Account kind {kind} does not go with sku {tier}.")  # fmt: skip

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = inputs[self.name_input]
        if not re.fullmatch(r"[a-z0-9]{3,24}", name):
            raise Refusal(
                "AccountNameInvalid",
                f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters "
                "in length and use numbers and lower-case letters only.",
            )
        if any(other.name == name for other in ctx.world.all(ctx.cloud, self.name)):
            raise Refusal("StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")  # fmt: skip
        return super().create(ctx, body, inputs)

    def delete(self, ctx: Context, record: Record) -> None:
        for inside in ctx.world.all(ctx.cloud, CONTAINERS):
            if inside.id.startswith(f"{record.id}/"):
                BlobContainer().delete(ctx, inside)
        super().delete(ctx, record)

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("creationTime", ctx.world.clock.iso())

    def outputs(self, ctx: Context, record: Record) -> Json:
        hosts = {part: f"https://{record.name}.{part}.core.windows.net/" for part in ("blob", "queue", "table")}  # fmt: skip
        return super().outputs(ctx, record) | {
            "primaryEndpoints": hosts,
            "primaryLocation": record.region,
            "creationTime": record.live["creationTime"],
        }


class _InAccount(ArmKind):
    """A part of an account's service, which is called default."""

    name = ACCOUNTS
    name_input = "name"
    path_inputs = ("accountName",)
    computed: ClassVar[tuple[str, ...]] = ("name", "type")

    def arm_id(self, ctx: Context, inputs: Json) -> str:
        service, collection = self.name.split("/")[2:]
        account = account_id(ctx, inputs)
        return f"{account}/{service}/default/{collection}/{inputs[self.name_input]}"

    def _home(self, ctx: Context, record_id: str) -> Record:
        account = record_id.rsplit("/", 4)[0]
        gone = Refusal("ParentResourceNotFound", f"Failed to perform 'write' on resource(s) of '{self.name}', because the parent resource '{account}' could not be found.")  # fmt: skip
        return ctx.need(ACCOUNTS, account, gone)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        check_name(inputs[self.name_input], self.name_input)
        return super().create(ctx, body, inputs)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"name": record.name, "type": self.name}


class BlobContainer(_InAccount):
    """A folder of blobs, which go with it."""

    token = "azure-native:storage:BlobContainer"
    name = CONTAINERS
    name_input = "containerName"
    most_name = 63

    def delete(self, ctx: Context, record: Record) -> None:
        account = record.id.split("/")[8]
        for blob in objects.listed(ctx.world, ctx.cloud, bucket(account, record.name)):
            objects.erase(ctx.world, ctx.cloud, bucket(account, record.name), blob.name)
        super().delete(ctx, record)


class Queue(_InAccount):
    """Messages on their way; they go with it."""

    token = "azure-native:storage:Queue"
    name = QUEUES
    name_input = "queueName"
    most_name = 63

    def delete(self, ctx: Context, record: Record) -> None:
        for message in held(ctx.world, record.id):
            done(ctx.world, message)
        super().delete(ctx, record)


class Blob(Kind):
    """Uploaded by the provider with its own token, through no management API: there is no model to check against."""

    token = "azure-native:storage:Blob"
    name = "azure-native:storage:Blob"
    api = "PutBlob"
    _members = frozenset({"accessTier", "contentMd5", "contentType", "metadata", "source", "type"})
    provider_only = frozenset({"resourceGroupName", "accountName", "containerName", "blobName"})
    replace_on = provider_only | {"contentMd5", "source", "type"}
    computed = ("name", "url")
    defaults: ClassVar[dict[str, Any]] = {"type": "Block"}
    autoname = Autoname("blobName", "", 8, 1024)

    def body(self, inputs: Json) -> Json:
        given = {k: v for k, v in inputs.items() if k not in self.provider_only}
        for name in given.keys() - self._members:
            raise Unmapped(name)
        return given

    def requests(self, body: Json, verb: str) -> list[Request]:
        return []

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        kind = body.get("type", "Block")
        if kind not in ("Block", "Append", UNKNOWN):
            raise Refusal("InvalidBlobType", f"The blob type '{kind}' is not one of Block, Append.")
        if kind == "Append" and "source" in body:
            raise Refusal("InvalidBlobType", "An append blob is made empty: it takes no source.")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        account, container, name = (inputs[k] for k in ("accountName", "containerName", "blobName"))
        home = f"{account_id(ctx, inputs)}/blobServices/default/containers/{container}"
        gone = Refusal("ContainerNotFound", f"The specified container '{container}' does not exist.")  # fmt: skip
        holder = ctx.need(CONTAINERS, home, gone)
        path = {k: inputs[k] for k in self.provider_only if k in inputs}
        record = Record(ctx.cloud, self.name, f"{home}/blobs/{name}", holder.region, body, name, parents=[home], live={"path": path})  # fmt: skip
        write_blob(ctx, account, container, name, content(body["source"]) if body.get("source") else b"")  # fmt: skip
        return ctx.world.put(record)

    def delete(self, ctx: Context, record: Record) -> None:
        path = record.live["path"]
        objects.erase(ctx.world, ctx.cloud, bucket(path["accountName"], path["containerName"]), record.name)  # fmt: skip
        ctx.world.remove(record)

    def inputs(self, ctx: Context, record: Record) -> Json:
        read: Json = record.body | record.live["path"]
        return read

    def outputs(self, ctx: Context, record: Record) -> Json:
        path = record.live["path"]
        host = f"https://{path['accountName']}.blob.core.windows.net"
        return {"name": record.name, "url": f"{host}/{path['containerName']}/{record.name}"}


def account_id(ctx: Context, inputs: Json) -> str:
    """The account that something lives in."""
    group = group_id(ctx.account, inputs["resourceGroupName"])
    return f"{group}/providers/{ACCOUNTS}/{inputs['accountName']}"


def check_name(name: str, what: str) -> None:
    """Containers and queues: 3 to 63 lower-case letters, digits and single hyphens."""
    if not re.fullmatch(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", name):
        raise Refusal("InvalidResourceName", f"The specified resource name contains invalid characters: {what} '{name}'.")  # fmt: skip
