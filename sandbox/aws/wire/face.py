"""The HTTP face of AWS: finds out who calls which operation, lets the service answer, and writes what it says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from botocore.model import ServiceModel

from sandbox.aws.wire import autoscaling, invoke, protocol, s3, secrets
from sandbox.aws.wire.call import Answer, Call, Failure
from sandbox.aws.wire.signature import Scope, principal_of, scope_of
from sandbox.clouds import context
from sandbox.functions import Functions
from sandbox.http import THROTTLE, Reply, Request
from sandbox.refusal import Refusal
from sandbox.world import World

Operation = Callable[[Call], Answer]

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "autoscaling": autoscaling.OPERATIONS,
    "lambda": invoke.OPERATIONS,
    "s3": s3.OPERATIONS,
    "secretsmanager": secrets.OPERATIONS,
}
"""What is answered, by the service's signing name."""
_THROTTLES = {
    "autoscaling": (400, "Throttling", "Rate exceeded"),
    "lambda": (429, "TooManyRequestsException", "Rate Exceeded."),
    "s3": (503, "SlowDown", "Please reduce your request rate."),
    "secretsmanager": (400, "ThrottlingException", "Rate exceeded"),
}
_PREFIXES = {"monitoring": "cloudwatch"}
"""Services whose permissions have another name than their signature."""


class AwsFace:
    """See `sandbox.http.Face`."""

    def __init__(self, world: World, functions: Functions) -> None:
        self._world, self._functions = world, functions

    def region(self, request: Request) -> str:
        """See `sandbox.http.Face`."""
        scope = scope_of(request)
        return scope.region if scope else ""

    def fault(self, request: Request, fault: str) -> Reply:
        """See `sandbox.http.Face`."""
        scope = scope_of(request)
        service = scope.service if scope else ""
        trouble = (500, "InternalFailure", "We encountered an internal error. Please try again.")
        answer = _THROTTLES.get(service, (400, "Throttling", "Rate exceeded"))
        model = protocol.model_of(service)
        return protocol.failed(
            model, "", Failure(*(answer if fault == THROTTLE else trouble)), str(uuid.uuid4())
        )

    def handle(self, request: Request) -> Reply:
        """See `sandbox.http.Face`."""
        request_id, model, operation = str(uuid.uuid4()), None, ""
        try:
            scope = scope_of(request)
            if scope is None:
                raise Failure(403, "MissingAuthenticationToken", "Request is missing Authentication Token")  # fmt: skip
            model = protocol.model_of(scope.service)
            if model is None:
                raise Failure(404, "UnknownService", f"there is no service {scope.service}")
            principal = principal_of(self._world, request, scope)
            operation = protocol.operation_of(model, request)
            answer = self._answer(request, scope, model, principal, operation)
            return protocol.answered(model, operation, answer, request_id)
        except Refusal as refusal:
            failure = Failure(400, refusal.code, refusal.message)
        except Failure as error:
            failure = error
        except ValueError as error:
            failure = Failure(400, "SerializationException", f"cannot be read: {error}")
        return protocol.failed(model, operation, failure, request_id)

    def _answer(
        self, request: Request, scope: Scope, model: ServiceModel, principal: str, operation: str
    ) -> Answer:
        ctx = context(self._world, "aws", scope.region)
        service = _PREFIXES.get(scope.service, scope.service)
        call = Call(ctx, self._functions, principal, service, operation, request)
        answer = OPERATIONS.get(scope.service, {}).get(operation)
        if answer is not None:
            return answer(call)
        call.need("*")
        raise Failure(501, "NotEmulated", f"{scope.service} {operation} is not emulated")
