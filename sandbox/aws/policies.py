"""Policy documents: what is wrong with one, and whether it lets somebody do something.

As far as programs here use them: actions and resources with wildcards, principals that are services, and conditions that
compare texts. What goes beyond is refused when the policy is written, never taken for a yes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sandbox.fields import UNKNOWN, Json
from sandbox.refusal import Refusal

_VERSIONS = ("2012-10-17", "2008-10-17")
_KNOWN = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
_EFFECTS = ("Allow", "Deny")


def _like(pattern: str, value: str) -> bool:
    return bool(_wildcard(pattern).fullmatch(value))


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody wants to do something. `facts`: condition keys in lower case; `service`: who asks, where a service does."""

    action: str
    resource: str
    facts: Mapping[str, str] = field(default_factory=dict)
    service: str = ""


def check_document(text: str, *, resource: bool) -> None:
    """Refuse a document that AWS refuses, and what is not emulated. `resource`: whether it must name principals."""
    if text == UNKNOWN:
        return
    try:
        document = json.loads(text)
    except ValueError:
        raise _malformed("Syntax errors in policy.") from None
    if not isinstance(document, dict) or document.get("Version") not in _VERSIONS:
        raise _malformed("The policy must contain a valid version string")
    for statement in _statements(document):
        _check_statement(statement, resource=resource)


def allows(documents: list[str], ask: Ask) -> bool:
    """Whether some statement allows it and none denies it."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _statements(json.loads(document))
        if _applies(statement, ask)
    }
    return effects == {"Allow"}


def _statements(document: Json) -> list[Json]:
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _check_statement(statement: Any, *, resource: bool) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in _EFFECTS:
        raise _malformed("Syntax errors in policy.")
    if beyond := statement.keys() - _KNOWN:
        raise Refusal("NotEmulated", f"policy element {', '.join(sorted(beyond))}")
    if "Action" not in statement:
        raise _malformed("Policy statement must contain actions.")
    if resource and "Principal" not in statement:
        raise _malformed("Missing required field Principal")
    if not resource and "Principal" in statement:
        raise _malformed("Policy document should not specify a principal.")
    if not resource and "Resource" not in statement:
        raise _malformed("Policy statement must contain resources.")
    for action in _list(statement["Action"]):
        if action != "*" and ":" not in action:
            raise _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2")
    if beyond := statement.get("Condition", {}).keys() - _OPERATORS.keys():
        raise Refusal("NotEmulated", f"condition operator {', '.join(sorted(beyond))}")


def _applies(statement: Json, ask: Ask) -> bool:
    actions = [action.lower() for action in _list(statement["Action"])]
    if not any(_like(action, ask.action.lower()) for action in actions):
        return False
    resources = _list(statement.get("Resource", "*"))
    if not any(_like(resource, ask.resource) for resource in resources):
        return False
    if "Principal" in statement and not _named(statement["Principal"], ask.service):
        return False
    return all(
        key.lower() in ask.facts
        and any(_OPERATORS[operator](value, ask.facts[key.lower()]) for value in _list(values))
        for operator, key, values in _conditions(statement)
    )


def _named(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    return isinstance(principal, dict) and service in _list(principal.get("Service", []))


def _conditions(statement: Json) -> Iterator[tuple[str, str, Any]]:
    for operator, wanted in statement.get("Condition", {}).items():
        for key, values in wanted.items():
            yield operator, key, values


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@cache
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _malformed(words: str) -> Refusal:
    return Refusal("MalformedPolicyDocument", words)
