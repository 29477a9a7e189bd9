"""What can go wrong at plan time. Each message is one line: what happened, which input, what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import ValidationError

_SHOWN = 9


class AllocatorError(Exception):
    """Any input or demand that no plan can be made from."""


class SpecError(AllocatorError):
    """The stack's configuration is missing, misspelt or contradicts itself."""


class DataError(AllocatorError):
    """A snapshot, workload or profile file is missing or broken."""


class InfeasibleError(AllocatorError):
    """No plan meets the demand within the limits; says which limit binds and what would help."""


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """ "unknown GPU 'L5'; did you mean L4?", or where nothing is near, the first few that are known."""
    names = sorted(set(known))
    if near := difflib.get_close_matches(given, names, n=2, cutoff=0.5):
        return f"unknown {what} {given!r}; did you mean {' or '.join(near)}?"
    some = ", ".join(names[:_SHOWN]) + (
        f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
    )
    return f"unknown {what} {given!r}; known: {some or 'none'}"


def first_problem(error: ValidationError) -> str:
    """The first problem of a failed validation: "workload.requests_per_second: should be greater than 0, is -3"."""
    problem = error.errors(include_url=False)[0]
    path = ".".join(str(step) for step in problem["loc"])
    said = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    given = problem["input"]
    shown = f", is {given!r}" if isinstance(given, str | int | float) else ""
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}: {said}{shown}{more}" if path else f"{said}{shown}{more}"
