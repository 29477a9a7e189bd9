"""AWS load balancers and their listeners."""

from __future__ import annotations

from sandbox.aws.attributes import attribute
from sandbox.aws.lookup import (
    LISTENER,
    LOAD_BALANCER,
    SECURITY_GROUP,
    find,
    need_address,
    need_internet,
    need_subnet,
)
from sandbox.aws.members import pairs, same, unpaired
from sandbox.aws.naming import NamedKind, check_name
from sandbox.aws.row import PROVIDER, REGION
from sandbox.fields import UNKNOWN, Field, Json, many, member, nested
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_ATTRIBUTES = "ModifyLoadBalancerAttributes"
_GROUPS = "SetSecurityGroups"
_ZONE_ID = "Z26RNL4JYFTOTI"
_WORDS = {"application": "app", "network": "net", "gateway": "gwy"}


def _logs(key: str) -> Field:
    return nested(
        "",
        {
            "bucket": attribute(_ATTRIBUTES, f"{key}.s3.bucket"),
            "enabled": attribute(_ATTRIBUTES, f"{key}.s3.enabled", bool),
            "prefix": attribute(_ATTRIBUTES, f"{key}.s3.prefix"),
        },
    )


class LoadBalancer(NamedKind):
    """An application, network or gateway load balancer."""

    token = "aws:lb/loadBalancer:LoadBalancer"
    name = LOAD_BALANCER
    api = "elbv2.CreateLoadBalancer"
    ident = "LoadBalancerArn"
    named_by = "Name"
    taken = (
        "DuplicateLoadBalancerName",
        "A load balancer with the same name '{name}' exists, but with different settings",
    )
    also = (_ATTRIBUTES, _GROUPS, "ModifyCapacityReservation")
    fields = {
        **same("customerOwnedIpv4Pool", "enablePrefixForIpv6SourceNat", "ipAddressType", "name"),
        **same("securityGroups", "subnets"),
        "accessLogs": _logs("access_logs"),
        "clientKeepAlive": attribute(_ATTRIBUTES, "client_keep_alive.seconds", int),
        "connectionLogs": _logs("connection_logs"),
        "desyncMitigationMode": attribute(_ATTRIBUTES, "routing.http.desync_mitigation_mode"),
        "dnsRecordClientRoutingPolicy": attribute(_ATTRIBUTES, "dns_record.client_routing_policy"),
        "dropInvalidHeaderFields": attribute(
            _ATTRIBUTES, "routing.http.drop_invalid_header_fields.enabled", bool
        ),
        "enableCrossZoneLoadBalancing": attribute(
            _ATTRIBUTES, "load_balancing.cross_zone.enabled", bool
        ),
        "enableDeletionProtection": attribute(_ATTRIBUTES, "deletion_protection.enabled", bool),
        "enableHttp2": attribute(_ATTRIBUTES, "routing.http2.enabled", bool),
        "enableTlsVersionAndCipherSuiteHeaders": attribute(
            _ATTRIBUTES, "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", bool
        ),
        "enableWafFailOpen": attribute(_ATTRIBUTES, "waf.fail_open.enabled", bool),
        "enableXffClientPort": attribute(_ATTRIBUTES, "routing.http.xff_client_port.enabled", bool),
        "enableZonalShift": attribute(_ATTRIBUTES, "zonal_shift.config.enabled", bool),
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": member(
            f"{_GROUPS}.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
        ),
        "healthCheckLogs": _logs("health_check_logs"),
        "idleTimeout": attribute(_ATTRIBUTES, "idle_timeout.timeout_seconds", int),
        "internal": member(
            "Scheme",
            lambda flag: "internal" if flag else "internet-facing",
            lambda scheme: scheme == "internal",
        ),
        "ipamPools": nested("IpamPools", same("ipv4IpamPoolId")),
        "loadBalancerType": member("Type"),
        "minimumLoadBalancerCapacity": nested(
            "ModifyCapacityReservation.MinimumLoadBalancerCapacity", same("capacityUnits")
        ),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "preserveHostHeader": attribute(
            _ATTRIBUTES, "routing.http.preserve_host_header.enabled", bool
        ),
        "secondaryIpsAutoAssignedPerSubnet": attribute(
            _ATTRIBUTES, "secondary_ips.auto_assigned.per_subnet", int
        ),
        "subnetMappings": many(
            "SubnetMappings",
            {
                **same("allocationId", "subnetId"),
                "ipv6Address": member("IPv6Address"),
                "privateIpv4Address": member("PrivateIPv4Address"),
            },
        ),
        "tags": member("Tags", pairs, unpaired),
        "xffHeaderProcessingMode": attribute(
            _ATTRIBUTES, "routing.http.xff_header_processing.mode"
        ),
    }
    replace_on = REGION | {
        "customerOwnedIpv4Pool",
        "internal",
        "loadBalancerType",
        "name",
        "namePrefix",
    }
    autoname = Autoname(longest=32, unless=("namePrefix",))
    defaults = {"loadBalancerType": "application"}
    computed = (
        "arn",
        "arnSuffix",
        "dnsName",
        "internal",
        "ipAddressType",
        "name",
        "region",
        "securityGroups",
        "subnetMappings",
        "subnets",
        "tagsAll",
        "vpcId",
        "zoneId",
    )

    def render(self, operation: str, params: Json) -> Json:
        if operation == _GROUPS:
            return {"SecurityGroups": UNKNOWN} | params
        return super().render(operation, params)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_name("load balancer", body["Name"])
        if str(body["Name"]).startswith("internal-"):
            raise Refusal(
                "ValidationError",
                f"The load balancer name '{body['Name']}' cannot begin with 'internal-'",
            )
        if "Subnets" in body and "SubnetMappings" in body:
            raise Refusal(
                "ValidationError", "You must specify either subnets or subnet mappings, not both"
            )

    def parents(self, body: Json) -> list[str]:
        return [*_subnets(body), *body.get("SecurityGroups", []), *_addresses(body)]

    def point(self, ctx: Context, body: Json) -> None:
        subnets = [need_subnet(ctx, one, "SubnetNotFound") for one in _subnets(body)]
        kind = body["Type"]
        zones = [subnet.live["zone_id"] for subnet in subnets]
        if not subnets:
            raise Refusal("ValidationError", "At least one subnet must be specified")
        if len(set(zones)) < len(zones):
            raise Refusal(
                "InvalidConfigurationRequest",
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            )
        if kind == "application" and len(zones) < 2:
            raise Refusal(
                "ValidationError",
                "At least two subnets in two different Availability Zones must be specified",
            )
        if body.get("Scheme") != "internal":
            vpc = subnets[0].body["VpcId"]
            refusal = Refusal("InvalidSubnet", f"VPC {vpc} has no internet gateway")
            need_internet(ctx, vpc, refusal)
        for group in body.get("SecurityGroups", []):
            gone = Refusal("InvalidConfigurationRequest", "One or more security groups are invalid")
            find(ctx, SECURITY_GROUP, group, gone)
        for address in _addresses(body):
            need_address(ctx, address)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        suffix = f"{_WORDS[body['Type']]}/{name}/{ctx.world.new_hex(16)}"
        record = self.add(
            ctx,
            f"{elb_arn(ctx)}:loadbalancer/{suffix}",
            body,
            name=name,
            suffix=suffix,
            public_ip=body.get("Scheme") != "internal",
        )
        record.live["vpc"] = need_subnet(ctx, _subnets(body)[0]).body["VpcId"]
        return ctx.world.put(record)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        if record.body.get("Type") == "network" and bool(body.get("SecurityGroups")) != bool(
            record.body.get("SecurityGroups")
        ):
            raise Refusal(
                "InvalidConfigurationRequest",
                "You cannot add security groups to, or remove all from, a load balancer of type 'network' that "
                "was created without, or with, them",
            )
        super().update(ctx, record, body, inputs)

    def delete(self, ctx: Context, record: Record) -> None:
        attributes = record.body.get(_ATTRIBUTES, {}).get("Attributes", {})
        if attributes.get("deletion_protection/enabled") == "true":
            raise Refusal(
                "OperationNotPermitted",
                f"Load balancer '{record.id}' cannot be deleted because deletion protection is enabled",
            )
        for child in ctx.world.children(record):
            if child.kind == LISTENER:
                ctx.world.remove(child)
        ctx.world.remove(record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        kind, name, tail = record.live["suffix"].split("/")
        host = {
            "net": f"{name}-{tail}.elb.{record.region}.amazonaws.com",
            "app": f"{name}-{int(tail[:8], 16)}.{record.region}.elb.amazonaws.com",
            "gwy": "",
        }[kind]
        inner = "internal-" if record.body.get("Scheme") == "internal" and kind == "app" else ""
        return super().outputs(ctx, record) | {
            "arn": record.id,
            "arnSuffix": record.live["suffix"],
            "dnsName": f"{inner}{host}",
            "internal": record.body.get("Scheme") == "internal",
            "ipAddressType": record.body.get("IpAddressType", "ipv4"),
            "name": name,
            "subnets": _subnets(record.body),
            "vpcId": record.live["vpc"],
            "zoneId": _ZONE_ID,
        }


def elb_arn(ctx: Context) -> str:
    """How the ARNs of load balancing begin."""
    return f"arn:aws:elasticloadbalancing:{ctx.region}:{ctx.account}"


def _addresses(body: Json) -> list[str]:
    return [m["AllocationId"] for m in body.get("SubnetMappings", []) if "AllocationId" in m]


def _subnets(body: Json) -> list[str]:
    return body.get("Subnets") or [one["SubnetId"] for one in body.get("SubnetMappings", [])]
