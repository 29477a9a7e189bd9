"""AWS listeners of load balancers."""

from __future__ import annotations

from sandbox.aws.balancer import elb_arn
from sandbox.aws.listener_fields import FIELDS
from sandbox.aws.lookup import LISTENER, LOAD_BALANCER, TARGET_GROUP, find
from sandbox.aws.row import REGION, AwsKind
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_PROTOCOLS = {
    "application": ("HTTP", "HTTPS"),
    "network": ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"),
    "gateway": ("GENEVE",),
}


class Listener(AwsKind):
    """A listener of a load balancer."""

    token = "aws:lb/listener:Listener"
    name = LISTENER
    api = "elbv2.CreateListener"
    update_api = "elbv2.ModifyListener"
    ident = "ListenerArn"
    also = ("ModifyListenerAttributes",)
    fields = FIELDS
    replace_on = REGION | {"loadBalancerArn"}
    computed = ("arn", "protocol", "region", "sslPolicy", "tagsAll", "tcpIdleTimeoutSeconds")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        protocol = body.get("Protocol")
        if protocol in ("HTTPS", "TLS") and not body.get("Certificates"):
            raise Refusal(
                "ValidationError", f"A certificate must be specified for {protocol} listeners"
            )
        for action in body["DefaultActions"] if body["DefaultActions"] != UNKNOWN else []:
            if action != UNKNOWN:
                _check_action(action)

    def parents(self, body: Json) -> list[str]:
        return [body["LoadBalancerArn"], *_targets(body)]

    def point(self, ctx: Context, body: Json) -> None:
        arn = body["LoadBalancerArn"]
        balancer = find(
            ctx,
            LOAD_BALANCER,
            arn,
            Refusal("LoadBalancerNotFound", f"Load balancer '{arn}' not found"),
        )
        kind = balancer.body.get("Type", "application")
        protocol = body.get("Protocol", "")
        if kind != "gateway" and protocol not in _PROTOCOLS[kind]:
            raise Refusal(
                "ValidationError",
                f"Listener protocol '{protocol}' must be one of '{', '.join(_PROTOCOLS[kind])}'",
            )
        if kind != "gateway" and "Port" not in body:
            raise Refusal("ValidationError", "A listener port must be specified")
        if kind != "application":
            for action in body["DefaultActions"]:
                if action["Type"] != "forward":
                    raise Refusal(
                        "InvalidConfigurationRequest",
                        f"Action type '{action['Type']}' is not supported on listeners of load balancers with "
                        f"type '{kind}'",
                    )
        for target in _targets(body):
            self._fits(ctx, balancer, protocol, target)

    def _fits(self, ctx: Context, balancer: Record, protocol: str, target: str) -> None:
        gone = Refusal("TargetGroupNotFound", f"Target groups '{target}' not found")
        group = find(ctx, TARGET_GROUP, target, gone)
        kind = balancer.body.get("Type", "application")
        theirs = group.body.get("Protocol", "")
        if theirs and theirs not in _PROTOCOLS[kind]:
            raise Refusal(
                "IncompatibleProtocols",
                f"The listener and its associated target group '{target}' have incompatible protocols: "
                f"'{protocol}' and '{theirs}'",
            )
        others = {
            record.body["LoadBalancerArn"]
            for record in ctx.world.children(group)
            if record.kind == LISTENER
        }
        if others - {balancer.id}:
            raise Refusal(
                "TargetGroupAssociationLimit",
                f"The following target groups cannot be associated with more than one load balancer: {target}",
            )

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        self.point(ctx, body)
        arn = body["LoadBalancerArn"]
        for other in ctx.world.all(ctx.cloud, LISTENER):
            if (other.body["LoadBalancerArn"], other.body.get("Port")) == (arn, body.get("Port")):
                raise Refusal(
                    "DuplicateListener",
                    f"A listener already exists on this port for this load balancer '{arn}'",
                )
        suffix = arn.split(":loadbalancer/")[1]
        return self.add(ctx, f"{elb_arn(ctx)}:listener/{suffix}/{ctx.world.new_hex(16)}", body)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"arn": record.id}


def _targets(body: Json) -> list[str]:
    targets = []
    for action in body["DefaultActions"]:
        if "TargetGroupArn" in action:
            targets.append(action["TargetGroupArn"])
        for group in action.get("ForwardConfig", {}).get("TargetGroups", []):
            targets.append(group["TargetGroupArn"])
    return list(dict.fromkeys(targets))


_ACTIONS = {
    "redirect": "RedirectConfig",
    "fixed-response": "FixedResponseConfig",
    "authenticate-cognito": "AuthenticateCognitoConfig",
    "authenticate-oidc": "AuthenticateOidcConfig",
    "jwt-validation": "JwtValidationConfig",
}


def _check_action(action: Json) -> None:
    kind = action.get("Type", UNKNOWN)
    if kind == "forward" and not ("TargetGroupArn" in action or "ForwardConfig" in action):
        raise Refusal(
            "InvalidLoadBalancerAction",
            "A target group must be specified for an action of type 'forward'",
        )
    if kind in _ACTIONS and _ACTIONS[kind] not in action:
        raise Refusal(
            "InvalidLoadBalancerAction",
            f"{_ACTIONS[kind]} must be specified for an action of type '{kind}'",
        )
