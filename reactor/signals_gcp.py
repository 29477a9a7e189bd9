"""What wakes the reactor on GCP, as the body of a POST: a watcher's notice, a tick, or a Pub/Sub push that carries a line
of the audit log or a storage notification."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from reactor.published import PLAN_OBJECT
from reactor.signals import CHECK, Parser, Signal, watcher_notice

TICK = {"skyblend": 1, "kind": "tick"}
"""The body that the scheduler's job sends."""


def parse(event: Any) -> tuple[Signal, ...]:
    """The signals of one event; none where its shape is unknown. Never raises."""
    signal = watcher_notice("gcp", event)
    if signal is None and isinstance(event, dict):
        signal = CHECK if event == TICK else _pushed(event.get("message"))
    return (signal,) if signal else ()


def _pushed(message: Any) -> Signal | None:
    """A message of Pub/Sub: `attributes` say what happened to an object, `data` is a line of a log."""
    if not isinstance(message, dict):
        return None
    attributes = message.get("attributes")
    if isinstance(attributes, dict) and attributes.get("objectId") == PLAN_OBJECT:
        return Signal("check", "storage")
    entry = _decoded(message.get("data"))
    method = _at(entry, "protoPayload", "methodName")
    parser = AUDITED.get(method) if isinstance(method, str) else None
    return parser(entry) if parser else None


def _decoded(data: Any) -> Any:
    try:
        return json.loads(base64.b64decode(data, validate=True))
    except (ValueError, TypeError, RecursionError):
        return None


def _at(value: Any, *path: str) -> Any:
    """What stands at a path, None where the path leads nowhere."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _preempted(entry: dict[str, Any]) -> Signal | None:
    """The line comes when the machine is already going, and names no deadline."""
    zone = _at(entry, "resource", "labels", "zone")
    number = _at(entry, "resource", "labels", "instance_id")
    if not isinstance(zone, str) or not isinstance(number, str):
        return None
    return Signal("gone", "audit log", zone.rpartition("-")[0], number)


AUDITED: Mapping[str, Parser] = {"compute.instances.preempted": _preempted}
"""Parsers of the audit log's lines by method."""
