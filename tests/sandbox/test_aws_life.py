"""How the emulated AWS behaves in time: groups that mend themselves, notices, schedules, and the events of all that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import bus, life
from sandbox.clouds import context
from sandbox.http import Reply, Request
from sandbox.machines import MACHINE, RUNNING, machines_of
from sandbox.market import ON_DEMAND
from sandbox.preempt import take
from sandbox.world import Record, World
from tests.sandbox.aws_cloud import Cloud, open_cloud
from tests.sandbox.aws_samples import make
from tests.sandbox.aws_serverless import trust
from tests.sandbox.toys import Time, time

__all__ = ["time"]


@pytest.fixture
def cloud(tmp_path: Path, time: Time, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    opened = open_cloud(tmp_path)
    opened.ctx.world.clock.run(60)
    yield opened
    opened.ctx.world.close()


@pytest.fixture
def events(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> list[bus.Event]:
    """Everything that happened in this cloud, in order."""
    seen: list[bus.Event] = []

    def post(world: World, event: bus.Event) -> None:
        if world is cloud.ctx.world:
            seen.append(event)

    monkeypatch.setattr("sandbox.bus.post", post)
    return seen


def wait(cloud: Cloud, time: Time, seconds: float) -> None:
    """Let the clouds' time pass, and their life look at it."""
    for _ in range(10):
        time.pass_(seconds / 600)
        cloud.ctx.world.clock.run(60)
        life.tick(cloud.ctx.world)


def machines(cloud: Cloud, group: Record) -> list[Record]:
    return machines_of(cloud.ctx.world, group)


def kinds(events: list[bus.Event]) -> list[str]:
    return [event.body.get("detail-type", "") for event in events]


def test_a_lost_machine_is_replaced_when_it_is_gone(cloud: Cloud, time: Time) -> None:
    group = cloud.group(2)
    wait(cloud, time, 130)
    lost, kept = machines(cloud, group)
    take(cloud.ctx.world, [lost])
    wait(cloud, time, 60)
    assert machines(cloud, group) == [cloud_now(cloud, lost), kept]
    wait(cloud, time, 70)
    left = {machine.id for machine in machines(cloud, group)}
    assert len(left) == 2
    assert lost.id not in left


def cloud_now(cloud: Cloud, machine: Record) -> Record:
    found = cloud.ctx.world.get("aws", MACHINE, machine.id)
    assert found
    return found


def test_with_rebalancing_the_replacement_starts_at_the_notice_and_the_machine_goes_when_it_runs(
    cloud: Cloud, time: Time
) -> None:
    cloud.ctx.world.set_setting("boot_s", "30")
    group = cloud.group(2, capacityRebalance=True)
    wait(cloud, time, 40)
    doomed = machines(cloud, group)[0]
    take(cloud.ctx.world, [doomed])
    wait(cloud, time, 10)
    assert len(machines(cloud, group)) == 3
    wait(cloud, time, 40)
    left = machines(cloud, group)
    assert [m.body["state"] for m in left] == [RUNNING, RUNNING]
    assert doomed.id not in {m.id for m in left}


def test_spot_machines_are_told_two_minutes_before_and_others_not_at_all(
    cloud: Cloud, time: Time, events: list[bus.Event]
) -> None:
    spot = cloud.group(1)
    other = cloud.group(1, name="od", distribution={"onDemandPercentageAboveBaseCapacity": 100})
    wait(cloud, time, 130)
    events.clear()
    [machine] = machines(cloud, spot)
    take(cloud.ctx.world, [machine, *machines(cloud, other)])
    assert cloud_now(cloud, machine).body["deadline"] == cloud.ctx.world.clock.now() + 120
    wait(cloud, time, 10)
    mine = [e for e in events if e.body["detail"].get("instance-id") == machine.id]
    assert kinds(mine) == [
        "EC2 Instance Rebalance Recommendation",
        "EC2 Spot Instance Interruption Warning",
    ]
    assert mine[1].body["resources"] == [f"arn:aws:ec2:us-east-1a:instance/{machine.id}"]
    rest = [e for e in events if e not in mine]
    assert set(kinds(rest)) == {"EC2 Instance State-change Notification"}
    events.clear()
    wait(cloud, time, 130)
    states = [e.body["detail"].get("state") for e in events]
    assert "terminated" in states


