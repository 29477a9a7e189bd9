"""Values of the contract from JSON data, checked by their annotations."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any


def read(kind: Any, value: Any, path: str = "") -> Any:
    """Rebuild a value of type `kind`. Raises ValueError naming the field that does not fit.

    Whole floats are taken for integers, because some stores know only one kind of number; unknown fields are ignored,
    so that an older reactor reads a newer plan.
    """
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, value, path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _misfit(path, "a list", value)
        return tuple(read(arguments[0], item, f"{path}[{at}]") for at, item in enumerate(value))
    if origin is typing.Literal:
        if not isinstance(value, str) or value not in arguments:
            raise _misfit(path, f"one of {', '.join(arguments)}", value)
        return value
    if origin is types.UnionType:
        if value is None:
            return None
        return read(next(arm for arm in arguments if arm is not type(None)), value, path)
    return _read_scalar(kind, value, path)


def _read_fields(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise _misfit(path or kind.__name__, "an object", value)
    hints = typing.get_type_hints(kind)
    given = {}
    for field in dataclasses.fields(kind):
        where = f"{path}.{field.name}" if path else field.name
        if field.name in value:
            given[field.name] = read(hints[field.name], value[field.name], where)
        elif field.default is dataclasses.MISSING:
            raise ValueError(f"{where}: is missing")
    return kind(**given)


def _read_scalar(kind: Any, value: Any, path: str) -> Any:
    if kind in (str, bool) and isinstance(value, kind):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        if kind is float:
            return float(value)
        if kind is int and value == int(value):
            return int(value)
    raise _misfit(path, f"a value of type {getattr(kind, '__name__', kind)}", value)


def _misfit(path: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"{path}: expected {expected}, is {str(value)[:60]!r}")
