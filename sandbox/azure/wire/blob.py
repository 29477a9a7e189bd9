"""Blobs over HTTP: read, write under a condition, delete."""

from __future__ import annotations

import re
from email.utils import formatdate

from sandbox import objects
from sandbox.azure.blobs import bucket, etag, read_blob, write_blob
from sandbox.azure.permissions import STORAGE, caller
from sandbox.azure.storage import CONTAINERS
from sandbox.azure.wire.answers import storage_denied, storage_error
from sandbox.clouds import context_of
from sandbox.http import Reply, Request
from sandbox.world import Record, World

_RIGHTS = {
    "GET": ("GetBlob", "read"),
    "HEAD": ("GetBlobProperties", "read"),
    "PUT": ("PutBlob", "write"),
    "DELETE": ("DeleteBlob", "delete"),
}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def answer(world: World, account: Record, path: str, request: Request) -> Reply:
    """CONTAINER/NAME of an account."""
    container, _, name = path.partition("/")
    verb, right = _RIGHTS.get(request.method, ("", ""))
    if not verb or not name or "comp" in request.query:
        return storage_error(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")  # fmt: skip
    home = f"{account.id}/blobServices/default/containers/{container}"
    principal = caller(world, request, STORAGE)
    denied = storage_denied(world, principal, f"{CONTAINERS}/blobs/{right}", home, verb)
    if denied:
        return denied
    if world.get("azure", CONTAINERS, home) is None:
        return storage_error(404, "ContainerNotFound", "The specified container does not exist.", action=verb)  # fmt: skip
    with world.change():
        blob = read_blob(world, account.name, container, name)
        if request.method == "PUT":
            return _put(world, account, container, name, blob, request)
        if blob is None:
            return storage_error(404, "BlobNotFound", "The specified blob does not exist.", action=verb)  # fmt: skip
        if failed := _unmet(request, blob, verb):
            return failed
        if request.method == "DELETE":
            objects.erase(world, "azure", bucket(account.name, container), name)
            return Reply(202, action=verb)
    return _read(request, blob, verb)


def _put(
    world: World, account: Record, container: str, name: str, blob: objects.Object | None, request: Request
) -> Reply:  # fmt: skip
    if request.headers.get("x-ms-blob-type") != "BlockBlob":
        return storage_error(400, "InvalidHeaderValue", "x-ms-blob-type must be BlockBlob.", action="PutBlob")  # fmt: skip
    if failed := _unmet(request, blob, "PutBlob"):
        return failed
    written = write_blob(context_of(world, account), account.name, container, name, request.body)
    return Reply(201, b"", _headers(written), action="PutBlob")


def _unmet(request: Request, blob: objects.Object | None, verb: str) -> Reply | None:
    """What the request's conditions have against the blob as it is."""
    tag = f'"{etag(blob)}"' if blob else None
    match, none_match = (request.headers.get(name) for name in ("if-match", "if-none-match"))
    if match is not None and (tag is None or match not in ("*", tag, etag_only(tag))):
        return storage_error(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.", action=verb)  # fmt: skip
    if none_match is None or tag is None or none_match not in ("*", tag, etag_only(tag)):
        return None
    if verb in ("GetBlob", "GetBlobProperties"):
        return Reply(304, action=verb)
    if none_match == "*":
        return storage_error(409, "BlobAlreadyExists", "The specified blob already exists.", action=verb)  # fmt: skip
    return storage_error(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.", action=verb)  # fmt: skip


def etag_only(tag: str) -> str:
    """A tag without its quotes, as some clients send it back."""
    return tag.strip('"')


def _read(request: Request, blob: objects.Object, verb: str) -> Reply:
    headers = _headers(blob) | {"x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(request.headers.get("x-ms-range") or request.headers.get("range") or "")  # fmt: skip
    if request.method == "HEAD" or asked is None or not blob.body:
        return Reply(200, blob.body, headers, "application/octet-stream", verb)
    first, last = int(asked[1]), int(asked[2] or len(blob.body) - 1)
    part = blob.body[first : last + 1]
    if not part:
        return storage_error(416, "InvalidRange", "The range specified is invalid.", action=verb)
    headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(blob.body)}"
    return Reply(206, part, headers, "application/octet-stream", verb)


def _headers(blob: objects.Object) -> dict[str, str]:
    return {"ETag": f'"{etag(blob)}"', "Last-Modified": formatdate(blob.at, usegmt=True)}
