"""The messages of Azure's queue: what each tells, and that nothing else tells anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from reactor.signals import Signal
from reactor.signals_azure import parse
from tests.reactor.events_azure import ANNOTATED, CREATED, NOTICE
from tests.reactor.fuzz import JSON, mutated, texts


def test_a_watchers_notice_tells_machine_and_deadline() -> None:
    at = 1_795_329_000.0
    assert parse(NOTICE) == (Signal("interrupt", "watcher", "eastus", "nodes_1a2b3c4d", at),)


def test_the_health_of_a_machine_makes_the_reactor_look_whatever_its_annotation_is_called() -> None:
    assert parse(ANNOTATED) == (Signal("check", "health"),)
    status = {"type": "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged"}
    assert parse(ANNOTATED | status) == (Signal("check", "health"),)


def test_a_new_plan_makes_the_reactor_look_in_both_of_event_grids_schemas() -> None:
    assert parse(CREATED) == (Signal("check", "storage"),)
    cloud_event = {"type": CREATED["eventType"], "subject": CREATED["subject"], "specversion": "1.0"}  # fmt: skip
    assert parse(cloud_event) == (Signal("check", "storage"),)


@pytest.mark.parametrize("name", ["state.json", "plan.json.old", "plan.json/x"])
def test_another_blob_tells_nothing(name: str) -> None:
    subject = f"/blobServices/default/containers/plan/blobs/{name}"
    assert parse(CREATED | {"subject": subject}) == ()


@pytest.mark.parametrize(
    "change", [{"cloud": "gcp"}, {"skyblend": 2}, {"kind": "resize"}, {"machine": 7}]
)
def test_a_notice_of_another_cloud_version_or_kind_tells_nothing(change: dict[str, Any]) -> None:
    assert parse(NOTICE | change) == ()


@settings(max_examples=3400, deadline=None)
@given(event=mutated((NOTICE, ANNOTATED, CREATED)) | JSON)
def test_no_message_is_too_strange(event: Any) -> None:
    for signal in parse(event):
        assert signal.machine in {"", *texts(event)}
