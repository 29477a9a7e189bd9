"""The calls of Cloud Storage that read and write objects, and Secret Manager's one call."""

from __future__ import annotations

import base64
import json
from email.parser import BytesParser
from email.policy import HTTP

from sandbox import objects
from sandbox.fields import Json
from sandbox.gcp.rest import BUCKET
from sandbox.gcp.storage import put_object
from sandbox.gcp.wire.call import Call, Failure
from sandbox.http import Reply


def read_object(call: Call) -> Reply:
    """objects.get, of the content with alt=media."""
    bucket, name = _bucket(call), call.parts["name"]
    call.need("storage.objects.get", f"{bucket}/{name}", bucket)
    found = objects.read(call.ctx.world, call.ctx.cloud, bucket, name)
    if found is None:
        # whoever may not list is not told that an object is missing
        call.need("storage.objects.list", bucket, bucket)
        raise Failure(404, "notFound", f"No such object: {bucket}/{name}")
    if call.request.query.get("ifGenerationNotMatch") == str(found.version):
        return Reply(304)
    media = call.request.query.get("alt") == "media" or call.request.path.startswith("/download/")
    if not media:
        return Reply.of(_facts(bucket, found))
    headers = {"X-Goog-Generation": str(found.version), "ETag": f'"{found.version}"'}
    return Reply(200, found.body, headers, "application/octet-stream")


def write_object(call: Call) -> Reply:
    """objects.insert, with the content alone or with its metadata before it."""
    bucket, query = _bucket(call), call.request.query
    name, body = query.get("name", ""), call.request.body
    if query.get("uploadType") == "multipart":
        name, body = _parts(call)
    call.need("storage.objects.create", f"{bucket}/{name}", bucket)
    if objects.read(call.ctx.world, call.ctx.cloud, bucket, name):
        call.need("storage.objects.delete", f"{bucket}/{name}", bucket)  # to write over it
    given = query.get("ifGenerationMatch")
    try:
        stored = put_object(call.ctx, bucket, name, body, version=None if given is None else int(given))  # fmt: skip
    except objects.Changed:
        raise Failure(
            412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."
        ) from None
    return Reply.of(_facts(bucket, stored))


def delete_object(call: Call) -> Reply:
    """objects.delete"""
    bucket, name = _bucket(call), call.parts["name"]
    call.need("storage.objects.delete", f"{bucket}/{name}", bucket)
    objects.erase(call.ctx.world, call.ctx.cloud, bucket, name)
    return Reply(204)


def access_secret(call: Call) -> Json:
    """secrets.versions.access: secrets are settings of the world, `secret/gcp/<name>`."""
    name = call.parts["name"]
    call.need("secretmanager.versions.access", f"secrets/{name}", name)
    value = call.ctx.world.setting(f"secret/gcp/{name}", "")
    if not value:
        raise Failure(404, "notFound", f"Secret [{name}] not found or has no versions.")
    path = f"projects/{call.ctx.account}/secrets/{name}/versions/1"
    return {"name": path, "payload": {"data": base64.b64encode(value.encode()).decode()}}


def _bucket(call: Call) -> str:
    name = call.parts["bucket"]
    if call.ctx.world.get(call.ctx.cloud, BUCKET, name) is None:
        raise Failure(404, "notFound", "The specified bucket does not exist.")
    return name


def _parts(call: Call) -> tuple[str, bytes]:
    """Name and content of a multipart upload."""
    kind = call.request.headers.get("content-type", "")
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + call.request.body)  # fmt: skip
    facts, media = (bytes(part.get_payload(decode=True)) for part in message.iter_parts())
    return str(json.loads(facts).get("name", "")), media


def _facts(bucket: str, found: objects.Object) -> Json:
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{found.name}/{found.version}",
        "name": found.name,
        "bucket": bucket,
        "generation": str(found.version),
        "metageneration": "1",
        "size": str(len(found.body)),
    }
