"""Event Grid: a topic for what a resource or the subscription does, and subscriptions that lead events on."""

from __future__ import annotations

from sandbox.azure.arm import ArmKind, known_value, look
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

TOPICS = "Microsoft.EventGrid/systemTopics"
SUBSCRIPTIONS = f"{TOPICS}/eventSubscriptions"


class SystemTopic(ArmKind):
    """What a source does, as events. A source has one."""

    token = "azure-native:eventgrid:SystemTopic"
    name = TOPICS
    name_input = "systemTopicName"
    fixed = frozenset({"location", "source", "topicType"})
    most_name = 50
    identities_as = dict
    computed = (*ArmKind.computed, "metricResourceId")

    def settle(self, ctx: Context, record: Record) -> None:
        source = str(get(record.body, "properties.source"))
        held = next((r for r in ctx.world.all(ctx.cloud) if r.id == source), None)
        if held is None and source.count("/") > 2:
            raise Refusal("InvalidRequest", f"The source '{source}' does not exist.")
        where = held.region if held else "global"
        if record.region != where:
            raise Refusal("InvalidRequest", f"The system topic must be in the location of its source, '{where}'.")  # fmt: skip
        for other in ctx.world.all(ctx.cloud, self.name):
            same = all(
                get(other.body, f"properties.{part}") == get(record.body, f"properties.{part}")
                for part in ("source", "topicType")
            )
            if same and other.id != record.id:
                raise Refusal("InvalidRequest", f"Only one system topic is allowed for the source '{source}'; {other.id} exists.")  # fmt: skip
        if held:
            record.parents.append(held.id)
        record.live.setdefault("metricResourceId", ctx.world.new_hex(32))

    def outputs(self, ctx: Context, record: Record) -> Json:
        metric = {"metricResourceId": record.live["metricResourceId"]}
        return super().outputs(ctx, record) | metric


class EventSubscription(ArmKind):
    """Where a topic's events go, and which of them."""

    token = "azure-native:eventgrid:SystemTopicEventSubscription"
    name = SUBSCRIPTIONS
    name_input = "eventSubscriptionName"
    path_inputs = ("systemTopicName",)
    fixed = frozenset({"eventDeliverySchema"})
    most_name = 64
    computed = (*ArmKind.computed, "topic")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        plain = look(body, "properties.destination") is not None
        as_identity = look(body, "properties.deliveryWithResourceIdentity") is not None
        if plain == as_identity:
            raise Refusal("InvalidRequest", "An event subscription has either a destination or a delivery with an identity.")  # fmt: skip
        attempts = known_value(body, "properties.retryPolicy.maxDeliveryAttempts")
        if isinstance(attempts, int) and not 1 <= attempts <= 30:
            raise Refusal("InvalidRequest", f"maxDeliveryAttempts is {attempts}; it must be between 1 and 30.")  # fmt: skip

    def settle(self, ctx: Context, record: Record) -> None:
        to = destination(record)
        account = get(to, "properties.resourceId")
        queue = f"{account}/queueServices/default/queues/{get(to, 'properties.queueName')}"
        if to.get("endpointType") == "StorageQueue":
            gone = Refusal("InvalidRequest", f"The destination queue '{queue}' does not exist.")
            ctx.need("Microsoft.Storage/storageAccounts/queueServices/queues", queue, gone)
            record.live["queue"] = queue

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"topic": record.id.rsplit("/", 2)[0]}


def destination(subscription: Record) -> Json:
    """Where it leads, with an identity or without."""
    inside = subscription.body["properties"]
    found: Json = (
        get(inside, "deliveryWithResourceIdentity.destination") or inside.get("destination") or {}
    )
    return found
