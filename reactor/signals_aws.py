"""What wakes the reactor on AWS: a watcher's notice, an event of EventBridge, a new object in the store.

A parser stands for each source and detail-type. The ARN in EC2's events has a zone in the place of the region, so only
`detail` is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reactor.published import PLAN_OBJECT
from reactor.signals import CHECK, Parser, Signal, seconds, watcher_notice

NOTICE_S = 120.0
"""How long before EC2 takes a spot instance its event says so; the event names no deadline."""
_ENDING = frozenset({"shutting-down", "stopping", "stopped", "terminated"})


def parse(event: Any) -> tuple[Signal, ...]:
    """The signals of one event; none where its shape is unknown. Never raises."""
    if not isinstance(event, dict):
        return ()
    signal = watcher_notice("aws", event)
    if signal is None and isinstance(event.get("Records"), list):
        signal = _stored(event["Records"])
    if signal is None:
        signal = _bridged(event)
    return (signal,) if signal else ()


def _bridged(event: dict[str, Any]) -> Signal | None:
    key = event.get("source"), event.get("detail-type")
    if not all(isinstance(word, str) for word in key):
        return None
    parser = PARSERS.get(key)  # type: ignore[arg-type]
    return parser(event) if parser else None


def _stored(records: list[Any]) -> Signal | None:
    """A notification of S3 about the plan."""
    keys = [_at(record, "s3", "object", "key") for record in records]
    return Signal("check", "s3") if PLAN_OBJECT in keys else None


def _interrupted(event: dict[str, Any]) -> Signal | None:
    at = seconds(event.get("time"))
    return _of_machine(event, "interrupt", at + NOTICE_S if at is not None else None)


def _at_risk(event: dict[str, Any]) -> Signal | None:
    return _of_machine(event, "rebalance", None)


def _ended(event: dict[str, Any]) -> Signal | None:
    state = _at(event, "detail", "state")
    if not isinstance(state, str) or state not in _ENDING:
        return None
    return _of_machine(event, "gone", None)


def _refused(event: dict[str, Any]) -> Signal | None:
    return Signal("failed_launch", "eventbridge", _text(event.get("region")))


def _ticked(_event: dict[str, Any]) -> Signal | None:
    return CHECK


def _of_machine(event: dict[str, Any], kind: Any, deadline_s: float | None) -> Signal | None:
    machine = _text(_at(event, "detail", "instance-id"))
    if not machine:
        return None
    return Signal(kind, "eventbridge", _text(event.get("region")), machine, deadline_s)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _at(value: Any, *path: str) -> Any:
    """What stands at a path, None where the path leads nowhere."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


PARSERS: Mapping[tuple[str, str], Parser] = {
    ("aws.ec2", "EC2 Spot Instance Interruption Warning"): _interrupted,
    ("aws.ec2", "EC2 Instance Rebalance Recommendation"): _at_risk,
    ("aws.ec2", "EC2 Instance State-change Notification"): _ended,
    ("aws.autoscaling", "EC2 Instance Launch Unsuccessful"): _refused,
    ("aws.events", "Scheduled Event"): _ticked,
}
