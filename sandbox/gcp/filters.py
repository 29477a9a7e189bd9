"""Log filters, as far as sinks in use have them: comparisons of one member each, joined by AND."""

from __future__ import annotations

import re

from sandbox.fields import Json, get
from sandbox.refusal import Refusal

_TERM = re.compile(
    r'\s*(?P<path>[a-zA-Z_@][\w.@]*)\s*(?P<how>=~|=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*'
)


def check(text: str) -> None:
    """Refuse a filter that cannot be evaluated."""
    list(_terms(text))


def matches(text: str, entry: Json) -> bool:
    """Whether a log entry passes a filter; an empty filter passes everything."""
    return all(
        isinstance(value := get(entry, path), str)
        and (re.search(wanted, value) is not None if how == "=~" else value == wanted)
        for path, how, wanted in _terms(text)
    )


def _terms(text: str) -> list[tuple[str, str, str]]:
    terms = []
    for part in re.split(r"\bAND\b", text) if text.strip() else ():
        term = _TERM.fullmatch(part)
        if term is None:
            raise Refusal(
                "NotEmulated",
                f"only a member = or =~ a text, joined by AND can be filtered by: {part.strip()}",
            )
        terms.append((term["path"], term["how"], term["value"]))
    return terms
