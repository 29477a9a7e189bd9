"""What somebody should look at: a function that fails, events that nobody could take."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_aws import cloudwatch, lambda_, sqs

_PERIOD_SECONDS = 300
_PERIODS = 2


def declare_alarms(
    name: str,
    region: str,
    tags: Mapping[str, str],
    function: lambda_.Function,
    queue: sqs.Queue,
    opts: pulumi.ResourceOptions,
) -> None:
    """One alarm for errors over ten minutes, one for a dead letter that lies for as long."""
    watched: Mapping[str, tuple[str, str, str, pulumi.Output[str]]] = {
        "errors": ("AWS/Lambda", "Errors", "FunctionName", function.name),
        "dead-letters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name),
    }
    for word, (namespace, metric, dimension, value) in watched.items():
        cloudwatch.MetricAlarm(
            f"{name}-{word}",
            region=region,
            namespace=namespace,
            metric_name=metric,
            dimensions={dimension: value},
            statistic="Maximum",
            period=_PERIOD_SECONDS,
            evaluation_periods=_PERIODS,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            tags=tags,
            opts=opts,
        )
