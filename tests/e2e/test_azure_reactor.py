"""The reactor of Azure as Pulumi deploys it: sizes follow the plan, watchers are heard, losses made good, identities hold."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sandbox import bus, faults, logs, objects
from sandbox.azure.permissions import STORAGE
from sandbox.azure.storage import ACCOUNTS, QUEUES
from sandbox.machines import RUNNING
from sandbox.preempt import take
from tests.e2e.azure_stack import HOMES, Deployed
from tests.sandbox.azure_cloud import until

PLANNED = {"eastus-spot": 10, "westus-spot": 10}
API = "api-version=2024-11-01"


@pytest.fixture(autouse=True)
def _settled(azure_stack: Deployed) -> None:
    """Each test finds the plan in force and nothing wrong."""
    faults.none(azure_stack.world)
    azure_stack.world.clock.run(120.0)
    until(lambda: azure_stack.sizes() == PLANNED, 90)


def runs(stack: Deployed, part: str) -> list[dict[str, Any]]:
    """The reactor's own lines about runs that had such a part."""
    lines = [line for _, line in logs.read(stack.world, "azure") if '"skyblend": "reactor"' in line]
    return [json.loads(line[line.index("{") :]) for line in lines if part in line]


def call(stack: Deployed, method: str, url: str, token: str) -> tuple[int, str]:
    body = b"{}" if method in ("PATCH", "POST", "PUT") else None
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    trust = ssl.create_default_context(cafile=stack.ca)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trust), urllib.request.ProxyHandler({})
    )
    request = urllib.request.Request(f"{stack.api}{url}?{API}", body, headers, method=method)
    try:
        with opener.open(request, timeout=10) as reply:
            return int(reply.status), ""
    except urllib.error.HTTPError as error:
        return error.code, str(json.loads(error.read())["error"]["code"])


def test_a_published_plan_is_applied_to_empty_groups_and_to_no_others(
    azure_stack: Deployed,
) -> None:
    assert azure_stack.machines("strangers-spot") == []
    assert len(objects.listed(azure_stack.world, "azure", f"{primary(azure_stack)}/plan")) >= 2


def primary(stack: Deployed) -> str:
    """The account of the first home."""
    [found] = [a.name for a in stack.world.all("azure", ACCOUNTS) if a.region == HOMES[0]]
    return found


def test_twenty_watchers_are_heard_and_their_machines_replaced_before_they_are_gone(
    azure_stack: Deployed, tmp_path: Path
) -> None:
    world = azure_stack.world
    machines = [m for key in PLANNED for m in azure_stack.machines(key)]
    until(lambda: all(world.get("azure", m.kind, m.id).body["state"] == RUNNING for m in machines))  # type: ignore[union-attr]
    world.clock.run(1.0)
    with azure_stack.watchers(machines, tmp_path):
        doomed = machines[:10]
        until(lambda: all((tmp_path / m.id / "log").exists() for m in machines))
        take(world, doomed, lead_s=300.0)  # none is gone before everything was looked at
        told = until(lambda: _told(tmp_path, 10), 60)
        assert {message["kind"] for message in told} == {"interrupt"}
        noticed = until(lambda: _noticed(azure_stack, 10), 60)
        assert len(noticed) == 10
        until(lambda: sum(azure_stack.sizes().values()) >= 30, 60)
        assert all(world.get("azure", m.kind, m.id) for m in doomed)


def _told(folder: Path, count: int) -> list[dict[str, Any]]:
    """The notices that watchers say they have handed over, once there are so many."""
    lines = [
        json.loads(line) for log in folder.glob("*/log") for line in log.read_text().splitlines()
    ]
    found = [json.loads(line["notice"]) for line in lines if line["watcher"] == "told"]
    return found if len(found) >= count else []


def _noticed(stack: Deployed, count: int) -> set[str]:
    """The machines that the reactor was told of by their watchers."""
    found = {s for run in runs(stack, "(watcher)") for s in run["signals"] if "(watcher)" in s}
    return found if len(found) >= count else set()


def test_without_any_event_the_timer_alone_brings_the_plan_back(azure_stack: Deployed) -> None:
    azure_stack.world.set_setting("bus/mute", "1")
    take(azure_stack.world, azure_stack.machines("eastus-spot")[:5], 0.0)
    until(lambda: azure_stack.sizes() != PLANNED)
    until(lambda: azure_stack.sizes() == PLANNED, 60)


def test_with_a_third_of_all_calls_failing_the_plan_still_comes_back(azure_stack: Deployed) -> None:
    azure_stack.world.set_setting("fault/azure/errors", "0.3")
    take(azure_stack.world, azure_stack.machines("westus-spot")[:5], 0.0)
    until(lambda: azure_stack.sizes() != PLANNED)
    until(lambda: azure_stack.sizes() == PLANNED, 90)


def test_a_message_that_nobody_understands_is_told_once_and_done(azure_stack: Deployed) -> None:
    from sandbox.azure.deliveries import QUEUED

    [queue] = [
        q
        for q in azure_stack.world.all("azure", QUEUES)
        if q.name == "notices" and q.region == HOMES[0]
    ]
    odd = {"queue": queue.id, "text": '{"odd": 1}'}
    bus.post(azure_stack.world, bus.Event("azure", HOMES[0], QUEUED, odd, 0.0))
    until(lambda: runs(azure_stack, "unknown_event"))
    until(lambda: bus.held(azure_stack.world, queue.id) == [])
    assert bus.held(azure_stack.world, f"{queue.id}-poison") == []


OTHERS = (
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("GET", "/virtualMachines"),
    ("POST", "/deallocate"),
)


@pytest.mark.parametrize(("method", "rest"), OTHERS)
@pytest.mark.parametrize("who", [*HOMES, "machines", "events"])
def test_nobody_of_ours_reaches_another_stacks_group(
    azure_stack: Deployed, who: str, method: str, rest: str
) -> None:
    token = azure_stack.token(who)
    url = f"{azure_stack.group('strangers-spot').id}{rest}"
    assert call(azure_stack, method, url, token) == (403, "AuthorizationFailed")


@pytest.mark.parametrize(
    ("method", "rest"), [("DELETE", ""), ("POST", "/deallocate"), ("POST", "/reimage"), ("GET", "/extensions")]
)  # fmt: skip
def test_a_function_only_reads_and_sizes_its_own_groups(
    azure_stack: Deployed, method: str, rest: str
) -> None:
    token = azure_stack.token(HOMES[0])
    own = azure_stack.group("eastus-spot").id
    assert call(azure_stack, "GET", own, token)[0] == 200
    assert call(azure_stack, method, f"{own}{rest}", token) == (403, "AuthorizationFailed")


@pytest.mark.parametrize("who", ["machines", "events"])
def test_machines_and_event_grid_reach_no_group_and_no_plan(
    azure_stack: Deployed, who: str
) -> None:
    own = azure_stack.group("eastus-spot").id
    assert call(azure_stack, "GET", own, azure_stack.token(who))[0] == 403
    plan = f"/{primary(azure_stack)}/plan/plan.json"
    trust = ssl.create_default_context(cafile=azure_stack.ca)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trust), urllib.request.ProxyHandler({})
    )
    bearer = {"Authorization": f"Bearer {azure_stack.token(who, STORAGE)}"}
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(urllib.request.Request(azure_stack.api + plan, headers=bearer), timeout=10)
