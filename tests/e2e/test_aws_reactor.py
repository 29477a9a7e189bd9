"""The deployed reactor of AWS: the package that was uploaded, under Amazon's runtime client, in the emulated AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox import bus, faults, logs
from sandbox.aws.activities import bridge_event
from sandbox.aws.deliveries import BRIDGE
from sandbox.clouds import context, endpoint
from sandbox.preempt import take
from sandbox.world import Record
from tests.e2e.aws_stack import GROUPS, HOMES, REGIONS, SECRET, Deployed
from tests.watcher.machine import WATCHER

PATIENCE_S = 30.0


@pytest.fixture
def calm(stack: Deployed) -> Iterator[Deployed]:
    """The stack at rest: the plan's capacity runs, and nothing is on its way. Faults are taken back."""
    until(lambda: settled(stack), "rest", stack)
    yield stack
    faults.none(stack.world)
    stack.world.set_setting("stock", None)


def settled(stack: Deployed) -> bool:
    states = [m.body for key in GROUPS for m in stack.machines(key)]
    at_rest = all(body["state"] == "running" and body["deadline"] is None for body in states)
    return at_rest and len(states) >= 6 and not bus.pending(stack.world)


def until(true: Callable[[], Any], what: str, stack: Deployed) -> Any:
    """Wait for it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        if time.monotonic() > end:
            lines = [line for _, line in logs.read(stack.world, "aws")][-8:]
            raise AssertionError("\n".join([f"{what} did not come", *lines]))
        time.sleep(0.05)
    return found


def journal(stack: Deployed, after: int = 0) -> list[dict[str, Any]]:
    """What the functions wrote after a position of the log."""
    found = (line.partition(" {") for _, line in logs.read(stack.world, "aws", after=after))
    return [json.loads(f"{{{rest}") for _, brace, rest in found if brace]


def now(stack: Deployed) -> int:
    """The present position of the log."""
    return max((row for row, _ in logs.read(stack.world, "aws")), default=0)


def told(stack: Deployed, signal: str, after: int) -> list[dict[str, Any]]:
    """The lines of runs that a signal caused."""
    return [line for line in journal(stack, after) if signal in line.get("signals", [])]


def a_machine(stack: Deployed) -> Record:
    """A spot machine of the stack."""
    spot = [key for key in GROUPS if key.endswith("spot")]
    return next(machine for key in spot for machine in stack.machines(key))


def test_a_published_plan_sizes_the_empty_groups_by_itself(calm: Deployed) -> None:
    assert sum(calm.sizes().values()) >= 6
    assert calm.group("strangers").body["DesiredCapacity"] == 0
    assert any("check (s3)" in line["signals"] for line in journal(calm))


@pytest.mark.parametrize("region", list(REGIONS))
def test_the_clouds_warning_reaches_the_reactor_from_every_region(
    calm: Deployed, region: str
) -> None:
    start, ctx = now(calm), context(calm.world, "aws", region)
    detail = {"instance-id": f"i-{region}", "instance-action": "terminate"}
    event = bridge_event(ctx, "aws.ec2", "EC2 Spot Instance Interruption Warning", [], detail)
    bus.post(calm.world, bus.Event("aws", region, BRIDGE, event, calm.world.clock.now()))
    signal, homes = f"interrupt i-{region} (eventbridge)", 1 if region in HOMES else len(HOMES)
    until(lambda: len(told(calm, signal, start)) == homes, signal, calm)


def test_a_machine_that_is_taken_is_counted_out_at_the_warning(calm: Deployed) -> None:
    machine, start = a_machine(calm), now(calm)
    take(calm.world, [machine])
    for word in ("interrupt", "gone"):
        signal = f"{word} {machine.id} (eventbridge)"
        until(lambda signal=signal: told(calm, signal, start), signal, calm)


def test_the_watcher_in_a_machine_tells_the_function_as_the_machines_role(calm: Deployed) -> None:
    """The real one, as the machine's role; the first home's function is asked, and EventBridge is silent."""
    machine, start = a_machine(calm), now(calm)
    env = {
        "SKYBLEND_CLOUD": "aws",
        "SKYBLEND_POOL": "us-west-2-spot",
        "SKYBLEND_NOTICE_URL": ",".join(calm.functions),
        "SKYBLEND_METADATA": calm.running.metadata.url(machine),
        "SKYBLEND_NOTICE_VIA": endpoint(calm.world, "aws"),
        "SKYBLEND_POLL_S": "0.2",
    }
    calm.world.set_setting("bus/mute", "1")
    watcher = subprocess.Popen([sys.executable, "-I", str(WATCHER)], env=os.environ | env)
    try:
        take(calm.world, [machine])
        signal = f"interrupt {machine.id} (watcher)"
        [line, *_] = until(lambda: told(calm, signal, start), signal, calm)
    finally:
        watcher.kill()
        watcher.wait()
    assert line["ended"] in ("set", "steady")


def test_an_event_that_nobody_knows_is_told_once_and_acknowledged(calm: Deployed) -> None:
    start = now(calm)
    client = calm.client("lambda", calm.principal("aws-reactor-machines"))
    answer = client.invoke(FunctionName=calm.functions[0], Payload=b'{"colour": "red"}')
    assert "FunctionError" not in answer
    [line] = [each for each in journal(calm, start) if each["ended"] == "unknown_event"]
    assert "colour" in line["event"]


def test_the_timer_alone_replaces_what_no_event_told_of(calm: Deployed) -> None:
    calm.world.set_setting("bus/mute", "1")
    for key in GROUPS:
        take(calm.world, calm.machines(key)[:1], lead_s=0.0)
    start = now(calm)
    until(lambda: told(calm, "check (timer)", start), "a tick", calm)
    until(lambda: settled(calm), "rest", calm)


def test_a_function_killed_between_setting_and_recording_does_its_work_again(
    calm: Deployed,
) -> None:
    machine, start = a_machine(calm), now(calm)
    place = f"stock/aws/{machine.region}/{machine.body['zone']}/g6.xlarge/spot"
    calm.world.set_setting(place, "0")
    calm.world.set_setting("fault/aws/kill/SetDesiredCapacity", "1")
    take(calm.world, calm.machines(f"{machine.region}-spot"))
    killed = "exited with status -9"
    until(lambda: killed in str(logs.read(calm.world, "aws", after=start)), killed, calm)
    until(lambda: settled(calm), "rest", calm)
    calm.world.set_setting(place, None)


def test_when_the_primary_region_is_gone_the_other_home_goes_on_with_its_own_store(
    calm: Deployed,
) -> None:
    calm.world.set_setting(f"fault/aws/dead/{HOMES[0]}", "1")
    start = now(calm)
    [line, *_] = until(lambda: told(calm, "check (timer)", start), "a tick", calm)
    assert line["ended"] in ("set", "steady")
    assert {each.split(":")[0] for each in line["unread"]} == {
        key for key, region in GROUPS.items() if region == HOMES[0]
    }


def test_what_a_dead_function_cannot_take_ends_in_the_regions_queue(calm: Deployed) -> None:
    calm.world.clock.run(200.0)
    function = calm.functions[0].rsplit(":", 1)[-1]
    calm.world.set_setting(f"fault/aws/function/{function}", "1")
    client = calm.client("lambda", calm.principal("aws-reactor-machines"))
    client.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"unheard": 1}')
    queue = next(q for q in calm.world.all("aws", "sqs:Queue") if q.region == HOMES[0])

    def letters() -> list[Any]:
        return [each.payload for each in bus.held(calm.world, queue.id)]

    until(lambda: {"unheard": 1} in letters(), "the dead letter", calm)
    calm.world.clock.run(20.0)


def test_a_shortage_that_lasts_asks_for_a_new_plan_with_the_secrets_token(calm: Deployed) -> None:
    for home in HOMES:
        calm.world.set_setting(f"secret/aws/{home}/{SECRET}", "t0ken")
    calm.world.set_setting("stock", "0")
    calm.world.set_setting("bus/mute", "1")
    calm.world.clock.run(100.0)
    for key in GROUPS:
        take(calm.world, calm.machines(key), lead_s=0.0)

    def asked() -> list[Any]:
        return [line["replan"] for line in journal(calm) if "replan" in line]

    assert "short" in until(asked, "a request", calm)[0]
    reads = calm.world.sql("select status from calls where action = 'GetSecretValue'")
    assert reads[-1] == (200,)
    assert "t0ken" not in str(logs.read(calm.world, "aws"))
    calm.world.clock.run(20.0)
