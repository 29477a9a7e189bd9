"""Blobs of all accounts, and the events that tell of new ones."""

from __future__ import annotations

from sandbox import objects
from sandbox.bus import Event, post
from sandbox.kind import Context
from sandbox.world import World

CREATED = "Microsoft.Storage.BlobCreated"
ACCOUNTS = "Microsoft.Storage/storageAccounts"


def bucket(account: str, container: str) -> str:
    """The name of a container among all object stores."""
    return f"{account}/{container}"


def read_blob(world: World, account: str, container: str, name: str) -> objects.Object | None:
    """A blob, or None."""
    return objects.read(world, "azure", bucket(account, container), name)


def write_blob(
    ctx: Context, account: str, container: str, name: str, body: bytes, version: int | None = None
) -> objects.Object:
    """Write one and let Event Grid know. With `version` only over that one (0: none). Raises objects.Changed."""
    written = objects.write(
        ctx.world, ctx.cloud, bucket(account, container), name, body, version=version
    )
    home = next(a for a in ctx.world.all(ctx.cloud, ACCOUNTS) if a.name == account)
    event = {
        "id": f"blob-{written.version}",
        "source": home.id,
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "type": CREATED,
        "time": ctx.world.clock.iso(written.at),
        "data": {
            "api": "PutBlob",
            "eTag": etag(written),
            "contentLength": len(body),
            "blobType": "BlockBlob",
            "url": f"https://{account}.blob.core.windows.net/{container}/{name}",
        },
    }
    post(ctx.world, Event(ctx.cloud, home.region, CREATED, event, written.at))
    return written


def etag(blob: objects.Object) -> str:
    """A blob's version as Azure says it, without the quotes."""
    return f"0x{blob.version:015X}"
