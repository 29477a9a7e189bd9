"""What can go wrong at plan time. Each message is one line: what happened, which input, what to try."""

from __future__ import annotations

import difflib
import reprlib
import typing
from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

_SHOWN = 9
_LONGEST = 60
_NO_MAPPING = {"model_type", "dict_type", "model_attributes_type"}
_ABOUT_KEYS = {"extra_forbidden", "missing", "json_invalid"}
"""Problems whose input is the key's neighbourhood, or a whole file."""

_brief = reprlib.Repr()
_brief.maxlevel = 2


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


def first_problem(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """The first problem of a failed validation: "workload.requests_per_second: should be greater than 0, is -3".

    With the model that was read, an unknown key is told the nearest key of its place.
    """
    problem = error.errors(include_url=False)[0]
    steps = problem["loc"]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    path = ".".join(str(step) for step in steps)
    if problem["type"] == "extra_forbidden":
        said = (
            unknown("key", str(steps[-1]), _fields_at(model, steps[:-1]))
            if model
            else "unknown key"
        )
    elif problem["type"] in _NO_MAPPING:
        said = "should be a mapping of keys to values"
    else:
        said = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    of_the_whole = problem["type"] == "value_error" and isinstance(problem["input"], dict)
    about_a_value = problem["type"] not in _ABOUT_KEYS and not of_the_whole
    is_what = f", is {shown(problem['input'])}" if about_a_value else ""
    return f"{path}: {said}{is_what}{more}" if path else f"{said}{is_what}{more}"


def shown(value: Any) -> str:
    """A value as it was written, cut short."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | bytes):
        value = value[: 2 * _LONGEST]
    text = _brief.repr(value) if isinstance(value, dict | list) else repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _fields_at(model: type[BaseModel], steps: tuple[int | str, ...]) -> list[str]:
    """The keys that a nested model has at a place: follows annotations, through lists and optionals."""
    here: Any = model
    for step in steps:
        if isinstance(step, int):
            continue
        field = here.model_fields.get(step)
        here = _model_in(field.annotation) if field else None
        if here is None:
            return []
    return list(here.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
