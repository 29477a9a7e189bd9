"""The events of EC2 and Auto Scaling in one region, on their way to the reactor.

A region with a function hands them to it; any other forwards them to the event buses of those that have one, which take
them for their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, lambda_, sqs

from infra.aws import policies
from infra.aws.identities import Identity
from infra.naming import AWS_LIMIT, fit

PATTERNS: Mapping[str, Mapping[str, object]] = {
    "notices": {
        "source": ["aws.ec2"],
        "detail-type": [
            "EC2 Spot Instance Interruption Warning",
            "EC2 Instance Rebalance Recommendation",
        ],
    },
    "ends": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["shutting-down", "stopping", "stopped", "terminated"]},
    },
    "refusals": {
        "source": ["aws.autoscaling"],
        "detail-type": ["EC2 Instance Launch Unsuccessful"],
    },
}
TICK = "rate(1 minute)"
_ATTEMPTS, _AGE_SECONDS = 5, 300
"""An older notice is of no use: its machine is gone, and a tick has seen it."""


@dataclass(frozen=True, slots=True)
class EventsArgs:
    """Where the events happen."""

    region: str
    tags: Mapping[str, str]


class Events(pulumi.ComponentResource):
    """The rules of a region; what they catch is then delivered to a function, or forwarded."""

    def __init__(
        self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:aws:Events", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._rules = {
            word: self._rule(word, event_pattern=json.dumps(pattern))
            for word, pattern in PATTERNS.items()
        }
        self.register_outputs({})

    def deliver(self, function: lambda_.Function, queue: sqs.Queue) -> None:
        """To the function, with the tick; what it cannot be given ends in the queue."""
        rules = self._rules | {"tick": self._rule("tick", schedule_expression=TICK)}
        arns = pulumi.Output.all(queue.arn, *(rule.arn for rule in rules.values()))
        taken = sqs.QueuePolicy(
            self._name,
            region=self._args.region,
            queue_url=queue.url,
            policy=arns.apply(lambda known: policies.dead_letters(known[0], known[1:])),
            opts=self._child,
        )
        for word, rule in rules.items():
            allowed = lambda_.Permission(
                f"{self._name}-{word}",
                region=self._args.region,
                function=function.name,
                action="lambda:InvokeFunction",
                principal="events.amazonaws.com",
                source_arn=rule.arn,
                opts=self._child,
            )
            cloudwatch.EventTarget(
                f"{self._name}-{word}",
                region=self._args.region,
                rule=rule.name,
                arn=function.arn,
                retry_policy=cloudwatch.EventTargetRetryPolicyArgs(
                    maximum_retry_attempts=_ATTEMPTS, maximum_event_age_in_seconds=_AGE_SECONDS
                ),
                dead_letter_config=cloudwatch.EventTargetDeadLetterConfigArgs(arn=queue.arn),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed, taken]),
            )

    def forward(self, buses: Mapping[str, pulumi.Output[str]], sender: Identity) -> None:
        """To the buses of other regions, by region; one that does not get there is made up for by the next tick."""
        for word, rule in self._rules.items():
            for region, bus in buses.items():
                cloudwatch.EventTarget(
                    f"{self._name}-{word}-{region}",
                    region=self._args.region,
                    rule=rule.name,
                    arn=bus,
                    role_arn=sender.role.arn,
                    retry_policy=cloudwatch.EventTargetRetryPolicyArgs(
                        maximum_retry_attempts=_ATTEMPTS,
                        maximum_event_age_in_seconds=_AGE_SECONDS,
                    ),
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[sender.policy]),
                )

    def _rule(
        self, word: str, *, event_pattern: str | None = None, schedule_expression: str | None = None
    ) -> cloudwatch.EventRule:
        return cloudwatch.EventRule(
            fit(f"{self._name}-{word}", AWS_LIMIT),
            region=self._args.region,
            event_pattern=event_pattern,
            schedule_expression=schedule_expression,
            tags=self._args.tags,
            opts=self._child,
        )
