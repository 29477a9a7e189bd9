"""Event patterns of EventBridge: what is wrong with one, and whether an event matches it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.fields import UNKNOWN, Json
from sandbox.refusal import Refusal


def _not_any(unwanted: Any, value: Any) -> bool:
    return value not in (unwanted if isinstance(unwanted, list) else [unwanted])


_FILTERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "anything-but": _not_any,
    "prefix": lambda start, value: isinstance(value, str) and value.startswith(start),
    "suffix": lambda end, value: isinstance(value, str) and value.endswith(end),
}


def check_pattern(text: str) -> None:
    """Refuse what EventBridge refuses, and filters that are not emulated."""
    if text == UNKNOWN:
        return
    try:
        pattern = json.loads(text)
    except ValueError:
        raise _invalid("Event pattern is not valid JSON") from None
    if not isinstance(pattern, dict) or not pattern:
        raise _invalid("Event pattern must be a non-empty object")
    _check(pattern)


def matches(pattern: Json, event: Any) -> bool:
    """Whether every field of the pattern has, in the event, one of the values that it lists."""
    if not isinstance(event, dict):
        return False
    return all(
        matches(wanted, event.get(name))
        if isinstance(wanted, dict)
        else name in event and _any(wanted, event[name])
        for name, wanted in pattern.items()
    )


def _any(wanted: list[Any], value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(_one(each, item) for each in wanted for item in values)


def _one(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        [(word, argument)] = wanted.items()
        return _FILTERS[word](argument, value)
    return type(wanted) is type(value) and bool(wanted == value)


def _check(pattern: Json) -> None:
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            _check(wanted)
            continue
        if not isinstance(wanted, list) or not wanted:
            raise _invalid(f'"{name}" must be an object or an array')
        for each in wanted:
            if isinstance(each, dict) and (len(each) != 1 or not each.keys() <= _FILTERS.keys()):
                raise Refusal("NotEmulated", f"event pattern filter {json.dumps(each)}")


def _invalid(words: str) -> Refusal:
    return Refusal("InvalidEventPatternException", f"Event pattern is not valid. Reason: {words}")
