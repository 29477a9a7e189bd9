"""The events of GCP: what each tells, and that nothing else tells anything."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.signals import CHECK, Signal
from reactor.signals_gcp import TICK, parse
from tests.reactor.events_gcp import ENTRY, NOTICE, STORED, push

SAMPLES: tuple[Any, ...] = (NOTICE, TICK, push(ENTRY), push(STORED), ENTRY)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def test_a_watchers_notice_tells_machine_and_deadline() -> None:
    at = 1_795_329_000.0
    assert parse(NOTICE) == (Signal("interrupt", "watcher", "us-central1", "5190", at),)


def test_the_audit_log_tells_that_a_machine_is_gone_by_its_number() -> None:
    assert parse(push(ENTRY)) == (Signal("gone", "audit log", "us-central1", "5190"),)


def test_a_new_plan_and_the_scheduler_make_the_reactor_look() -> None:
    assert parse(push(STORED)) == (Signal("check", "storage"),)
    assert parse(TICK) == (CHECK,)


def test_a_notice_of_another_cloud_tells_nothing() -> None:
    assert parse(NOTICE | {"cloud": "aws"}) == ()


@pytest.mark.parametrize("method", ["compute.instances.insert", "compute.instances.preempted2", 7])
def test_other_lines_of_the_audit_log_tell_nothing(method: Any) -> None:
    entry = copy.deepcopy(ENTRY)
    entry["protoPayload"]["methodName"] = method
    assert parse(push(entry)) == ()


def test_another_object_of_the_bucket_tells_nothing() -> None:
    message = copy.deepcopy(STORED)
    message["attributes"]["objectId"] = "state.json"
    assert parse(push(message)) == ()


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A sample with a few of its values exchanged, left out or cut short, at any depth."""
    event = copy.deepcopy(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 3))):
        at: Any = event
        while isinstance(at, dict) and at:
            key = draw(st.sampled_from(sorted(at)))
            if not isinstance(at[key], dict) or draw(st.booleans()):
                at[key] = draw(JSON | st.just(str(at[key])[:-1]) | st.just({key: at[key]}))
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


@settings(max_examples=3400, deadline=None)
@given(event=mutated() | JSON)
def test_no_event_is_too_strange(event: Any) -> None:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    for signal in (*parse(event), *parse({"message": {"data": data}})):
        assert signal.machine in {"", "5190", *texts(event)}


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=80) | st.text(max_size=80))
def test_no_data_of_a_message_is_too_strange(data: Any) -> None:
    assert parse({"message": {"data": data}, "subscription": "s"}) == ()
