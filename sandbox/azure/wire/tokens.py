"""The identity endpoint of apps: tokens for the identities that an app has, against the secret that its process was given."""

from __future__ import annotations

from sandbox import callers
from sandbox.azure.apps import SITES
from sandbox.azure.permissions import AUDIENCES, identity_of, token
from sandbox.fields import get
from sandbox.http import Reply, Request
from sandbox.world import World


def answer(world: World, request: Request) -> Reply:
    """GET /msi/token?api-version=2019-08-01&resource=..[&client_id=..] with X-IDENTITY-HEADER."""
    found = callers.caller(world, "azure", request.headers.get("x-identity-header", ""))
    kind, _, app_id = (found or "").partition(" ")
    app = world.get("azure", SITES, app_id) if kind == "app" else None
    if app is None:
        return Reply.of({"statusCode": 401, "message": "the header is missing or wrong"}, 401)
    audience = request.query.get("resource", "")
    if audience.rstrip("/") not in AUDIENCES or "api-version" not in request.query:
        return Reply.of({"statusCode": 400, "message": f"no tokens for '{audience}'"}, 400)
    wanted = request.query.get("client_id")
    for name in get(app.body, "identity.userAssignedIdentities") or {}:
        identity = identity_of(world, name)
        if identity and wanted in (None, identity.live["clientId"]):
            return Reply.of(token(world, identity, audience))
    return Reply.of({"statusCode": 400, "message": "no such identity is assigned"}, 400)
