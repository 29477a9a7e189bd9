"""The HTTP face of GCP: finds out who calls what, lets it answer, and writes what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.clouds import context
from sandbox.fields import Json
from sandbox.functions import Functions
from sandbox.gcp.deliveries import function_at, may_invoke
from sandbox.gcp.permissions import OWNER, member_of
from sandbox.gcp.rest import BUCKET
from sandbox.gcp.tokens import caller_of
from sandbox.gcp.wire import groups, storage
from sandbox.gcp.wire.call import Call, Failure
from sandbox.http import THROTTLE, Reply, Request
from sandbox.refusal import Refusal
from sandbox.world import Record, World

_GROUPS = (
    r"(?:/compute/v1)?/projects/(?P<project>[^/]+)/regions/(?P<region>[^/]+)/instanceGroupManagers"
)
_OBJECTS = r"(?:/download)?/storage/v1/b/(?P<bucket>[^/]+)/o"
_FUNCTION_HOST = re.compile(r"(?P<region>[a-z]+-[a-z]+\d+)-.+\.cloudfunctions\.net")


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: re.Pattern[str]
    action: str
    answer: Callable[[Call], Json | Reply]


def _route(method: str, path: str, action: str, answer: Callable[[Call], Json | Reply]) -> _Route:
    return _Route(method, re.compile(path), action, answer)


_MANAGERS = "compute.regionInstanceGroupManagers"
ROUTES = (
    _route("GET", _GROUPS, f"{_MANAGERS}.list", groups.list_groups),
    _route("GET", f"{_GROUPS}/(?P<name>[^/]+)", f"{_MANAGERS}.get", groups.get_group),
    _route("POST", f"{_GROUPS}/(?P<name>[^/]+)/listManagedInstances", f"{_MANAGERS}.listManagedInstances", groups.list_machines),
    _route("GET", f"{_GROUPS}/(?P<name>[^/]+)/listErrors", f"{_MANAGERS}.listErrors", groups.list_errors),
    _route("POST", f"{_GROUPS}/(?P<name>[^/]+)/resize", f"{_MANAGERS}.resize", groups.set_size),
    _route("POST", f"{_GROUPS}/(?P<name>[^/]+)/deleteInstances", f"{_MANAGERS}.deleteInstances", groups.delete_machines),
    _route(
        "GET",
        r"(?:/compute/v1)?/projects/(?P<project>[^/]+)/regions/(?P<region>[^/]+)/operations/(?P<name>[^/]+)",
        "compute.regionOperations.get",
        groups.get_operation,
    ),
    _route(
        "POST",
        r"(?:/compute/v1)?/projects/(?P<project>[^/]+)/regions/(?P<region>[^/]+)/operations/(?P<name>[^/]+)/wait",
        "compute.regionOperations.wait",
        groups.get_operation,
    ),
    _route(
        "GET",
        r"(?:/compute/v1)?/projects/(?P<project>[^/]+)/zones/(?P<zone>[^/]+)/instances/(?P<name>[^/]+)",
        "compute.instances.get",
        groups.get_machine,
    ),
    _route("GET", f"{_OBJECTS}/(?P<name>.+)", "storage.objects.get", storage.read_object),
    _route("DELETE", f"{_OBJECTS}/(?P<name>.+)", "storage.objects.delete", storage.delete_object),
    _route("POST", r"/upload/storage/v1/b/(?P<bucket>[^/]+)/o", "storage.objects.insert", storage.write_object),
    _route(
        "GET",
        r"/v1/projects/(?P<project>[^/]+)/secrets/(?P<name>[^/]+)/versions/[^/]+:access",
        "secretmanager.projects.secrets.versions.access",
        storage.access_secret,
    ),
)  # fmt: skip


class GcpFace:
    """See `sandbox.http.Face`."""

    def __init__(self, world: World, functions: Functions) -> None:
        self._world, self._functions = world, functions

    def region(self, request: Request) -> str:
        """See `sandbox.http.Face`."""
        host = _FUNCTION_HOST.fullmatch(request.headers.get("host", ""))
        if host:
            return host["region"]
        _, parts = _find(request)
        bucket = self._world.get("gcp", BUCKET, parts.get("bucket", ""))
        zone = parts.get("zone", "").rpartition("-")[0]
        return parts.get("region") or zone or (bucket.region if bucket else "")

    def fault(self, request: Request, fault: str) -> Reply:
        """See `sandbox.http.Face`."""
        route, _ = _find(request)
        compute = route is not None and route.action.startswith("compute.")
        if fault == THROTTLE and compute:
            return Failure(403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'.").reply()  # fmt: skip
        if fault == THROTTLE:
            return Failure(429, "rateLimitExceeded", "Rate limit exceeded.").reply()
        return Failure(503, "backendError", "Backend Error").reply()

    def handle(self, request: Request) -> Reply:
        """See `sandbox.http.Face`."""
        function = function_at(
            context(self._world, "gcp", ""),
            f"https://{request.headers.get('host', '')}{request.path}",
        )
        if function:
            return self._invoked(function, request)
        route, parts = _find(request)
        action = route.action if route else ""
        try:
            answer = self._answered(route, parts, request)
        except Failure as failure:
            return failure.reply(action)
        except Refusal as refusal:
            return Failure(400, "invalid", refusal.message).reply(action)
        if isinstance(answer, Reply):
            return Reply(answer.status, answer.body, answer.headers, answer.content_type, action)
        return Reply.of(answer, action=action)

    def _answered(
        self, route: _Route | None, parts: dict[str, str], request: Request
    ) -> Json | Reply:
        member = member_of(self._world, _bearer(request))
        if member is None:
            raise Failure(401, "authError", "Request had invalid authentication credentials.")
        if route is None and member != OWNER:  # no role that is known here has a right to it
            raise Failure(403, "forbidden", f"Permission denied on {request.method} {request.path}")
        if route is None:
            raise Failure(404, "notFound", f"{request.method} {request.path} is not served")
        ctx = context(self._world, "gcp", parts.get("region", ""))
        if parts.get("project", ctx.account) != ctx.account:
            raise Failure(404, "notFound", f"The resource 'projects/{parts['project']}' was not found")  # fmt: skip
        with self._world.change():
            return route.answer(Call(ctx, member, request, parts))

    def _invoked(self, function: Record, request: Request) -> Reply:
        """A function's own address: who calls is checked before it runs."""
        ctx = context(self._world, "gcp", function.region)
        action = "run.routes.invoke"
        audience = f"https://{request.headers['host']}{request.path}".rstrip("/")
        email = caller_of(ctx, _bearer(request), audience)
        if email is None:
            return Reply(401, b"Unauthorized", content_type="text/html", action=action)
        if not may_invoke(ctx, function, f"serviceAccount:{email}"):
            return Reply(403, b"Forbidden", content_type="text/html", action=action)
        headers = {"Content-Type": request.headers.get("content-type", "application/json")}
        outcome = self._functions.invoke(function, {"headers": headers, "body": request.body.decode(errors="replace")})  # fmt: skip
        status = int(outcome.value or 500)
        return Reply(status, b"", content_type="text/html", action=action)


def _find(request: Request) -> tuple[_Route | None, dict[str, str]]:
    path = request.target.partition("?")[0]
    for route in ROUTES:
        if route.method == request.method and (found := route.path.fullmatch(path)):
            return route, {name: unquote(text) for name, text in found.groupdict().items()}
    return None, {}


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
