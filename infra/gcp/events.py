"""What wakes the reactor on GCP: preemptions from the audit log and a new plan through Pub/Sub, and a timer.

One topic for the project's events; each home's function gets all of them by a push of its own, as the caller's account.
What it fails to handle lies in a dead-letter topic with a subscription that keeps it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import cloudfunctionsv2, cloudscheduler, logging, projects, pubsub, serviceaccount

from infra.naming import Owner
from reactor.signals_gcp import TICK

_ATTEMPTS = 5
"""The least that Pub/Sub allows; an older notice is of no use."""
_ANSWER_SECONDS = 60
_LETTER_SECONDS = 7 * 24 * 3600
_NEVER = ""


@dataclass(frozen=True, slots=True)
class EventsArgs:
    """`cells`: regions whose machines count. `caller`: as whom the functions are called."""

    owner: Owner
    project: str | None
    cells: tuple[str, ...]
    caller: serviceaccount.Account


class Events(pulumi.ComponentResource):
    """`topic`: what everything is published to; `letters`: the subscription that holds what nobody could handle."""

    topic: pulumi.Output[str]
    letters: pubsub.Subscription

    def __init__(
        self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:gcp:Events", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._pubsub = projects.ServiceIdentity(
            name, project=args.project, service="pubsub.googleapis.com", opts=self._child
        )
        topic = self._topic(name)
        self.topic = topic.id
        self._preemptions(topic)
        dead = self._topic(f"{name}-dead-letters")
        self._dead = dead.id
        self._publisher(f"{name}-dead-letters", dead, self._pubsub.member)
        self.letters = pubsub.Subscription(
            f"{name}-dead-letters",
            project=args.project,
            topic=dead.id,
            message_retention_duration=f"{_LETTER_SECONDS}s",
            expiration_policy=pubsub.SubscriptionExpirationPolicyArgs(ttl=_NEVER),
            labels=args.owner.tags(),
            opts=self._child,
        )
        self.register_outputs({"topic": self.topic})

    def storage_may_publish(self) -> pulumi.Resource:
        """Let Cloud Storage tell of new objects.

        Its service agent has the project's number in its name, as every service's has. A project that never used it may
        lack the agent: `gcloud storage service-agent` makes it.
        """
        agent = self._pubsub.member.apply(
            lambda m: m.replace("@gcp-sa-pubsub.", "@gs-project-accounts.")
        )
        return pubsub.TopicIAMMember(
            f"{self._name}-storage",
            project=self._args.project,
            topic=self.topic,
            role="roles/pubsub.publisher",
            member=agent,
            opts=self._child,
        )

    def deliver(
        self, region: str, function: cloudfunctionsv2.Function, allowed: pulumi.Resource
    ) -> None:
        """Push everything to a function, and call it once a minute besides."""
        name, args = f"{self._name}-{region}", self._args
        subscription = pubsub.Subscription(
            name,
            project=args.project,
            topic=self.topic,
            ack_deadline_seconds=_ANSWER_SECONDS,
            message_retention_duration="600s",
            expiration_policy=pubsub.SubscriptionExpirationPolicyArgs(ttl=_NEVER),
            push_config=pubsub.SubscriptionPushConfigArgs(
                push_endpoint=function.url,
                oidc_token=pubsub.SubscriptionPushConfigOidcTokenArgs(
                    service_account_email=args.caller.email, audience=function.url
                ),
            ),
            retry_policy=pubsub.SubscriptionRetryPolicyArgs(
                minimum_backoff="1s", maximum_backoff="10s"
            ),
            dead_letter_policy=pubsub.SubscriptionDeadLetterPolicyArgs(
                dead_letter_topic=self._dead, max_delivery_attempts=_ATTEMPTS
            ),
            labels=args.owner.tags(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        pubsub.SubscriptionIAMMember(
            name,
            project=args.project,
            subscription=subscription.name,
            role="roles/pubsub.subscriber",  # it takes what it gives up out of the subscription
            member=self._pubsub.member,
            opts=self._child,
        )
        cloudscheduler.Job(
            name,
            project=args.project,
            region=region,
            schedule="* * * * *",
            time_zone="Etc/UTC",
            attempt_deadline=f"{_ANSWER_SECONDS}s",
            description=args.owner.mark(),
            http_target=cloudscheduler.JobHttpTargetArgs(
                uri=function.url,
                http_method="POST",
                headers={"Content-Type": "application/json"},
                body=base64.b64encode(json.dumps(TICK).encode()).decode(),
                oidc_token=cloudscheduler.JobHttpTargetOidcTokenArgs(
                    service_account_email=args.caller.email, audience=function.url
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def _topic(self, name: str) -> pubsub.Topic:
        return pubsub.Topic(
            name, project=self._args.project, labels=self._args.owner.tags(), opts=self._child
        )

    def _publisher(self, name: str, topic: pubsub.Topic, member: pulumi.Output[str]) -> None:
        pubsub.TopicIAMMember(
            name,
            project=self._args.project,
            topic=topic.id,
            role="roles/pubsub.publisher",
            member=member,
            opts=self._child,
        )

    def _preemptions(self, topic: pubsub.Topic) -> None:
        """Lines of the audit log about preempted machines with our names."""
        sink = logging.ProjectSink(
            self._name,
            project=self._args.project,
            destination=pulumi.Output.concat("pubsub.googleapis.com/", topic.id),
            filter=preemption_filter(self._args.cells),
            unique_writer_identity=True,
            description=self._args.owner.mark(),
            opts=self._child,
        )
        self._publisher(self._name, topic, sink.writer_identity)


def preemption_filter(cells: Sequence[str]) -> str:
    """Preemptions in these regions of machines that are named as pools are; log entries do not show machines' labels."""
    regions = "|".join(sorted(cells))
    return (
        'resource.type="gce_instance" '
        'AND protoPayload.methodName="compute.instances.preempted" '
        f'AND protoPayload.resourceName=~"/zones/({regions})-[a-z]/instances/gcp-({regions})-"'
    )
