"""The calls of Auto Scaling that read and resize groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws import vendor
from sandbox.aws.capacity import specifications
from sandbox.aws.lookup import GROUP
from sandbox.aws.wire.call import Answer, Call, Failure, tag_facts
from sandbox.aws.wire.protocol import parameters
from sandbox.aws.zones import zone_name
from sandbox.fields import Json, get
from sandbox.machines import RUNNING, STARTING, machines_of
from sandbox.world import Record

_PAGE = 50
_STATES = {STARTING: "Pending", RUNNING: "InService"}
_INVALID = "ValidationError"


def _describe_groups(call: Call) -> Answer:
    call.need("*")
    asked = _parameters(call)
    names = asked.get("AutoScalingGroupNames")
    tagged = [_filter(one) for one in asked.get("Filters", [])]
    groups = [
        group
        for group in call.ctx.world.all(call.ctx.cloud, GROUP)
        if group.region == call.ctx.region
        and (names is None or group.name in names)
        and all(matches(group) for matches in tagged)
    ]
    whole = asked.get("IncludeInstances", True)
    page, token = _page(groups, asked)
    described = [_described(call, group, whole=whole) for group in page]
    return Answer({"AutoScalingGroups": described, "NextToken": token})


def _describe_activities(call: Call) -> Answer:
    call.need("*")
    asked = _parameters(call)
    name = asked.get("AutoScalingGroupName")
    activities = [
        activity
        for group in call.ctx.world.all(call.ctx.cloud, GROUP)
        if group.region == call.ctx.region and name in (None, group.name)
        for activity in group.live["activities"]
    ]
    page, token = _page(activities, asked)
    return Answer({"Activities": page, "NextToken": token})


def _set_desired(call: Call) -> Answer:
    asked = _parameters(call)
    name, wanted = asked["AutoScalingGroupName"], asked["DesiredCapacity"]
    with call.ctx.world.change():
        group = call.ctx.world.get(call.ctx.cloud, GROUP, name)
        if group is None or group.region != call.ctx.region:
            call.need(_arn(call, f"*:autoScalingGroupName/{name}"))
            raise Failure(
                400, _INVALID, "AutoScalingGroup name not found - AutoScalingGroup not found"
            )
        call.need(group.live["arn"], tag_facts(group.tags))
        _check_bounds(wanted, group.body)
        group.body["DesiredCapacity"] = wanted
        call.ctx.world.put(group)
        call.ctx.world.wake(group, call.ctx.world.clock.now())
    return Answer()


OPERATIONS: Mapping[str, Callable[[Call], Answer]] = {
    "DescribeAutoScalingGroups": _describe_groups,
    "DescribeScalingActivities": _describe_activities,
    "SetDesiredCapacity": _set_desired,
}


def _check_bounds(wanted: int, body: Json) -> None:
    low, high = body["MinSize"], body["MaxSize"]
    if not low <= wanted <= high:
        bound = f"above max value {high}" if wanted > high else f"below min value {low}"
        words = f"New SetDesiredCapacity value {wanted} is {bound} for the AutoScalingGroup."
        raise Failure(400, _INVALID, words)


def _parameters(call: Call) -> Json:
    return parameters(vendor.service("autoscaling"), call.operation, call.request)


def _arn(call: Call, rest: str) -> str:
    return f"arn:aws:autoscaling:{call.ctx.region}:{call.ctx.account}:autoScalingGroup:{rest}"


def _filter(asked: Json) -> Callable[[Record], bool]:
    """A filter by tag: `tag:team` or `tag-key`."""
    name, values = asked.get("Name", ""), asked.get("Values", [])
    if name == "tag-key":
        return lambda group: bool(group.tags.keys() & set(values))
    if name.startswith("tag:"):
        return lambda group: group.tags.get(name.removeprefix("tag:")) in values
    raise Failure(400, _INVALID, f"Filter type {name} is not correct.")


def _page(items: list[Any], asked: Json) -> tuple[list[Any], str | None]:
    start = int(asked.get("NextToken", "0"))
    end = start + asked.get("MaxRecords", _PAGE)
    return items[start:end], str(end) if end < len(items) else None


def _described(call: Call, group: Record, *, whole: bool) -> Json:
    machines = machines_of(call.ctx.world, group) if whole else []
    suspended = get(group.body, "SuspendProcesses.ScalingProcesses") or []
    about = {"ResourceId": group.name, "ResourceType": "auto-scaling-group"}
    return group.body | {
        "AutoScalingGroupARN": group.live["arn"],
        "AvailabilityZones": group.live["zones"],
        "CreatedTime": call.ctx.world.clock.iso(group.live["created"]),
        "DefaultCooldown": group.body.get("DefaultCooldown", 300),
        "HealthCheckType": group.body.get("HealthCheckType", "EC2"),
        "Instances": [_instance(group, machine) for machine in machines],
        "SuspendedProcesses": [{"ProcessName": name} for name in suspended],
        "Tags": [tag | about for tag in group.body.get("Tags", [])],
    }


def _instance(group: Record, machine: Record) -> Json:
    [template, *_] = specifications(group.body)
    return {
        "InstanceId": machine.id,
        "InstanceType": machine.body["instance_type"],
        "AvailabilityZone": zone_name(machine.region, machine.body["zone"]),
        "AvailabilityZoneId": machine.body["zone"],
        "LifecycleState": _STATES.get(machine.body["state"], "Terminating"),
        "HealthStatus": "Healthy",
        "LaunchTemplate": template,
        "ProtectedFromScaleIn": group.body.get("NewInstancesProtectedFromScaleIn", False),
    }
