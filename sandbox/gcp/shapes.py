"""Shapes that recur in field maps: same names, digits for 64-bit numbers, one object in a list, seconds and nanos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from sandbox.fields import UNKNOWN, Field, Fields, Json, member, nested


def same(*names: str) -> dict[str, Field]:
    """Inputs that the API knows by the same name."""
    return {name: member(name) for name in names}


def digits(path: str) -> Field:
    """A whole number that travels as a string (int64)."""
    return member(path, str, int)


def only_one(path: str) -> Field:
    """A single value that the API keeps in a list."""
    return member(path, lambda value: [value], lambda values: values[0])


def wrapped(path: str, key: str) -> Field:
    """A list of strings that the API keeps as a list of objects with one member."""
    return member(
        path,
        lambda values: [{key: value} for value in values],
        lambda items: [item[key] for item in items],
    )


def whole(convert: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """A conversion of a list that has to wait until all of its items are known."""
    return lambda items: UNKNOWN if UNKNOWN in items else convert(items)


def pairs(path: str) -> Field:
    """A list of key/value objects that the API keeps as a map."""
    return member(
        path,
        whole(lambda items: {item["key"]: item["value"] for item in items}),
        lambda mapping: [{"key": key, "value": value} for key, value in mapping.items()],
    )


def duration(path: str) -> Field:
    """Seconds (int64) and nanoseconds."""
    return nested(path, {"seconds": digits("seconds"), "nanos": member("nanos")})


def fixed(fields: Fields, *mutable: str) -> frozenset[str]:
    """Inputs whose change replaces the resource: all but those named."""
    return frozenset(fields) - frozenset(mutable)


def known(value: Any) -> TypeGuard[Any]:
    """Whether a value is there and not one that preview cannot know."""
    return value is not None and value != UNKNOWN


def part(body: Json, name: str) -> Json:
    """An object inside this one; empty where it is absent or not known yet."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def is_set(body: Json, *names: str) -> list[str]:
    """Which of these members are there."""
    return [name for name in names if body.get(name) is not None]
