"""Places in a request: patterns such as `versions[].instanceTemplate` or `selections{}.machineTypes`.

`[]` stands for every item of a list, `{}` for every value of a map with free keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.fields import UNKNOWN


def find(body: Any, pattern: str, where: str = "resource") -> Iterator[tuple[str, Any]]:
    """Every place that a pattern names, as Google writes it, with its value.

    The value is None where the enclosing object is there but lacks the member. Values that preview
    cannot know are passed over.
    """
    if body == UNKNOWN:
        return
    if not pattern:
        yield where, body
        return
    step, _, rest = pattern.partition(".")
    name = step.removesuffix("[]").removesuffix("{}")
    value = body.get(name) if isinstance(body, dict) else None
    where = f"{where}.{name}"
    if value == UNKNOWN:
        return
    if step.endswith("[]"):
        for index, item in enumerate(value or ()):
            yield from find(item, rest, f"{where}[{index}]")
    elif step.endswith("{}"):
        for key, item in (value or {}).items():
            yield from find(item, rest, f"{where}[{key}]")
    elif not rest:
        yield where, value
    elif value is not None:
        yield from find(value, rest, where)


def given(body: Any, pattern: str, where: str = "resource") -> Iterator[tuple[str, Any]]:
    """The places that have a value."""
    return ((place, value) for place, value in find(body, pattern, where) if value is not None)
