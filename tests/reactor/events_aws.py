"""Events of AWS as they reach the function, recorded from the documented shapes."""

from __future__ import annotations

from typing import Any

MACHINE = "i-0abc"
_ENVELOPE = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "account": "111122223333",
    "time": "2026-11-22T06:28:00Z",
    "region": "us-east-2",
}


def bridged(source: str, kind: str, **detail: Any) -> dict[str, Any]:
    """An event of EventBridge."""
    about = {
        "source": source,
        "detail-type": kind,
        "resources": [f"arn:aws:ec2:us-east-2a:instance/{MACHINE}"],
        "detail": detail,
    }
    return _ENVELOPE | about


WARNING = bridged(
    "aws.ec2",
    "EC2 Spot Instance Interruption Warning",
    **{"instance-id": MACHINE, "instance-action": "terminate"},
)
REBALANCE = bridged("aws.ec2", "EC2 Instance Rebalance Recommendation", **{"instance-id": MACHINE})
ENDED = bridged(
    "aws.ec2",
    "EC2 Instance State-change Notification",
    **{"instance-id": MACHINE, "state": "terminated"},
)
REFUSED = bridged(
    "aws.autoscaling",
    "EC2 Instance Launch Unsuccessful",
    StatusCode="Failed",
    AutoScalingGroupName="spots",
    ActivityId="87654321-4321-4321-4321-210987654321",
    Details={"Availability Zone": "us-east-2a", "Subnet ID": "subnet-1"},
    StatusMessage="Could not launch Spot Instances. UnfulfillableCapacity",
    EC2InstanceId="",
)
TICK = bridged("aws.events", "Scheduled Event")
NOTICE: dict[str, Any] = {
    "skyblend": 1,
    "cloud": "aws",
    "region": "us-east-2",
    "machine": MACHINE,
    "kind": "interrupt",
    "deadline": "2026-11-22T06:30:00Z",
    "pool": "aws-us-east-2-l4x1-tp1-spot",
}
STORED: dict[str, Any] = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-2",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": "store", "arn": "arn:aws:s3:::store"},
                "object": {"key": "plan.json", "size": 7, "eTag": "1", "sequencer": "1"},
            },
        }
    ]
}
SAMPLES: tuple[Any, ...] = (WARNING, REBALANCE, ENDED, REFUSED, TICK, NOTICE, STORED)
