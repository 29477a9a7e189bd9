"""What Auto Scaling and EC2 tell about launches and ends: activities of groups, and events on the region's bus."""

from __future__ import annotations

import json

from sandbox import bus
from sandbox.aws.deliveries import BRIDGE
from sandbox.aws.zones import zone_name
from sandbox.fields import Json
from sandbox.kind import Context
from sandbox.machines import Shortfall
from sandbox.market import ON_DEMAND, SPOT
from sandbox.world import Record

_KEPT = 100
_EC2, _SCALING = "aws.ec2", "aws.autoscaling"

_REASONS = {
    (
        "price",
        SPOT,
    ): "SpotMaxPriceTooLow - Your Spot request price is lower than the minimum required Spot "
    "request fulfillment price.",
    (
        "stock",
        SPOT,
    ): "UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please "
    "adjust your request and try again.",
    (
        "stock",
        ON_DEMAND,
    ): "InsufficientInstanceCapacity - We currently do not have sufficient {type} capacity in the "
    "Availability Zone you requested ({zone}).",
    ("quota", SPOT): "MaxSpotInstanceCountExceeded - Max spot instance count exceeded.",
    (
        "quota",
        ON_DEMAND,
    ): "VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit "
    "allows.",
}
_NOT_SOLD = (
    "InvalidFleetConfiguration - Your requested instance type ({type}) is not supported in your requested "
    "Availability Zone."
)


def launch_failed(ctx: Context, group: Record, market: str, missing: Shortfall) -> None:
    """A scaling activity that failed, in the words of EC2; the record is changed, not put."""
    kind = "Spot" if market == SPOT else "On-Demand"
    zone = zone_name(group.region, missing.zone) if missing.zone else ""
    reason = _REASONS.get((missing.reason, market), _NOT_SOLD)
    reason = reason.format(type=missing.instance_type, zone=zone)
    message = f"Could not launch {kind} Instances. {reason} Launching EC2 instance failed."
    details = {"Availability Zone": zone} if zone else {}
    now = ctx.world.clock.iso()
    activity = {
        "ActivityId": new_uuid(ctx),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.live["arn"],
        "Description": f"Launching a new EC2 instance.  Status Reason: {message}",
        "Cause": f"At {now} an instance was started in response to a difference between desired and actual capacity.",
        "StartTime": now,
        "EndTime": now,
        "StatusCode": "Failed",
        "StatusMessage": message,
        "Progress": 100,
        "Details": json.dumps(details),
    }
    group.live["activities"] = [activity, *group.live["activities"]][:_KEPT]
    told = {
        name: activity[name] for name in ("ActivityId", "AutoScalingGroupName", "StatusMessage")
    }
    detail = told | {"StatusCode": "Failed", "Details": details, "EC2InstanceId": ""}
    arns = [group.live["arn"]]
    _tell(ctx, _SCALING, "EC2 Instance Launch Unsuccessful", arns, detail)


def end(ctx: Context, machine: Record) -> None:
    """A machine is no more, by its group's will."""
    ctx.world.remove(machine)
    state_changed(ctx, machine, "terminated")


def state_changed(ctx: Context, machine: Record, state: str) -> None:
    """A machine has come or gone."""
    _about(ctx, machine, "EC2 Instance State-change Notification", state=state)


def at_risk(ctx: Context, machine: Record) -> None:
    """A spot machine may be taken soon."""
    _about(ctx, machine, "EC2 Instance Rebalance Recommendation")


def interrupted(ctx: Context, machine: Record) -> None:
    """A spot machine will be taken."""
    kind = "EC2 Spot Instance Interruption Warning"
    _about(ctx, machine, kind, **{"instance-action": "terminate"})


def _about(ctx: Context, machine: Record, kind: str, **detail: str) -> None:
    """EC2 puts the zone into the ARN in place of the region, and leaves the account out."""
    arn = f"arn:aws:ec2:{zone_name(machine.region, machine.body['zone'])}:instance/{machine.id}"
    _tell(ctx, _EC2, kind, [arn], {"instance-id": machine.id, **detail})


def _tell(ctx: Context, source: str, kind: str, arns: list[str], detail: Json) -> None:
    bus.post(
        ctx.world,
        bus.Event(
            ctx.cloud,
            ctx.region,
            BRIDGE,
            bridge_event(ctx, source, kind, arns, detail),
            ctx.world.clock.now(),
        ),
    )


def bridge_event(ctx: Context, source: str, kind: str, arns: list[str], detail: Json) -> Json:
    """An event as EventBridge hands it to its targets."""
    return {
        "version": "0",
        "id": new_uuid(ctx),
        "detail-type": kind,
        "source": source,
        "account": ctx.account,
        "time": ctx.world.clock.iso(),
        "region": ctx.region,
        "resources": arns,
        "detail": detail,
    }


def new_uuid(ctx: Context) -> str:
    """A fresh id in the form of a UUID."""
    digits = ctx.world.new_hex(32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
