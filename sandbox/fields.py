"""Field maps: from a Pulumi resource's inputs to the members of the vendor's API, and back.

A map is a dict from Pulumi's input name (camelCase) to a `Field`. Paths are dotted, relative to the object that
encloses the field; an empty path puts the members of a nested object into the enclosing one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.refusal import Unmapped

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's marker for a value that preview cannot know yet."""

Json = dict[str, Any]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """Where one input goes. `fields` maps a nested object (or, with `many`, each object of a list)."""

    path: str
    fields: Mapping[str, Field] | None = None
    many: bool = False
    to: Callable[[Any], Any] = _same
    back: Callable[[Any], Any] = _same


Fields = Mapping[str, Field]


def member(
    path: str, to: Callable[[Any], Any] = _same, back: Callable[[Any], Any] = _same
) -> Field:
    """A single value (or free-form object) under another name; `to` and `back` convert it."""
    return Field(path, to=to, back=back)


def nested(path: str, fields: Fields) -> Field:
    """An object whose members are mapped one by one."""
    return Field(path, fields)


def many(path: str, fields: Fields) -> Field:
    """A list of objects whose members are mapped one by one."""
    return Field(path, fields, many=True)


def forward(fields: Fields, inputs: Json, where: str = "") -> Json:
    """Inputs -> API members. Raises Unmapped for an input that the map does not name."""
    body: Json = {}
    for name, value in inputs.items():
        field = fields.get(name)
        if field is None:
            raise Unmapped(f"{where}{name}")
        put(body, field.path, _forward(field, value, f"{where}{name}"))
    return body


def _forward(field: Field, value: Any, where: str) -> Any:
    if value == UNKNOWN:
        return value
    if field.fields is None:
        return field.to(value)
    if field.many:
        return [
            item if item == UNKNOWN else forward(field.fields, item, f"{where}[{i}].")
            for i, item in enumerate(value)
        ]
    return forward(field.fields, value, f"{where}.")


def backward(fields: Fields, body: Json) -> Json:
    """API members -> inputs, for the members that are there."""
    inputs: Json = {}
    for name, field in fields.items():
        value = get(body, field.path)
        if value is None:
            continue
        if field.fields is None:
            inputs[name] = field.back(value)
        elif field.many:
            inputs[name] = [backward(field.fields, item) for item in value]
        elif members := backward(field.fields, value):
            inputs[name] = members
    return inputs


def put(body: Json, path: str, value: Any) -> None:
    """Set a dotted path, merging objects that are already there."""
    *parents, last = path.split(".") if path else [""]
    for parent in parents:
        body = body.setdefault(parent, {})
    if not last:
        if isinstance(value, dict):
            merge(body, value)
    elif isinstance(value, dict) and isinstance(body.get(last), dict):
        merge(body[last], value)
    else:
        body[last] = value


def merge(body: Json, other: Json) -> None:
    """Merge another object into this one, objects member by member."""
    for name, value in other.items():
        put(body, name, value)


def get(body: Json, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    value: Any = body
    for step in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value
