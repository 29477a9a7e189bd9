"""Clients of AWS's services, as the Lambda runtime provides them: made once, short timeouts, failures as CloudError."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from reactor.clock import CloudClock
from reactor.ports import CloudError

_RETRIES, _CONNECT_S, _READ_S = 2, 2, 3
_THROTTLED = frozenset(
    {"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)  # fmt: skip

Answer = dict[str, Any]


@cache
def client(service: str, region: str) -> Any:
    """The client of a service in a region; usable from several threads. Imports boto3."""
    # imported here: it takes longer than everything else together, and plan time has none
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": _RETRIES},
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
    )
    return boto3.session.Session().client(service, region_name=region, config=config)


def call(clock: CloudClock, operation: Callable[..., Answer], **parameters: Any) -> Answer:
    """The answer; the clock hears its date. Raises CloudError, with `code` as the service names it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = operation(**parameters)
    except ClientError as error:
        _hear(clock, error.response)
        said = error.response.get("Error", {})
        code = str(said.get("Code", "Unknown"))
        raise CloudError(
            code, str(said.get("Message", "")), throttled=code in _THROTTLED
        ) from error
    except BotoCoreError as error:
        raise CloudError("Unreachable", str(error)) from error
    _hear(clock, answer)
    return answer


def _hear(clock: CloudClock, answer: Any) -> None:
    clock.hear(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"))
