"""The metadata server: what a machine or a function's process learns about itself, its tokens, and a machine's end."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable

from sandbox.fields import get
from sandbox.gcp.capacity import template_of
from sandbox.gcp.iam import NUMBER
from sandbox.gcp.life import GROUP
from sandbox.gcp.permissions import account_exists, bearer
from sandbox.gcp.tokens import id_token
from sandbox.http import Dead, Reply, Request
from sandbox.kind import Context
from sandbox.machines import MACHINE
from sandbox.market import SPOT
from sandbox.world import Record

_ROOT = "/computeMetadata/v1/"
_ACCOUNTS = "instance/service-accounts/default/"
_FLAVOR = {"Metadata-Flavor": "Google"}
_LOOK_S = 0.05
_LONGEST_WAIT_S = 120.0


def metadata(ctx: Context, machine: Record, request: Request) -> Reply:
    """See `sandbox.metadata`. With wait_for_change it answers once the value is another than `last_etag` says."""
    if not request.path.startswith(_ROOT):
        return Reply(200, b"computeMetadata/\n", _FLAVOR, "application/text")
    if request.headers.get("metadata-flavor") != "Google" or "x-forwarded-for" in request.headers:
        return Reply(403, b"", content_type="text/html")
    wait_s = _wait_s(request)
    last, until = request.query.get("last_etag"), time.monotonic() + wait_s
    while True:
        text = _value(ctx, machine, request)
        if text is None:
            return Reply(404, b"", _FLAVOR, "text/html")
        tag = hashlib.sha256(text.encode()).hexdigest()[:16]
        last = tag if last is None else last
        if tag != last or time.monotonic() >= until or not wait_s:
            return Reply(200, text.encode(), {**_FLAVOR, "ETag": tag}, "application/text")
        time.sleep(_LOOK_S)
        machine = _still(ctx, machine)


def _still(ctx: Context, machine: Record) -> Record:
    """The machine as it is now; nobody answers once it is gone, or the clouds are closed in the midst of a wait."""
    try:
        known = ctx.world.get(ctx.cloud, MACHINE, machine.id)
    except sqlite3.ProgrammingError:
        known = None
    if known is None:
        raise Dead
    return known


def account_page(
    ctx: Context, email: str, request: Request, machine: Record | None = None
) -> str | None:
    """What the server tells about the account that runs here."""
    page = request.path.removeprefix(_ROOT).removeprefix(_ACCOUNTS)
    if not account_exists(ctx, email):
        return None
    if page == "token":
        token = bearer(ctx.world, f"serviceAccount:{email}")
        return json.dumps({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
    if page == "identity":
        full = machine if request.query.get("format") == "full" else None
        return id_token(ctx, email, request.query.get("audience", ""), full)
    if page == "email":
        return email
    if page == "" and request.query.get("recursive") == "true":
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        return json.dumps({"aliases": ["default"], "email": email, "scopes": scopes})
    return None


def function_page(ctx: Context, email: str, request: Request) -> Reply:
    """The metadata server of a function's process."""
    if request.headers.get("metadata-flavor") != "Google":
        return Reply(403, b"", content_type="text/html")
    path = request.path.removeprefix(_ROOT)
    page = PROJECT.get(path)
    text = page(ctx) if page else account_page(ctx, email, request)
    if text is None:
        return Reply(404, b"", _FLAVOR, "text/html")
    return Reply(200, text.encode(), _FLAVOR, "application/text")


def user_data(ctx: Context, machine: Record) -> str | None:
    """What the machine was told to do at its first start."""
    return _attributes(ctx, machine).get("user-data")


def _wait_s(request: Request) -> float:
    if request.query.get("wait_for_change", "").lower() != "true":
        return 0.0
    return min(float(request.query.get("timeout_sec") or _LONGEST_WAIT_S), _LONGEST_WAIT_S)


def _value(ctx: Context, machine: Record, request: Request) -> str | None:
    path = request.path.removeprefix(_ROOT)
    if path.startswith(_ACCOUNTS):
        email = _account(ctx, machine)
        return account_page(ctx, email, request, machine) if email else None
    if path.startswith("instance/attributes/"):
        return _attributes(ctx, machine).get(path.rsplit("/", 1)[-1])
    project = PROJECT.get(path)
    page = PAGES.get(path)
    return project(ctx) if project else page(ctx, machine) if page else None


def _preempted(_: Context, machine: Record) -> str:
    ends = machine.body["deadline"] is not None and machine.body["market"] == SPOT
    return "TRUE" if ends else "FALSE"


def _template(ctx: Context, machine: Record) -> Record | None:
    group = ctx.world.get(ctx.cloud, GROUP, machine.body["group"])
    return template_of(ctx, group) if group else None


def _attributes(ctx: Context, machine: Record) -> dict[str, str]:
    template = _template(ctx, machine)
    items = get(template.body, "properties.metadata.items") if template else None
    return {item["key"]: item["value"] for item in items or ()}


def _account(ctx: Context, machine: Record) -> str:
    template = _template(ctx, machine)
    accounts = template.body["properties"].get("serviceAccounts") if template else None
    return str(accounts[0]["email"]) if accounts else ""


PROJECT: dict[str, Callable[[Context], str]] = {
    "project/project-id": lambda ctx: ctx.account,
    "project/numeric-project-id": lambda _: NUMBER,
}
PAGES: dict[str, Callable[[Context, Record], str]] = {
    "instance/id": lambda _, machine: str(machine.live["number"]),
    "instance/name": lambda _, machine: machine.name,
    "instance/zone": lambda _, machine: f"projects/{NUMBER}/zones/{machine.body['zone']}",
    "instance/machine-type": lambda _, m: (
        f"projects/{NUMBER}/machineTypes/{m.body['instance_type']}"
    ),
    "instance/maintenance-event": lambda *_: "NONE",
    "instance/preempted": _preempted,
}
