"""Where an event of GCP goes: log entries by sinks, new objects by notifications, both to topics; from there by
subscriptions; a job of the scheduler to its URL. Whoever passes something on needs the right to, as there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from sandbox.bus import SCHEDULE, Delivery, Event
from sandbox.fields import Json, get
from sandbox.gcp.filters import matches
from sandbox.gcp.functions import url_of
from sandbox.gcp.iam import NUMBER
from sandbox.gcp.messages import writer_of
from sandbox.gcp.permissions import allowed
from sandbox.gcp.rest import FUNCTION, JOB, NOTIFICATION, PUBSUB, SINK, SUBSCRIPTION, TOPIC, text_at
from sandbox.gcp.storage import FINALIZED
from sandbox.kind import Context
from sandbox.world import Record

AUDITED = "logging.entry"
"""Kind of event: a line of the audit log."""
_SINK_TO = "pubsub.googleapis.com/"
_ENDLESS = 50
_RETRY_S = 5.0


def routes(ctx: Context, event: Event) -> list[Delivery]:
    """See `sandbox.bus`."""
    if event.kind == SCHEDULE:
        job = ctx.world.get(ctx.cloud, JOB, event.body["job"])
        return list(_called(ctx, job)) if job else []
    if event.kind == FINALIZED:
        return list(_notified(ctx, event.body))
    return list(_logged(ctx, event.body))


def agent(service: str) -> str:
    """The account that one of Google's services acts as in the project."""
    return f"serviceAccount:service-{NUMBER}@{service}.iam.gserviceaccount.com"


def function_at(ctx: Context, url: str) -> Record | None:
    """The function that answers at a URL."""
    return next(
        (f for f in ctx.world.all(ctx.cloud, FUNCTION) if url_of(f) == url.rstrip("/")), None
    )


def may_invoke(ctx: Context, function: Record, member: str) -> bool:
    """Whether somebody may call a function; asked for before it runs."""
    return allowed(ctx, member, "run.routes.invoke", function.name)


def _logged(ctx: Context, entry: Json) -> Iterator[Delivery]:
    for sink in ctx.world.all(ctx.cloud, SINK):
        if not sink.body.get("disabled") and matches(sink.body.get("filter", ""), entry):
            topic = str(sink.body["destination"]).removeprefix(_SINK_TO)
            yield from _published(ctx, topic, writer_of(sink), entry, {})


def _notified(ctx: Context, attributes: Json) -> Iterator[Delivery]:
    for wanted in ctx.world.all(ctx.cloud, NOTIFICATION):
        body = wanted.body
        named = attributes["objectId"].startswith(body.get("object_name_prefix", ""))
        typed = attributes["eventType"] in body.get("event_types", [attributes["eventType"]])
        if body["bucket"] == attributes["bucketId"] and named and typed:
            topic = body["topic"].removeprefix(PUBSUB)
            told = (
                attributes | {"notificationConfig": wanted.id} | body.get("custom_attributes", {})
            )
            yield from _published(ctx, topic, agent("gs-project-accounts"), None, told)


def _published(
    ctx: Context, topic: str, member: str, data: Json | None, attributes: Json
) -> Iterator[Delivery]:
    """A message on a topic, if its sender may publish there: one delivery per subscription."""
    if not allowed(ctx, member, "pubsub.topics.publish", topic):
        return
    message = {
        "attributes": attributes,
        "messageId": str(ctx.world.next_serial()),
        "publishTime": ctx.world.clock.iso(),
    } | ({"data": base64.b64encode(json.dumps(data).encode()).decode()} if data else {})
    for subscription in ctx.world.all(ctx.cloud, SUBSCRIPTION):
        if subscription.body["topic"] == topic:
            yield _subscribed(ctx, subscription, message)


def _subscribed(ctx: Context, subscription: Record, message: Json) -> Delivery:
    body = subscription.body
    push, payload = body.get("pushConfig"), {"message": message, "subscription": subscription.id}
    function = _target(ctx, push["pushEndpoint"], push) if push else None
    letters = text_at(body, "deadLetterPolicy.deadLetterTopic")
    return Delivery(
        function,
        request_of(payload, {"User-Agent": "CloudPubSub-Google"}) if push else payload,
        via=subscription.id,
        attempts=get(body, "deadLetterPolicy.maxDeliveryAttempts") or _ENDLESS,
        backoff_s=_seconds(text_at(body, "retryPolicy.minimumBackoff")),
        dead_letter=_dead_letters(ctx, subscription, letters),
    )


def _dead_letters(ctx: Context, subscription: Record, topic: str) -> str:
    """The subscription that gets what is given up, if Pub/Sub may move it there."""
    pubsub = agent("gcp-sa-pubsub")
    moves = allowed(ctx, pubsub, "pubsub.topics.publish", topic) and allowed(
        ctx, pubsub, "pubsub.subscriptions.consume", subscription.name
    )
    if not topic or not moves or ctx.world.get(ctx.cloud, TOPIC, topic) is None:
        return ""
    kept = (s.id for s in ctx.world.all(ctx.cloud, SUBSCRIPTION) if s.body["topic"] == topic)
    return next(kept, "")


def _called(ctx: Context, job: Record) -> Iterator[Delivery]:
    target = job.body["httpTarget"]
    function = _target(ctx, target["uri"], target)
    headers = {
        "Content-Type": "application/octet-stream",
        **target.get("headers", {}),
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": job.name,
        "X-CloudScheduler-ScheduleTime": ctx.world.clock.iso(),
    }
    if function:
        body = base64.b64decode(target.get("body", "")).decode()
        tries = 1 + int(get(job.body, "retryConfig.retryCount") or 0)
        yield Delivery(
            function, {"headers": headers, "body": body}, attempts=tries, backoff_s=_RETRY_S
        )


def _target(ctx: Context, url: str, caller: Json) -> Record | None:
    """The function at a URL, if the account that calls as its token says may call it."""
    function = function_at(ctx, url)
    email = text_at(caller, "oidcToken.serviceAccountEmail")
    may = function and may_invoke(ctx, function, f"serviceAccount:{email}")
    return function if may else None


def request_of(payload: Json, headers: Json) -> Json:
    """A POST of JSON, as a function's Runner takes it."""
    return {"headers": {"Content-Type": "application/json", **headers}, "body": json.dumps(payload)}


def _seconds(duration: str) -> float:
    """`10s` in seconds; the least pause of Pub/Sub where nothing is said."""
    return float(duration.removesuffix("s") or 0.1)
