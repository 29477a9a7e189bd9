"""One call of one of AWS's services, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.aws.identity import permitted
from sandbox.aws.policies import Ask
from sandbox.functions import Functions
from sandbox.http import Request
from sandbox.kind import Context


class Failure(Exception):
    """An answer that is an error; each service writes it in its own form."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks which operation of which service, in the region of `ctx`. `service` is the name of its permissions."""

    ctx: Context
    functions: Functions
    principal: str
    service: str
    operation: str
    request: Request

    def need(
        self, resource: str, facts: Mapping[str, str] | None = None, *, action: str = ""
    ) -> None:
        """Fail where the caller may not do this."""
        if not self.may(resource, facts, action=action):
            raise self.denied(resource, action=action)

    def may(
        self, resource: str, facts: Mapping[str, str] | None = None, *, action: str = ""
    ) -> bool:
        """Whether the caller may do this; `action`: where it is not named as the operation."""
        ask = Ask(f"{self.service}:{action or self.operation}", resource, facts or {})
        return permitted(self.ctx, self.principal, ask)

    def denied(self, resource: str, *, action: str = "") -> Failure:
        """Why not."""
        verb = f"{self.service}:{action or self.operation}"
        words = (
            f"User: {self.principal} is not authorized to perform: {verb} on resource: {resource} because no "
            f"identity-based policy allows the {verb} action"
        )
        return Failure(403, "AccessDenied", words)


def tag_facts(tags: Mapping[str, str]) -> dict[str, str]:
    """The condition keys that a resource's tags give."""
    return {f"aws:resourcetag/{key}".lower(): value for key, value in tags.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation returns: members of its output, or a body as it is."""

    members: Mapping[str, object] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
