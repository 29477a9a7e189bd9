"""Events of GCP as they reach the function, recorded from the documented shapes."""

from __future__ import annotations

import base64
import json
from typing import Any

ENTRY: dict[str, Any] = {
    "insertId": "x1",
    "logName": "projects/p/logs/cloudaudit.googleapis.com%2Fsystem_event",
    "timestamp": "2026-11-22T06:28:04Z",
    "resource": {
        "type": "gce_instance",
        "labels": {"project_id": "p", "zone": "us-central1-a", "instance_id": "5190"},
    },
    "protoPayload": {
        "serviceName": "compute.googleapis.com",
        "methodName": "compute.instances.preempted",
        "resourceName": "projects/p/zones/us-central1-a/instances/llm-l4-x7k2",
        "request": {"@type": "type.googleapis.com/compute.instances.preempted"},
    },
}
NOTICE: dict[str, Any] = {
    "skyblend": 1,
    "cloud": "gcp",
    "region": "us-central1",
    "machine": "5190",
    "kind": "interrupt",
    "deadline": "2026-11-22T06:30:00Z",
    "pool": "gcp-us-central1-l4x1-tp1-spot",
}
STORED: dict[str, Any] = {
    "attributes": {
        "eventType": "OBJECT_FINALIZE",
        "bucketId": "stack-plan",
        "objectId": "plan.json",
        "objectGeneration": "7",
        "payloadFormat": "NONE",
    },
    "messageId": "2",
    "publishTime": "2026-11-22T06:28:05Z",
}


def push(entry: Any) -> dict[str, Any]:
    """A log entry, or a message as it is, as Pub/Sub pushes it without unwrapping."""
    logged = "protoPayload" in entry
    data = base64.b64encode(json.dumps(entry).encode()).decode()
    message = (
        {"data": data, "messageId": "1", "publishTime": entry["timestamp"]} if logged else entry
    )
    return {"message": message, "subscription": "projects/p/subscriptions/s"}
