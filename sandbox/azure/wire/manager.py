"""The resource manager: who calls, what they ask for, whether they may, and answers in pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.azure.permissions import ARM, allowed, caller
from sandbox.azure.wire.answers import arm_denied, arm_error
from sandbox.clouds import endpoint
from sandbox.fields import Json
from sandbox.http import Reply, Request
from sandbox.world import World

_PAGE = 100
_VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call by a known principal; `path`: the parts of its path by name."""

    world: World
    request: Request
    principal: str
    path: dict[str, str]

    def may(self, action: str, scope: str) -> bool:
        """Whether the caller has the right."""
        return allowed(self.world, self.principal, action, scope)

    def denied(self, action: str, scope: str) -> Reply:
        """That it has not."""
        return arm_denied(self.principal, action, scope)

    def page(self, items: list[Json], action: str) -> Reply:
        """A list, a hundred at a time."""
        start = int(self.request.query.get("$skiptoken", "0"))
        page: Json = {"value": items[start : start + _PAGE]}
        if start + _PAGE < len(items):
            base = self.request.target.split("&%24skiptoken")[0]
            rest = f"{base}&%24skiptoken={start + _PAGE}"
            page["nextLink"] = f"{endpoint(self.world, 'azure')}{rest}"
        return Reply.of(page, action=action)


Handler = Callable[[Call], Reply]


def answer(world: World, request: Request, routes: Sequence[tuple[str, str, Handler]]) -> Reply:
    """Any call; one that no route takes is refused like an unknown type."""
    principal = caller(world, request, ARM)
    if principal is None:
        return arm_error(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing or invalid.")  # fmt: skip
    if "api-version" not in request.query:
        return arm_error(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")  # fmt: skip
    for method, pattern, handler in routes:
        found = re.fullmatch(pattern, request.path, re.IGNORECASE)
        if found and request.method == method:
            return handler(Call(world, request, principal, found.groupdict()))
    return _not_emulated(Call(world, request, principal, {}))


def _not_emulated(call: Call) -> Reply:
    """Whatever it is, the caller needs a right to it first."""
    path, method = call.request.path, call.request.method
    namespace, *rest = re.sub(r"^.*/providers/", "", path).split("/")
    action = "/".join([namespace, *rest[::2], _VERBS.get(method, "action")])
    if not call.may(action, path):
        return call.denied(action, path)
    return arm_error(404, "InvalidResourceType", f"The resource type could not be found for {method} {path}.")  # fmt: skip