def test_a_group_tries_again_with_growing_pauses_and_says_each_time_why_not(
    cloud: Cloud, time: Time, events: list[bus.Event]
) -> None:
    cloud.stock(0)
    group = cloud.group(1)
    for _ in range(8):
        wait(cloud, time, 30)
    refused = [e for e in events if e.body["detail-type"] == "EC2 Instance Launch Unsuccessful"]
    assert 3 <= len(refused) / 2 <= 5  # two members, both dry: 0, 30, 90, 210 s
    assert refused[0].body["detail"]["AutoScalingGroupName"] == group.name
    assert "UnfulfillableCapacity" in refused[0].body["detail"]["StatusMessage"]
    newest, oldest = (cloud.now(group).live["activities"][at] for at in (0, -1))
    assert newest["StartTime"] > oldest["StartTime"]
    cloud.stock(16)
    wait(cloud, time, 310)
    assert len(machines(cloud, group)) == 1
    assert cloud.now(group).live["trouble"] == {}


def test_a_new_size_is_tried_at_once(cloud: Cloud, time: Time) -> None:
    cloud.stock(0)
    group = cloud.group(1)
    wait(cloud, time, 100)
    cloud.stock(16)
    cloud.resize(group, 2)
    cloud.ctx.world.wake(group, 0.0)
    wait(cloud, time, 1)
    assert len(machines(cloud, group)) == 2


def test_a_schedule_comes_at_its_rate_and_stops_with_its_rule(
    cloud: Cloud, time: Time, events: list[bus.Event]
) -> None:
    rule = make(cloud.ctx, "EventRule", {"name": "tick", "scheduleExpression": "rate(1 minute)"})
    for _ in range(6):
        wait(cloud, time, 30)
    assert [event.body["event"]["detail-type"] for event in events] == ["Scheduled Event"] * 3
    assert {event.kind for event in events} == {bus.SCHEDULE}
    cloud.delete(rule)
    wait(cloud, time, 120)
    assert len(events) == 3


def ask(cloud: Cloud, machine: Record, path: str, **headers: str) -> Reply:
    """A request to the metadata service with a session's token, unless other headers are given."""
    from sandbox.aws.metadata import metadata

    ctx = context(cloud.ctx.world, "aws", machine.region)
    ttl = {"x-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = metadata(ctx, machine, Request("PUT", "", "/latest/api/token", {}, ttl, b""))
    headers = headers or {"x-aws-ec2-metadata-token": token.body.decode()}
    request = Request("GET", path, f"/latest/{path}", {}, headers, b"")
    return metadata(ctx, cloud_now(cloud, machine), request)


def test_the_metadata_service_tells_a_spot_machine_its_end_and_nobody_without_a_token(
    cloud: Cloud, time: Time
) -> None:
    [machine] = machines(cloud, cloud.group(1))
    action = "meta-data/spot/instance-action"
    assert ask(cloud, machine, action).status == 404
    assert ask(cloud, machine, action, **{"x-none": ""}).status == 401
    assert ask(cloud, machine, action, **{"x-forwarded-for": "1.2.3.4"}).status == 403
    take(cloud.ctx.world, [machine])
    told: dict[str, Any] = json.loads(ask(cloud, machine, action).body)
    clock = cloud.ctx.world.clock
    assert told == {"action": "terminate", "time": clock.iso(clock.now() + 120)}
    hint = json.loads(ask(cloud, machine, "meta-data/events/recommendations/rebalance").body)
    assert hint == {"noticeTime": clock.iso()}
    document = json.loads(ask(cloud, machine, "dynamic/instance-identity/document").body)
    assert (document["instanceId"], document["region"]) == (machine.id, "us-east-1")
    assert ask(cloud, machine, "meta-data/instance-life-cycle").body == b"spot"


def test_an_on_demand_machine_is_never_told_an_end(cloud: Cloud, time: Time) -> None:
    group = cloud.group(1, distribution={"onDemandPercentageAboveBaseCapacity": 100})
    [machine] = machines(cloud, group)
    assert machine.body["market"] == ON_DEMAND
    take(cloud.ctx.world, [machine], lead_s=60)
    assert ask(cloud, machine, "meta-data/spot/instance-action").status == 404


def test_a_machine_has_the_credentials_of_its_templates_profile(cloud: Cloud, time: Time) -> None:
    roles = "meta-data/iam/security-credentials/"
    [machine] = machines(cloud, cloud.group(1))
    assert ask(cloud, machine, roles).status == 404
    make(cloud.ctx, "Role", {"name": "node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
    make(cloud.ctx, "InstanceProfile", {"name": "nodes", "role": "node"})
    inputs = {"name": "replica", "imageId": "ami-1", "iamInstanceProfile": {"name": "nodes"}}
    cloud.update(cloud.template, inputs)
    assert ask(cloud, machine, roles).body == b"node"
    found = json.loads(ask(cloud, machine, f"{roles}node").body)
    assert (found["Code"], found["Type"]) == ("Success", "AWS-HMAC")
    assert ask(cloud, machine, f"{roles}other").status == 404
