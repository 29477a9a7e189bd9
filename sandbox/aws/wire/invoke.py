"""The call of Lambda that invokes a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from sandbox import bus
from sandbox.aws.deliveries import to_function
from sandbox.aws.functions import function_name, need_function
from sandbox.aws.wire.call import Answer, Call, Failure
from sandbox.refusal import Refusal

_INVALID = "InvalidRequestContentException"


def _invoke(call: Call) -> Answer:
    named = unquote(call.request.target.partition("?")[0].split("/")[3])
    ctx, name = call.ctx, function_name(named)
    call.need(f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{name}", action="InvokeFunction")
    try:
        function = need_function(ctx, named)
    except Refusal as refusal:
        raise Failure(404, refusal.code, refusal.message) from None
    payload = _payload(call.request.body)
    kind = call.request.headers.get("x-amz-invocation-type", "RequestResponse")
    if kind == "DryRun":
        return Answer(body=b"", status=204)
    if kind == "Event":
        bus.send(ctx.world, ctx.cloud, ctx.region, to_function(ctx, function, payload))
        return Answer(body=b"", status=202)
    outcome = call.functions.invoke(function, payload)
    if outcome.ok:
        return Answer(body=json.dumps(outcome.value).encode())
    error = {"errorMessage": outcome.error, "errorType": "Error"}
    return Answer(body=json.dumps(error).encode(), headers={"X-Amz-Function-Error": "Unhandled"})


OPERATIONS: Mapping[str, Callable[[Call], Answer]] = {"Invoke": _invoke}


def _payload(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        words = f"Could not parse request body into json: {error}"
        raise Failure(400, _INVALID, words) from None
