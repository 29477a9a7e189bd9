"""The events of GCP: what each tells, and that nothing else tells anything."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.signals import CHECK, Signal
from reactor.signals_gcp import TICK, parse
from tests.reactor.events_gcp import ENTRY, NOTICE, STORED, push
from tests.reactor.fuzz import JSON, mutated, texts

SAMPLES: tuple[Any, ...] = (NOTICE, TICK, push(ENTRY), push(STORED), ENTRY)


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


@settings(max_examples=3400, deadline=None)
@given(event=mutated(SAMPLES) | JSON)
def test_no_event_is_too_strange(event: Any) -> None:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    for signal in (*parse(event), *parse({"message": {"data": data}})):
        assert signal.machine in {"", "5190", *texts(event)}


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=80) | st.text(max_size=80))
def test_no_data_of_a_message_is_too_strange(data: Any) -> None:
    assert parse({"message": {"data": data}, "subscription": "s"}) == ()
