"""Strategies for events that nobody meant to send: samples with parts exchanged, and any JSON at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn, samples: Sequence[Any]) -> Any:
    """A sample with a few of its values exchanged, left out or cut short, at any depth."""
    event = copy.deepcopy(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 3))):
        at: Any = event
        while isinstance(at, dict | list) and at:
            key: Any = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if not isinstance(at[key], dict | list) or draw(st.booleans()):
                at[key] = draw(JSON | st.just(str(at[key])[:-1]) | st.just([at[key]]))
                break
            at = at[key]
    return event


def texts(value: Any) -> Iterator[str]:
    """Every text in it, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)
