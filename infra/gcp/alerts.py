"""What a person should hear of: a reactor that fails, and events that nobody could handle."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
from pulumi_gcp import cloudfunctionsv2, monitoring, pubsub

from infra.naming import Owner

_ERRORS = 3
"""Failed requests within five minutes; single ones are repeated by who sent them."""


def declare_alerts(
    name: str,
    owner: Owner,
    project: str | None,
    functions: Sequence[cloudfunctionsv2.Function],
    letters: pubsub.Subscription,
    opts: pulumi.ResourceOptions,
) -> None:
    """Two alert policies. They show in the console; who is paged is set there."""
    services = pulumi.Output.all(*(function.name for function in functions))
    failing = services.apply(
        lambda names: (
            'resource.type="cloud_run_revision" AND metric.type="run.googleapis.com/request_count" '
            'AND metric.label."response_code_class"="5xx" AND '
            f'resource.label."service_name"=one_of({", ".join(json.dumps(n) for n in names)})'
        )
    )
    unhandled = letters.name.apply(
        lambda known: (
            'resource.type="pubsub_subscription" AND '
            'metric.type="pubsub.googleapis.com/subscription/num_undelivered_messages" AND '
            f'resource.label."subscription_id"={json.dumps(known)}'
        )
    )
    for use, filter_, most, aligner in (
        ("errors", failing, _ERRORS, "ALIGN_DELTA"),
        ("dead-letters", unhandled, 0, "ALIGN_MAX"),
    ):
        title = f"{owner.project} {owner.stack} reactor: {use.replace('-', ' ')}"
        monitoring.AlertPolicy(
            f"{name}-{use}",
            project=project,
            display_name=title,
            combiner="OR",
            severity="ERROR",
            conditions=[
                monitoring.AlertPolicyConditionArgs(
                    display_name=title,
                    condition_threshold=monitoring.AlertPolicyConditionConditionThresholdArgs(
                        filter=filter_,
                        comparison="COMPARISON_GT",
                        threshold_value=most,
                        duration="0s",
                        aggregations=[
                            monitoring.AlertPolicyConditionConditionThresholdAggregationArgs(
                                alignment_period="300s", per_series_aligner=aligner
                            )
                        ],
                    ),
                )
            ],
            user_labels=owner.tags(),
            opts=opts,
        )
