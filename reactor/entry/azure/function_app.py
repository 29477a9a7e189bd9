"""The function app: a queue that everybody tells into, and a timer. A run that fails raises, so that its message comes
again and, after five times, lies in the poison queue."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import azure.functions as func

from reactor import signals_azure
from reactor.clock import CloudClock
from reactor.clouds.azure import ScaleSets
from reactor.handle import handle
from reactor.http import Http
from reactor.journal import unknown
from reactor.microsoft import Microsoft
from reactor.published import Label
from reactor.signals import CHECK, Signal
from reactor.stores.blob import BlobStore
from reactor.together import Together

app = func.FunctionApp()
_microsoft = Microsoft.of(Http(CloudClock()))
_stores = [BlobStore(_microsoft, url) for url in os.environ["SKYBLEND_STORES"].split(",")]
_label = Label("skyblend-stack", os.environ["SKYBLEND_STACK"])


@app.queue_trigger(arg_name="message", queue_name="notices", connection="NOTICES")
def notices(message: func.QueueMessage) -> None:
    """A notice of a machine, or an event of the cloud."""
    try:
        event = json.loads(message.get_body())
    except ValueError:
        event = repr(message.get_body())
    signals = signals_azure.parse(event)
    if signals:
        _run(signals)
    else:
        print(unknown("queue", event), flush=True)  # noqa: T201  a function's log is its output


@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", use_monitor=False)
def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001  every trigger has an argument
    """Every minute, in case nobody told."""
    _run((CHECK,))


def _handle(signals: Sequence[Signal]) -> bool:
    outcome = handle(ScaleSets(_microsoft, _label), _stores, signals)
    return outcome is not None and outcome.ended != "behind"


_together = Together(_handle)


def _run(signals: tuple[Signal, ...]) -> None:
    if not _together(signals):
        raise RuntimeError("the run did not come to an end: see the line before")
