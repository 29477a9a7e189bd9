"""Azure's own events, led into the reactors' queues: a new plan in a store, and machines whose health is in question.

They come after the fact; the watchers are the early ones. Event Grid writes with an identity of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import eventgrid as azure

from infra.azure.store import NOTICES, PLAN_CONTAINER, Store
from infra.naming import Owner
from reactor.published import PLAN_OBJECT

_STORAGE = "Microsoft.Storage.StorageAccounts"
_HEALTH = "Microsoft.ResourceNotifications.HealthResources"
_HEALTH_EVENTS = (f"{_HEALTH}.AvailabilityStatusChanged", f"{_HEALTH}.ResourceAnnotated")
_PLAN_SUBJECT = f"/blobServices/default/containers/{PLAN_CONTAINER}/blobs/{PLAN_OBJECT}"
_TRIES, _AGE_MINUTES = 5, 5
"""An older event is of no use: a tick has seen what it tells."""


@dataclass(frozen=True, slots=True)
class EventsArgs:
    """`stores` by region; `identity`: as whom Event Grid writes into their queues (its id); `owner` for tags."""

    resource_group: pulumi.Output[str]
    stores: Mapping[str, Store]
    identity: pulumi.Output[str]
    owner: Owner


class Events(pulumi.ComponentResource):
    """A topic per store, each into its own queue, and the health of machines into every queue."""

    def __init__(
        self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:azure:Events", name, {}, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        for region, store in args.stores.items():
            topic = self._topic(f"{name}-{region}", store.account.id, _STORAGE, region)
            plan = azure.EventSubscriptionFilterArgs(
                included_event_types=["Microsoft.Storage.BlobCreated"],
                subject_begins_with=_PLAN_SUBJECT,
            )
            self._lead(f"{name}-{region}", topic, store, plan)
        self._name = name
        self.register_outputs({})

    def health(self, groups: Sequence[pulumi.Output[str]]) -> None:
        """Lead on what happens to machines in these resource groups (ids). A subscription has one such topic."""
        source = groups[0].apply(lambda group: "/".join(group.split("/")[:3]))
        topic = self._topic(f"{self._name}-health", source, _HEALTH, "global")
        ours = azure.EventSubscriptionFilterArgs(
            included_event_types=list(_HEALTH_EVENTS),
            advanced_filters=[
                azure.StringBeginsWithAdvancedFilterArgs(
                    key="subject", operator_type="StringBeginsWith", values=list(groups)
                )
            ],
        )
        for region, store in self._args.stores.items():
            self._lead(f"{self._name}-health-{region}", topic, store, ours)

    def _topic(
        self, name: str, source: pulumi.Input[str], kind: str, location: str
    ) -> azure.SystemTopic:
        identities = self._args.identity.apply(lambda known: {known: azure.UserIdentityPropertiesArgs()})  # fmt: skip
        return azure.SystemTopic(
            name,
            resource_group_name=self._args.resource_group,
            location=location,
            source=source,
            topic_type=kind,
            identity=azure.IdentityInfoArgs(
                type="UserAssigned", user_assigned_identities=identities
            ),
            tags=self._args.owner.tags(),
            opts=self._child,
        )

    def _lead(
        self,
        name: str,
        topic: azure.SystemTopic,
        store: Store,
        which: azure.EventSubscriptionFilterArgs,
    ) -> None:
        azure.SystemTopicEventSubscription(
            name,
            resource_group_name=self._args.resource_group,
            system_topic_name=topic.name,
            event_delivery_schema="CloudEventSchemaV1_0",
            delivery_with_resource_identity=azure.DeliveryWithResourceIdentityArgs(
                identity=azure.EventSubscriptionIdentityArgs(
                    type="UserAssigned", user_assigned_identity=self._args.identity
                ),
                destination=azure.StorageQueueEventSubscriptionDestinationArgs(
                    endpoint_type="StorageQueue",
                    resource_id=store.account.id,
                    queue_name=store.queue.name.apply(lambda _: NOTICES),
                    queue_message_time_to_live_in_seconds=_AGE_MINUTES * 60,
                ),
            ),
            filter=which,
            retry_policy=azure.RetryPolicyArgs(
                max_delivery_attempts=_TRIES, event_time_to_live_in_minutes=_AGE_MINUTES
            ),
            opts=self._child,
        )
