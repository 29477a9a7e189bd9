"""AWS target groups."""

from __future__ import annotations

from sandbox.aws.attributes import attribute
from sandbox.aws.balancer import elb_arn
from sandbox.aws.lookup import LISTENER, TARGET_GROUP, need_vpc
from sandbox.aws.members import pairs, same, single, unpaired
from sandbox.aws.naming import NamedKind, check_name
from sandbox.aws.row import PROVIDER, REGION
from sandbox.fields import UNKNOWN, Field, Json, member, nested
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_ATTRIBUTES = "ModifyTargetGroupAttributes"
_LAYER_4 = ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")


def _attribute(key: str, kind: type = str) -> Field:
    return attribute(_ATTRIBUTES, key, kind)


def _inner(key: str, kind: type = str) -> Field:
    """The same inside a slot of the attributes."""
    full = attribute(_ATTRIBUTES, key, kind)
    return Field(full.path.removeprefix(f"{_ATTRIBUTES}.Attributes."), to=full.to, back=full.back)


_MINIMUM_DNS = "target_group_health.dns_failover.minimum_healthy_targets"
_MINIMUM_ROUTING = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"


class TargetGroup(NamedKind):
    """A target group with its health check."""

    token = "aws:lb/targetGroup:TargetGroup"
    name = TARGET_GROUP
    api = "elbv2.CreateTargetGroup"
    update_api = "elbv2.ModifyTargetGroup"
    ident = "TargetGroupArn"
    named_by = "Name"
    taken = (
        "DuplicateTargetGroupName",
        "A target group with the same name '{name}' exists, but with different settings",
    )
    also = (_ATTRIBUTES,)
    fields = {
        **same("ipAddressType", "name", "port", "protocol", "protocolVersion", "targetControlPort"),
        **same("targetType", "vpcId"),
        "connectionTermination": _attribute(
            "deregistration_delay.connection_termination.enabled", bool
        ),
        "deregistrationDelay": _attribute("deregistration_delay.timeout_seconds", int),
        "healthCheck": nested(
            "",
            {
                "enabled": member("HealthCheckEnabled"),
                "healthyThreshold": member("HealthyThresholdCount"),
                "interval": member("HealthCheckIntervalSeconds"),
                "matcher": member("Matcher.HttpCode"),
                "path": member("HealthCheckPath"),
                "port": member("HealthCheckPort"),
                "protocol": member("HealthCheckProtocol"),
                "timeout": member("HealthCheckTimeoutSeconds"),
                "unhealthyThreshold": member("UnhealthyThresholdCount"),
            },
        ),
        "lambdaMultiValueHeadersEnabled": _attribute("lambda.multi_value_headers.enabled", bool),
        "loadBalancingAlgorithmType": _attribute("load_balancing.algorithm.type"),
        "loadBalancingAnomalyMitigation": _attribute("load_balancing.algorithm.anomaly_mitigation"),
        "loadBalancingCrossZoneEnabled": _attribute("load_balancing.cross_zone.enabled"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "preserveClientIp": _attribute("preserve_client_ip.enabled"),
        "proxyProtocolV2": _attribute("proxy_protocol_v2.enabled", bool),
        "slowStart": _attribute("slow_start.duration_seconds", int),
        "stickiness": nested(
            "",
            {
                "cookieDuration": _attribute("stickiness.lb_cookie.duration_seconds", int),
                "cookieName": _attribute("stickiness.app_cookie.cookie_name"),
                "enabled": _attribute("stickiness.enabled", bool),
                "type": _attribute("stickiness.type"),
            },
        ),
        "tags": member("Tags", pairs, unpaired),
        "targetFailovers": single(
            f"{_ATTRIBUTES}.Attributes.targetFailovers",
            {
                "onDeregistration": _inner("target_failover.on_deregistration"),
                "onUnhealthy": _inner("target_failover.on_unhealthy"),
            },
        ),
        "targetGroupHealth": nested(
            "",
            {
                "dnsFailover": nested(
                    "",
                    {
                        "minimumHealthyTargetsCount": _attribute(f"{_MINIMUM_DNS}.count"),
                        "minimumHealthyTargetsPercentage": _attribute(f"{_MINIMUM_DNS}.percentage"),
                    },
                ),
                "unhealthyStateRouting": nested(
                    "",
                    {
                        "minimumHealthyTargetsCount": _attribute(f"{_MINIMUM_ROUTING}.count", int),
                        "minimumHealthyTargetsPercentage": _attribute(
                            f"{_MINIMUM_ROUTING}.percentage"
                        ),
                    },
                ),
            },
        ),
        "targetHealthStates": single(
            f"{_ATTRIBUTES}.Attributes.targetHealthStates",
            {
                "enableUnhealthyConnectionTermination": _inner(
                    "target_health_state.unhealthy.connection_termination.enabled", bool
                ),
                "unhealthyDrainingInterval": _inner(
                    "target_health_state.unhealthy.draining_interval_seconds", int
                ),
            },
        ),
    }
    replace_on = REGION | {
        "ipAddressType",
        "name",
        "namePrefix",
        "port",
        "protocol",
        "protocolVersion",
        "targetControlPort",
        "targetType",
        "vpcId",
    }
    autoname = Autoname(longest=32, unless=("namePrefix",))
    defaults = {"targetType": "instance"}
    computed = (
        "arn",
        "arnSuffix",
        "connectionTermination",
        "healthCheck",
        "ipAddressType",
        "loadBalancerArns",
        "loadBalancingAlgorithmType",
        "loadBalancingAnomalyMitigation",
        "loadBalancingCrossZoneEnabled",
        "name",
        "preserveClientIp",
        "protocolVersion",
        "region",
        "stickiness",
        "tagsAll",
        "targetFailovers",
        "targetGroupHealth",
        "targetHealthStates",
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_name("target group", body["Name"])
        if body.get("TargetType", "instance") in ("instance", "ip", "alb"):
            for name in ("Port", "Protocol", "VpcId"):
                if name not in body:
                    raise Refusal(
                        "ValidationError",
                        f'Attribute "{name[0].lower()}{name[1:]}" must be specified when "target_type" is '
                        f'"{body.get("TargetType", "instance")}".',
                    )
        _check_health(body)
        _check_stickiness(body)

    def parents(self, body: Json) -> list[str]:
        return [body["VpcId"]] if "VpcId" in body else []

    def point(self, ctx: Context, body: Json) -> None:
        for vpc in self.parents(body):
            need_vpc(ctx, vpc)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        suffix = f"targetgroup/{name}/{ctx.world.new_hex(16)}"
        return self.add(ctx, f"{elb_arn(ctx)}:{suffix}", body, name=name, suffix=suffix)

    held_by = frozenset({LISTENER})

    def held(self, record: Record) -> Refusal:
        return Refusal(
            "ResourceInUse",
            f"Target group '{record.id}' is currently in use by a listener or a rule",
        )

    def outputs(self, ctx: Context, record: Record) -> Json:
        listeners = [r for r in ctx.world.children(record) if r.kind == LISTENER]
        return super().outputs(ctx, record) | {
            "arn": record.id,
            "arnSuffix": record.live["suffix"],
            "loadBalancerArns": sorted({r.body["LoadBalancerArn"] for r in listeners}),
            "name": record.name,
        }


def _check_health(body: Json) -> None:
    interval = body.get("HealthCheckIntervalSeconds", 30)
    timeout = body.get("HealthCheckTimeoutSeconds", 0)
    equal = body.get("Protocol", UNKNOWN) not in ("HTTP", "HTTPS")
    if UNKNOWN not in (interval, timeout) and timeout >= interval + equal:
        raise Refusal("ValidationError", "Health check interval must be greater than the timeout.")
    protocol = body.get("HealthCheckProtocol")
    for member_name, what in (("HealthCheckPath", "path"), ("Matcher", "matcher")):
        if protocol == "TCP" and member_name in body:
            raise Refusal(
                "ValidationError",
                f'Attribute "health_check.{what}" cannot be specified when "health_check.protocol" is "TCP".',
            )
    if protocol in ("TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"):
        raise Refusal(
            "ValidationError",
            f"Health check protocol '{protocol}' must be one of 'HTTP, HTTPS, TCP'",
        )


def _check_stickiness(body: Json) -> None:
    """The provider sends the type only where stickiness is on, which it is unless switched off."""
    attributes = body.get(_ATTRIBUTES, {}).get("Attributes", {})
    kind, protocol = attributes.get("stickiness/type", UNKNOWN), body.get("Protocol", UNKNOWN)
    if UNKNOWN in (kind, protocol) or attributes.get("stickiness/enabled") == "false":
        return
    allowed = ("source_ip",) if protocol in _LAYER_4 else ("lb_cookie", "app_cookie")
    if protocol != "GENEVE" and kind not in allowed:
        raise Refusal(
            "InvalidConfigurationRequest",
            f"Stickiness type '{kind}' is not supported for target groups with the {protocol} protocol",
        )
