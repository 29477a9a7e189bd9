"""One call of one of Google's services, and how it fails."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.gcp.permissions import allowed
from sandbox.http import Reply, Request
from sandbox.kind import Context

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class Failure(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.status, self.reason, self.message = status, reason, message

    def reply(self, action: str = "") -> Reply:
        """As all of Google's JSON APIs write it."""
        error = {
            "code": self.status,
            "message": self.message,
            "errors": [{"message": self.message, "domain": "global", "reason": self.reason}],
            "status": _STATUS.get(self.status, "UNKNOWN"),
        }
        return Reply.of({"error": error}, self.status, action=action)


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks for what; `ctx.region` is that of the path."""

    ctx: Context
    member: str
    request: Request
    parts: dict[str, str]

    def need(self, permission: str, resource: str, *targets: str) -> None:
        """Fail where the caller may not do this in the project or on one of the targets."""
        if not allowed(self.ctx, self.member, permission, *targets):
            raise Failure(403, "forbidden", f"Required '{permission}' permission for '{resource}'")


def not_found(resource: str) -> Failure:
    """There is no such thing."""
    return Failure(404, "notFound", f"The resource '{resource}' was not found")
