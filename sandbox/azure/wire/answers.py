"""How the resource manager and storage say no, and what both do for every caller."""

from __future__ import annotations

from html import escape

from sandbox.azure.permissions import allowed
from sandbox.http import Reply
from sandbox.world import World


def arm_error(status: int, code: str, message: str, *, action: str = "", **headers: str) -> Reply:
    """A refusal of the resource manager."""
    error = {"error": {"code": code, "message": message}}
    return Reply.of(error, status, action=action, **headers)


def arm_denied(principal: str, action: str, scope: str) -> Reply:
    """The caller has no such right."""
    return arm_error(
        403,
        "AuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh "
        "your credentials.",
        action=action,
    )


def storage_error(status: int, code: str, message: str, *, action: str = "") -> Reply:
    """A refusal of storage: XML, with the code in a header too."""
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
    return Reply(status, text.encode(), {"x-ms-error-code": code}, "application/xml", action)


NO_TOKEN = storage_error(
    401, "InvalidAuthenticationInfo", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header."
)  # fmt: skip


def storage_denied(
    world: World, principal: str | None, action: str, scope: str, verb: str
) -> Reply | None:
    """Why a caller may not act on what is in a container or queue; None where it may."""
    if principal is None:
        return NO_TOKEN
    if allowed(world, principal, action, scope, data=True):
        return None
    return storage_error(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
        action=verb,
    )
