"""The instance metadata service of EC2, version 2: what a machine learns about itself, its end and its credentials."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sandbox.aws.capacity import specifications
from sandbox.aws.identity import session
from sandbox.aws.life import LEAD_S
from sandbox.aws.lookup import GROUP, INSTANCE_PROFILE
from sandbox.aws.templates import template_data
from sandbox.aws.wire.signature import Credentials
from sandbox.aws.zones import zone_name
from sandbox.fields import Json
from sandbox.http import Reply, Request
from sandbox.kind import Context
from sandbox.market import SPOT
from sandbox.world import Record

_TOKEN = "x-aws-ec2-metadata-token"
_LIFETIME = "x-aws-ec2-metadata-token-ttl-seconds"
_CREDENTIALS = "meta-data/iam/security-credentials/"
_NONE = Reply(404, b"", content_type="text/html")

Page = Callable[[Context, Record], str | None]


def metadata(ctx: Context, machine: Record, request: Request) -> Reply:
    """See `sandbox.metadata`."""
    token = hashlib.sha256(f"{machine.id}/metadata".encode()).hexdigest()
    if "x-forwarded-for" in request.headers:
        return Reply(403, b"", content_type="text/html")
    if (request.method, request.path) == ("PUT", "/latest/api/token"):
        if not 1 <= int(request.headers.get(_LIFETIME) or 0) <= 21_600:
            return Reply(400, b"", content_type="text/html")
        return Reply(200, token.encode(), content_type="text/plain")
    if request.headers.get(_TOKEN) != token:
        return Reply(401, b"", content_type="text/html")
    path = request.path.removeprefix("/latest/")
    role = _role(ctx, machine)
    if role and path == f"{_CREDENTIALS}{role}":
        return Reply(200, _credentials(ctx, machine, role).encode(), content_type="text/plain")
    page = PAGES.get(path)
    text = page(ctx, machine) if page else None
    return _NONE if text is None else Reply(200, text.encode(), content_type="text/plain")


def user_data(ctx: Context, machine: Record) -> str | None:
    """What the machine was told to do at its first start."""
    text = _template(ctx, machine).get("UserData")
    return base64.b64decode(text).decode() if text else None


def _action(ctx: Context, machine: Record) -> str | None:
    if not _ends(machine):
        return None
    at = ctx.world.clock.iso(machine.body["deadline"])
    return json.dumps({"action": "terminate", "time": at})


def _termination(ctx: Context, machine: Record) -> str | None:
    return ctx.world.clock.iso(machine.body["deadline"]) if _ends(machine) else None


def _recommendation(ctx: Context, machine: Record) -> str | None:
    if not _ends(machine):
        return None
    return json.dumps({"noticeTime": ctx.world.clock.iso(machine.body["deadline"] - LEAD_S)})


def _identity(ctx: Context, machine: Record) -> str:
    return json.dumps(
        {
            "accountId": ctx.account,
            "architecture": "x86_64",
            "availabilityZone": zone_name(machine.region, machine.body["zone"]),
            "imageId": _template(ctx, machine)["ImageId"],
            "instanceId": machine.id,
            "instanceType": machine.body["instance_type"],
            "pendingTime": ctx.world.clock.iso(machine.body["ready_at"]),
            "region": machine.region,
            "version": "2017-09-30",
        }
    )


def _credentials(ctx: Context, machine: Record, role: str) -> str:
    """They end by the machine's own clock."""
    known = Credentials.of(ctx.world, session(ctx, role, machine.id))
    now = datetime.now(UTC)
    return json.dumps(
        {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": known.key_id,
            "SecretAccessKey": known.secret,
            "Token": known.token,
            "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Expiration": f"{now + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}",
        }
    )


def _ends(machine: Record) -> bool:
    return machine.body["deadline"] is not None and machine.body["market"] == SPOT


def _role(ctx: Context, machine: Record) -> str | None:
    """The role in the instance profile of the machine's template."""
    named = _template(ctx, machine).get("IamInstanceProfile", {})
    name = named.get("Name") or str(named.get("Arn", "")).rsplit("/", 1)[-1]
    profile = ctx.world.get(ctx.cloud, INSTANCE_PROFILE, name)
    role: str | None = (
        profile.body.get("AddRoleToInstanceProfile", {}).get("RoleName") if profile else None
    )
    return role


def _template(ctx: Context, machine: Record) -> Json:
    group = ctx.world.get(ctx.cloud, GROUP, machine.body["group"])
    return template_data(ctx, specifications(group.body)[0]) if group else {"ImageId": ""}


PAGES: Mapping[str, Page] = {
    "dynamic/instance-identity/document": _identity,
    "meta-data/events/recommendations/rebalance": _recommendation,
    _CREDENTIALS: _role,
    "meta-data/iam/security-credentials": _role,
    "meta-data/instance-id": lambda _, machine: machine.id,
    "meta-data/instance-life-cycle": lambda _, m: (
        "spot" if m.body["market"] == SPOT else "on-demand"
    ),
    "meta-data/instance-type": lambda _, machine: str(machine.body["instance_type"]),
    "meta-data/placement/availability-zone": lambda _, m: zone_name(m.region, m.body["zone"]),
    "meta-data/placement/availability-zone-id": lambda _, machine: str(machine.body["zone"]),
    "meta-data/placement/region": lambda _, machine: machine.region,
    "meta-data/spot/instance-action": _action,
    "meta-data/spot/termination-time": _termination,
    "user-data": user_data,
}
