"""Azure's HTTP APIs as far as programs at run time call them: scale sets and machines, blobs, queues, tokens.

One port: the resource manager by its paths, storage by host names or, for clients that take an address, by path.
"""

from __future__ import annotations

from sandbox.azure.arm import GROUPS
from sandbox.azure.storage import ACCOUNTS
from sandbox.azure.wire import blob, compute, manager, queue, tokens
from sandbox.azure.wire.answers import arm_error, storage_error
from sandbox.functions import Functions
from sandbox.http import THROTTLE, Reply, Request
from sandbox.world import Record, World


class AzureFace:
    """See `sandbox.http.Face`."""

    def __init__(self, world: World, functions: Functions) -> None:
        self._world = world

    def handle(self, request: Request) -> Reply:
        if request.path.startswith("/msi/"):
            return tokens.answer(self._world, request)
        if _arm(request):
            return manager.answer(self._world, request, compute.ROUTES)
        service, account, rest = _storage(request)
        home = self._account(account)
        if home is None:
            return storage_error(404, "ResourceNotFound", "The specified resource does not exist.")
        answer = queue.answer if service == "queue" else blob.answer
        return answer(self._world, home, rest, request)

    def region(self, request: Request) -> str:
        if request.path.startswith("/msi/"):
            return ""
        if _arm(request):
            group = "/".join(request.path.split("/")[:5]).lower()
            homes = (r for r in self._world.all("azure", GROUPS) if r.id.lower() == group)
            home = next(homes, None)
        else:
            home = self._account(_storage(request)[1])
        return home.region if home else ""

    def fault(self, request: Request, fault: str) -> Reply:
        if _arm(request) or request.path.startswith("/msi/"):
            if fault == THROTTLE:
                return arm_error(429, "TooManyRequests", "The request is being throttled.", Retry_After="1")  # fmt: skip
            return arm_error(500, "InternalServerError", "An unexpected error has occurred.")
        if fault == THROTTLE:
            return storage_error(503, "ServerBusy", "The server is busy.")
        return storage_error(500, "InternalError", "The server encountered an internal error.")

    def _account(self, name: str) -> Record | None:
        return next((a for a in self._world.all("azure", ACCOUNTS) if a.name == name), None)


def _arm(request: Request) -> bool:
    return request.path.lower().startswith("/subscriptions/")


def _storage(request: Request) -> tuple[str, str, str]:
    """Service, account and the path within it."""
    host = request.headers.get("host", "").split(":")[0]
    if host.endswith(".core.windows.net"):
        account, service, *_ = host.split(".")
        return service, account, request.path.lstrip("/")
    account, _, rest = request.path.lstrip("/").partition("/")
    return "blob", account, rest
