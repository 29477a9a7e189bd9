"""The events of AWS: what each tells, and that nothing else tells anything."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from reactor.signals import CHECK, Signal
from reactor.signals_aws import parse
from tests.reactor.events_aws import (
    ENDED,
    MACHINE,
    NOTICE,
    REBALANCE,
    REFUSED,
    SAMPLES,
    STORED,
    TICK,
    WARNING,
)
from tests.reactor.fuzz import JSON, mutated, texts

AT = 1_795_328_880.0
BRIDGE = "eventbridge"


def test_a_warning_names_the_machine_and_the_deadline_is_two_minutes_off() -> None:
    assert parse(WARNING) == (Signal("interrupt", BRIDGE, "us-east-2", MACHINE, AT + 120),)


def test_a_warning_without_a_time_still_counts_the_machine_out() -> None:
    [signal] = parse(WARNING | {"time": "soon"})
    assert (signal.going, signal.deadline_s) == (True, None)


def test_a_watchers_notice_and_the_clouds_warning_name_the_same_deadline() -> None:
    assert parse(NOTICE) == (Signal("interrupt", "watcher", "us-east-2", MACHINE, AT + 120),)


def test_a_rebalance_recommendation_does_not_count_the_machine_out() -> None:
    [signal] = parse(REBALANCE)
    assert (signal.kind, signal.machine, signal.going) == ("rebalance", MACHINE, False)


@pytest.mark.parametrize("state", ["shutting-down", "stopping", "stopped", "terminated"])
def test_a_machine_that_ends_is_gone(state: str) -> None:
    event = ENDED | {"detail": ENDED["detail"] | {"state": state}}
    assert parse(event) == (Signal("gone", BRIDGE, "us-east-2", MACHINE),)


@pytest.mark.parametrize("state", ["pending", "running", "", None])
def test_a_machine_that_begins_tells_nothing(state: Any) -> None:
    assert parse(ENDED | {"detail": ENDED["detail"] | {"state": state}}) == ()


def test_a_failed_launch_a_tick_and_a_new_plan_make_the_reactor_look() -> None:
    assert parse(REFUSED) == (Signal("failed_launch", BRIDGE, "us-east-2"),)
    assert parse(TICK) == (CHECK,)
    assert parse(STORED) == (Signal("check", "s3"),)


def test_another_object_of_the_store_tells_nothing() -> None:
    event = copy.deepcopy(STORED)
    event["Records"][0]["s3"]["object"]["key"] = "state.json"
    assert parse(event) == ()


@pytest.mark.parametrize(
    "event",
    [
        WARNING | {"source": "my.app"},
        WARNING | {"detail-type": "EC2 Instance Rebalance"},
        WARNING | {"detail": {}},
        NOTICE | {"cloud": "gcp"},
        NOTICE | {"skyblend": 2},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "store"},
        {"Records": []},
        [],
        None,
    ],
)
def test_an_event_of_another_shape_tells_nothing(event: Any) -> None:
    assert parse(event) == ()


@settings(max_examples=3400, deadline=None)
@given(event=mutated(SAMPLES) | JSON)
def test_no_event_is_too_strange(event: Any) -> None:
    for signal in parse(event):
        assert signal.machine in {"", *texts(event)}
