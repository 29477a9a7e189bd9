"""Policy documents of the reactor and of the machines: what each may do, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reactor.dry import OBSERVED_OBJECT
from reactor.published import FREEZE_OBJECT, PLAN_OBJECT, STATE_OBJECT

_READ = (PLAN_OBJECT, STATE_OBJECT, FREEZE_OBJECT, OBSERVED_OBJECT)
_WRITTEN = (STATE_OBJECT, OBSERVED_OBJECT)


def trust(service: str) -> str:
    """Who may take the role: one of AWS's services."""
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
            }
        ]
    )


def allow(actions: str | list[str], resources: Any, condition: Any = None) -> dict[str, Any]:
    """A statement; `resources` may hold values that are not known yet."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy as text, equal for equal content."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


def reactor(
    *,
    tags: Mapping[str, str],
    buckets: Iterable[str],
    queues: list[str],
    logs: Iterable[str],
    secret: str | None,
) -> str:
    """What the function may do; buckets, queues and log groups are ARNs, `secret` the name of the token's.

    Describing groups cannot be limited to some; setting sizes is, by the tags that this stack's groups carry. Without the
    right to list, S3 denies objects that do not exist instead of saying so.
    """
    known = list(buckets)
    ours = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}}
    statements = [
        allow(
            ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities"], "*"
        ),
        allow("autoscaling:SetDesiredCapacity", "*", ours),
        allow("s3:GetObject", [f"{bucket}/{name}" for bucket in known for name in _READ]),
        allow("s3:PutObject", [f"{bucket}/{name}" for bucket in known for name in _WRITTEN]),
        allow("s3:ListBucket", known),
        allow("sqs:SendMessage", queues),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{group}:*" for group in logs]),
    ]
    if secret:
        # Secrets Manager adds six characters to the name
        statements.append(
            allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:*:*:secret:{secret}-??????")
        )  # fmt: skip
    return document(statements)


def dead_letters(queue: str, rules: Sequence[str]) -> str:
    """Whose undeliverable events a queue takes: those of these rules."""
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
            }
        ]
    )
