"""Where an event of Azure goes: by Event Grid's subscriptions into queues, from queues and timers to functions."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sandbox import logs
from sandbox.azure import triggers
from sandbox.azure.apps import SITES
from sandbox.azure.events import SUBSCRIPTIONS, TOPICS
from sandbox.azure.permissions import allowed, identity_of
from sandbox.azure.storage import ACCOUNTS, QUEUES
from sandbox.bus import SCHEDULE, Delivery, Event
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.world import Record

QUEUED = "queued"
"""Kind of event: a message was put into a queue."""
ADD = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"
_TAKE = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action"
_TRIES, _HIDDEN = 5, "00:00:00"


def routes(ctx: Context, event: Event) -> list[Delivery]:
    """See `sandbox.bus`."""
    if event.kind == SCHEDULE:
        app = ctx.world.get(ctx.cloud, SITES, event.body["app"])
        return [Delivery(app, event.body | {"trigger": "timerTrigger"}, attempts=1)] if app else []
    if event.kind == QUEUED:
        queue = ctx.world.get(ctx.cloud, QUEUES, event.body["queue"])
        return [_queued(ctx, queue, event.body["text"])] if queue else []
    return list(_subscribed(ctx, event))


def _subscribed(ctx: Context, event: Event) -> Iterator[Delivery]:
    for topic in ctx.world.all(ctx.cloud, TOPICS):
        inside = topic.body["properties"]
        of_topic = event.kind.lower().startswith(_prefix(str(inside["topicType"])))
        if not of_topic or inside["source"].lower() != event.body["source"].lower():
            continue
        for subscription in ctx.world.all(ctx.cloud, SUBSCRIPTIONS):
            mine = subscription.id.startswith(f"{topic.id}/")
            if mine and _wanted(subscription.body["properties"], event.body):
                yield from _written(ctx, subscription, event.body)


def _prefix(topic_type: str) -> str:
    """What the types of a topic's events begin with: Microsoft.Storage.StorageAccounts has Microsoft.Storage.BlobCreated."""
    whole = topic_type.lower()
    return f"{whole}." if "notifications" in whole else f"{whole.rsplit('.', 1)[0]}."


def _wanted(subscription: Json, event: Json) -> bool:
    """Whether its filter takes the event."""
    given = subscription.get("filter") or {}
    types, subject = given.get("includedEventTypes"), event["subject"].lower()
    return (
        (not types or event["type"] in types)
        and subject.startswith(str(given.get("subjectBeginsWith") or "").lower())
        and subject.endswith(str(given.get("subjectEndsWith") or "").lower())
        and all(_holds(each, subject) for each in given.get("advancedFilters") or ())
    )


def _holds(advanced: Json, subject: str) -> bool:
    values = [str(value).lower() for value in advanced.get("values") or ()]
    if advanced["key"] != "subject" or advanced["operatorType"] != "StringBeginsWith":
        raise ValueError(f"an advanced filter that is not emulated: {advanced}")
    return any(subject.startswith(value) for value in values)


def _written(ctx: Context, subscription: Record, event: Json) -> Iterator[Delivery]:
    """Into its queue, if the identity that Event Grid has for it may write there."""
    queue = ctx.world.get(ctx.cloud, QUEUES, subscription.live.get("queue", ""))
    delivery = subscription.body["properties"].get("deliveryWithResourceIdentity") or {}
    name = get(delivery, "identity.userAssignedIdentity") or ""
    identity = identity_of(ctx.world, name)
    if queue is None or identity is None or not allowed(ctx.world, identity.live["principalId"], ADD, queue.id, data=True):  # fmt: skip
        logs.write(ctx.world, ctx.cloud, "event-grid", f"{subscription.id} may not write into its queue: {event['id']} is lost")  # fmt: skip
        return
    schema = subscription.body["properties"].get("eventDeliverySchema") or "EventGridSchema"
    yield _queued(ctx, queue, json.dumps(_in_schema(event, schema)))


def _in_schema(event: Json, schema: str) -> Json:
    """An event in one of Event Grid's two spellings."""
    if schema.startswith("CloudEvent"):
        return event | {"specversion": "1.0"}
    names = {"source": "topic", "type": "eventType", "time": "eventTime"}
    return {names.get(k, k): v for k, v in event.items()} | {
        "dataVersion": "",
        "metadataVersion": "1",
    }


def _queued(ctx: Context, queue: Record, text: str) -> Delivery:
    """A message for the function that listens to its queue; without one it stays there."""
    payload = {"trigger": "queueTrigger", "queue": queue.name, "text": text}
    for app in ctx.world.all(ctx.cloud, SITES):
        for trigger in triggers.of_kind(ctx, app, "queueTrigger"):
            if trigger["queueName"] == queue.name and _listens(ctx, app, trigger, queue):
                host = get(triggers.host_json(triggers.package_of(ctx, app)), "extensions.queues")
                settings = host or {}
                return Delivery(
                    app,
                    payload | {"function": trigger["function"]},
                    via=queue.id,
                    attempts=settings.get("maxDequeueCount", _TRIES),
                    backoff_s=_span_s(settings.get("visibilityTimeout", _HIDDEN)),
                    dead_letter=f"{queue.id}-poison",
                )
    return Delivery(None, payload, via=queue.id)


def _listens(ctx: Context, app: Record, trigger: Json, queue: Record) -> bool:
    """Whether the trigger's connection leads to the queue's account, as an identity that may take messages there."""
    settings = triggers.settings_of(app)
    connection = trigger["connection"]
    account = queue.id.split(f"/{ACCOUNTS}/")[1].split("/")[0]
    uri = settings.get(f"{connection}__queueServiceUri", "")
    client = settings.get(f"{connection}__clientId", "")
    for name in get(app.body, "identity.userAssignedIdentities") or {}:
        identity = identity_of(ctx.world, name)
        if identity and identity.live["clientId"] == client:
            may = allowed(ctx.world, identity.live["principalId"], _TAKE, queue.id, data=True)
            return may and uri.rstrip("/") == f"https://{account}.queue.core.windows.net"
    return False


def _span_s(text: str) -> float:
    hours, minutes, seconds = (float(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + seconds
