"""The Cloud Run function: every POST wakes the reactor. IAM has checked the caller before it gets here.

SKYBLEND_PROJECT  the project of the groups
SKYBLEND_LABEL    the label that the stack's groups give to their machines, as key=value
SKYBLEND_BUCKETS  the buckets with plan and state, the first region's first, separated by commas
"""

from __future__ import annotations

import json
import os
from threading import Lock
from typing import Any

from reactor.clock import CloudClock
from reactor.clouds.gcp import ManagedGroups
from reactor.google import Google
from reactor.handle import handle
from reactor.http import Http
from reactor.journal import unknown
from reactor.published import Label
from reactor.signals_gcp import parse
from reactor.stores.gcs import GcsStore

GOOGLE = Google.of(Http(CloudClock()))
LABEL = Label(*os.environ["SKYBLEND_LABEL"].split("=", 1))
SPEAKING = Lock()
STORES = [GcsStore(GOOGLE, bucket) for bucket in os.environ["SKYBLEND_BUCKETS"].split(",")]


def react(request: Any) -> tuple[str, int]:
    """204 acknowledges; after a 500 Pub/Sub delivers again and a watcher tries the other region."""
    try:
        event = json.loads(request.get_data())
    except (ValueError, RecursionError):
        event = None
    signals = parse(event)
    if not signals:
        tell(unknown("post", event))
        return "", 204
    cloud = ManagedGroups(GOOGLE, os.environ["SKYBLEND_PROJECT"], LABEL)
    return "", 204 if handle(cloud, STORES, signals, write=tell) else 500


def tell(line: str) -> None:
    """Several requests run at once here, and the framework writes a line and its end apart."""
    with SPEAKING:
        print(line, flush=True)  # noqa: T201  a function's log is its output
