"""Who may do what: role assignments at a scope and above it, built-in roles and the program's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fnmatch import fnmatchcase

from sandbox import callers
from sandbox.azure.builtin_roles import BUILT_IN
from sandbox.azure.identity import RoleAssignment, RoleDefinition, UserAssignedIdentity
from sandbox.fields import Json
from sandbox.http import Request
from sandbox.world import Record, World

ARM, STORAGE = "https://management.azure.com", "https://storage.azure.com"
AUDIENCES = (ARM, STORAGE)
TOKEN_S = 24 * 3600


def token(world: World, identity: Record, audience: str) -> Json:
    """What an identity endpoint hands out. Tokens live by real time, as clients compare it with their own clocks."""
    principal = f"{identity.live['principalId']} {audience.rstrip('/')}"
    return {
        "access_token": callers.issue(world, "azure", principal),
        "client_id": identity.live["clientId"],
        "expires_in": str(TOKEN_S),
        "expires_on": str(int(time.time()) + TOKEN_S),
        "resource": audience,
        "token_type": "Bearer",
    }


def caller(world: World, request: Request, audience: str) -> str | None:
    """The principal behind a bearer token for this audience."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    found = callers.caller(world, "azure", value) if kind.lower() == "bearer" else None
    principal, _, meant = (found or "").partition(" ")
    return principal if principal and meant == audience else None


def identity_of(world: World, identity_id: str) -> Record | None:
    """A user-assigned identity by its id, in any case."""
    for identity in world.all("azure", UserAssignedIdentity.name):
        if identity.id.lower() == identity_id.lower():
            return identity
    return None


def allowed(world: World, principal: str, action: str, scope: str, *, data: bool = False) -> bool:
    """Whether a principal may act on a resource (its id); `data`: on what is in it."""
    kept, dropped = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return any(
        _any(permission.get(kept), action) and not _any(permission.get(dropped), action)
        for permission in _permissions(world, principal, scope.lower())
    )


def _permissions(world: World, principal: str, scope: str) -> Iterator[Json]:
    for assignment in world.all("azure", RoleAssignment.name):
        inside = assignment.body["properties"]
        above = assignment.id.split(f"/providers/{RoleAssignment.name}/")[0].lower()
        if inside["principalId"] != principal or not f"{scope}/".startswith(f"{above}/"):
            continue
        role = inside["roleDefinitionId"]
        if defined := world.get("azure", RoleDefinition.name, role):
            yield from defined.body["properties"].get("permissions") or ()
        elif known := BUILT_IN.get(role.rsplit("/", 1)[-1]):
            yield {"actions": known.actions, "dataActions": known.data}


def _any(patterns: object, action: str) -> bool:
    """A star stands for anything, between two slashes for nothing too."""
    listed = [str(p).lower() for p in patterns] if isinstance(patterns, list | tuple) else []
    spelled = [*listed, *(pattern.replace("/*/", "/") for pattern in listed)]
    return any(fnmatchcase(action.lower(), pattern) for pattern in spelled)
