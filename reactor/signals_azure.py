"""What wakes the reactor on Azure, as messages of one queue: watchers' notices, and Event Grid's events of both schemas
(an id called `type` or `eventType`) about machines' health and about a new plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reactor.published import PLAN_OBJECT
from reactor.signals import Parser, Signal, watcher_notice


def parse(event: Any) -> tuple[Signal, ...]:
    """The signals of one message; none where its shape is unknown. Never raises."""
    signal = watcher_notice("azure", event)
    if signal is None and isinstance(event, dict):
        kind = event.get("type") or event.get("eventType")
        parser = EVENTS.get(kind) if isinstance(kind, str) else None
        signal = parser(event) if parser else None
    return (signal,) if signal else ()


def _health(event: dict[str, Any]) -> Signal | None:
    """Something about a machine changed, or will: names of annotations vary, so each says only that it is time to look."""
    subject = event.get("subject")
    return Signal("check", "health") if isinstance(subject, str) and subject else None


def _created(event: dict[str, Any]) -> Signal | None:
    """A blob was written: the plan, or another that is none of our business."""
    subject = event.get("subject")
    ours = isinstance(subject, str) and subject.endswith(f"/blobs/{PLAN_OBJECT}")
    return Signal("check", "storage") if ours else None


_HEALTH = "Microsoft.ResourceNotifications.HealthResources"
EVENTS: Mapping[str, Parser] = {
    f"{_HEALTH}.AvailabilityStatusChanged": _health,
    f"{_HEALTH}.ResourceAnnotated": _health,
    "Microsoft.Storage.BlobCreated": _created,
}
"""Parsers of Event Grid's events by type."""
