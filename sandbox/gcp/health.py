"""Health checks, regional and global."""

from __future__ import annotations

from typing import ClassVar

from sandbox.fields import Fields, Json, member, nested
from sandbox.gcp import refusals
from sandbox.gcp.links import GLOBAL
from sandbox.gcp.resource import ComputeResource
from sandbox.gcp.shapes import is_set, known, same
from sandbox.kind import Context
from sandbox.world import Record

_PORT = same("port", "portName", "portSpecification")
_HTTP = {**_PORT, **same("host", "requestPath", "response", "proxyHeader")}
_STREAM = {**_PORT, **same("request", "response", "proxyHeader")}
_PROTOCOLS: dict[str, tuple[str, Fields]] = {
    "httpHealthCheck": ("HTTP", _HTTP),
    "httpsHealthCheck": ("HTTPS", _HTTP),
    "http2HealthCheck": ("HTTP2", _HTTP),
    "tcpHealthCheck": ("TCP", _STREAM),
    "sslHealthCheck": ("SSL", _STREAM),
    "grpcHealthCheck": ("GRPC", {**_PORT, **same("grpcServiceName")}),
    "grpcTlsHealthCheck": (
        "GRPC_WITH_TLS",
        same("port", "portSpecification", "grpcServiceName"),
    ),
}
_LIMITS = {
    "checkIntervalSec": (1, 300),
    "timeoutSec": (1, 300),
    "healthyThreshold": (1, 10),
    "unhealthyThreshold": (1, 10),
}


class RegionHealthCheck(ComputeResource):
    """A health check of one region."""

    token = "gcp:compute/regionHealthCheck:RegionHealthCheck"
    collection, word = "healthChecks", "health_check"
    api, update_api = "compute.regionHealthChecks.insert", "compute.regionHealthChecks.update"
    fields: ClassVar[Fields] = {
        **same("name", "description", *_LIMITS),
        **{name: nested(name, fields) for name, (_, fields) in _PROTOCOLS.items()},
        "logConfig": nested("logConfig", {"enable": member("enable")}),
    }
    defaults = {
        "checkIntervalSec": 5,
        "timeoutSec": 5,
        "healthyThreshold": 2,
        "unhealthyThreshold": 2,
    }
    computed: ClassVar[tuple[str, ...]] = ("healthCheckId", "type")

    def body(self, inputs: Json) -> Json:
        """The provider derives the type from the one protocol that is configured."""
        body = super().body(inputs)
        for name in is_set(inputs, *_PROTOCOLS):
            body["type"] = _PROTOCOLS[name][0]
        return body

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        if len(is_set(body, *_PROTOCOLS)) != 1:
            raise refusals.by_provider(
                f"exactly one of `{','.join(sorted(_PROTOCOLS))}` must be specified"
            )
        for name, (least, most) in _LIMITS.items():
            value = body.get(name)
            if known(value) and not least <= value <= most:
                raise refusals.invalid(
                    f"resource.{name}", value, f"Must be between {least} and {most}, inclusive."
                )
        timeout, interval = body.get("timeoutSec", 5), body.get("checkIntervalSec", 5)
        if known(timeout) and known(interval) and timeout > interval:
            raise refusals.invalid(
                "resource.timeoutSec",
                timeout,
                f"It is invalid for timeoutSec to have greater value than checkIntervalSec ({interval}).",
            )

    def extra(self, record: Record) -> Json:
        return {"healthCheckId": int(record.live["number"][:15]), "type": record.body["type"]}


class HealthCheck(RegionHealthCheck):
    """A global health check."""

    token = "gcp:compute/healthCheck:HealthCheck"
    scope = GLOBAL
    api, update_api = "compute.healthChecks.insert", "compute.healthChecks.update"
    fields = {**RegionHealthCheck.fields, **same("sourceRegions")}
    computed = ("type",)

    def extra(self, record: Record) -> Json:
        return {"type": record.body["type"]}
