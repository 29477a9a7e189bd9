"""The Lambda function: every event wakes the reactor. IAM and resource policies have checked who sends it.

SKYBLEND_STORES           region/bucket of the stores with plan and state, the primary first, separated by commas
SKYBLEND_DISPATCH_SECRET  name of the secret with the token for asking for a new plan, if there is one
"""

from __future__ import annotations

import os
from typing import Any

from reactor.amazon import call, client
from reactor.clock import CloudClock
from reactor.clouds.aws import AutoScalingGroups
from reactor.handle import handle
from reactor.journal import unknown
from reactor.signals_aws import parse
from reactor.stores.s3 import S3Store

CLOCK = CloudClock()
CLOUD = AutoScalingGroups(CLOCK)
STORES = [S3Store(CLOCK, *place.split("/")) for place in os.environ["SKYBLEND_STORES"].split(",")]
SECRET = os.environ.get("SKYBLEND_DISPATCH_SECRET", "")

# while a process starts Lambda gives it a whole processor, however small the function is
for service in ("autoscaling", "s3"):
    client(service, os.environ["AWS_REGION"])


class RunFailed(Exception):
    """The run's own line says why; Lambda gives the event to another one."""


def handler(event: Any, _context: Any) -> None:
    """Returns where the event needs no other run."""
    signals = parse(event)
    if not signals:
        print(unknown("lambda", event), flush=True)  # noqa: T201  a function's log is its output
    elif handle(CLOUD, STORES, signals, token=_token) is None:
        raise RunFailed


def _token() -> str:
    """The secret as it is now, so that a rotated one needs no new deployment."""
    if not SECRET:
        return ""
    manager = client("secretsmanager", os.environ["AWS_REGION"])
    return str(call(CLOCK, manager.get_secret_value, SecretId=SECRET)["SecretString"])
