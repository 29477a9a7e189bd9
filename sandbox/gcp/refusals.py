"""How Google's Compute API says no: its texts, as a Pulumi user sees them."""

from __future__ import annotations

import json
from typing import Any

from sandbox.refusal import Refusal


def error(status: int, message: str, reason: str) -> Refusal:
    """An answer of the API, as the provider shows it."""
    return Refusal(f"googleapi: Error {status}", f"{message}, {reason}")


def invalid(where: str, value: Any, why: str) -> Refusal:
    """A member has a value that its resource may not have."""
    shown = json.dumps(value) if isinstance(value, dict | list | bool) else value
    return error(400, f"Invalid value for field '{where}': '{shown}'. {why}", "invalid")


def malformed(where: str, value: Any, expected: str) -> Refusal:
    """A member has a value that is not of its type at all."""
    return error(400, f"Invalid value at '{where}' ({expected}), {json.dumps(value)}", "badRequest")


def unknown(where: str, name: str) -> Refusal:
    """The API has no such member."""
    text = (
        f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
    )
    return error(400, text, "badRequest")


def required(where: str) -> Refusal:
    """A member that must be there is not."""
    return error(400, f"Required field '{where}' not specified", "required")


def not_found(resource_id: str) -> Refusal:
    """Nothing of that name exists."""
    return error(404, f"The resource '{resource_id}' was not found", "notFound")


def already_exists(resource_id: str) -> Refusal:
    """The name is taken."""
    return error(409, f"The resource '{resource_id}' already exists", "alreadyExists")


def in_use(word: str, resource_id: str, user_id: str) -> Refusal:
    """Something still points at what should be deleted."""
    text = f"The {word} resource '{resource_id}' is already being used by '{user_id}'"
    return error(400, text, "resourceInUseByAnotherResource")


def by_provider(message: str) -> Refusal:
    """What the Terraform provider under Pulumi's refuses itself, before it calls the API."""
    return Refusal("invalid configuration", message)
