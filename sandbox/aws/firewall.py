"""AWS security groups with inline rules."""

from __future__ import annotations

from typing import Any

from sandbox.aws.lookup import GROUP, LOAD_BALANCER, SECURITY_GROUP, need_group, need_vpc
from sandbox.aws.members import each, ec2_tags
from sandbox.aws.naming import NamedKind
from sandbox.aws.row import PROVIDER, REGION, Ec2Kind, new_id
from sandbox.fields import UNKNOWN, Field, Json, many, member
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_IN, _OUT = "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"
_RULE: dict[str, Field] = {
    "cidrBlocks": each("IpRanges", "CidrIp"),
    "description": member("Description"),
    "fromPort": member("FromPort"),
    "ipv6CidrBlocks": each("Ipv6Ranges", "CidrIpv6"),
    "prefixListIds": each("PrefixListIds", "PrefixListId"),
    "protocol": member("IpProtocol"),
    "securityGroups": each("UserIdGroupPairs", "GroupId"),
    "self": member("Self"),
    "toPort": member("ToPort"),
}
_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6", "-1", "all")


class SecurityGroup(NamedKind, Ec2Kind):
    """A security group. Rules given inline are all the rules it has."""

    token = "aws:ec2/securityGroup:SecurityGroup"
    name = SECURITY_GROUP
    noun = "security-group"
    prefix = "sg"
    api = "ec2.CreateSecurityGroup"
    ident = "GroupId"
    named_by = "GroupName"
    taken = ("InvalidGroup.Duplicate", "The security group '{name}' already exists for this VPC")
    also = (_IN, _OUT)
    fields = {
        "description": member("Description"),
        "egress": many(f"{_OUT}.IpPermissions", _RULE),
        "ingress": many(f"{_IN}.IpPermissions", _RULE),
        "name": member("GroupName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "tags": ec2_tags("security-group"),
        "vpcId": member("VpcId"),
    }
    provider_only = REGION | {"revokeRulesOnDelete"}
    replace_on = REGION | {"description", "name", "namePrefix", "vpcId"}
    autoname = Autoname(unless=("namePrefix",))
    defaults = {"description": "Managed by Pulumi", "revokeRulesOnDelete": False}
    computed = ("arn", "egress", "ingress", "name", "ownerId", "region", "tagsAll", "vpcId")
    held_by = frozenset({LOAD_BALANCER, SECURITY_GROUP, GROUP})

    def render(self, operation: str, params: Json) -> Json:
        permissions = params["IpPermissions"]
        if permissions == UNKNOWN:
            return params
        return {"IpPermissions": [_permission(rule) for rule in permissions]}

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        name, description = str(body["GroupName"]), str(body["Description"])
        if name.startswith("sg-"):
            raise Refusal(
                "InvalidParameterValue",
                f"Invalid value '{name}' for GroupName. Group names may not be in the format sg-*.",
            )
        if len(name) > 255 or len(description) > 255:
            raise Refusal(
                "InvalidParameterValue",
                "Value for parameter GroupName or Description is too long: "
                "Character sets beyond 255 characters are not supported.",
            )
        for section in (_IN, _OUT):
            for rule in _known(body.get(section, {}).get("IpPermissions", [])):
                _check_rule(rule)

    def parents(self, body: Json) -> list[str]:
        return [*([body["VpcId"]] if "VpcId" in body else []), *_peers(body)]

    def point(self, ctx: Context, body: Json) -> None:
        if "VpcId" in body:
            need_vpc(ctx, body["VpcId"])
        for group in _peers(body):
            need_group(ctx, group)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        return self.add(ctx, new_id(ctx, "sg"), body, name=name)

    def rivals(self, other: Record, body: Json) -> bool:
        return bool(other.body.get("VpcId") == body.get("VpcId"))

    def held(self, record: Record) -> Refusal:
        return Refusal("DependencyViolation", f"resource {record.id} has a dependent object")


def _peers(body: Json) -> list[str]:
    """The security groups that the rules name."""
    return [
        pair["GroupId"]
        for section in (_IN, _OUT)
        for rule in body.get(section, {}).get("IpPermissions", [])
        for pair in rule.get("UserIdGroupPairs", [])
    ]


def _permission(rule: Any) -> Any:
    """A rule as the API has it: the description stands in each source."""
    if rule == UNKNOWN:
        return rule
    shown = {k: v for k, v in rule.items() if k not in ("Description", "Self")}
    if rule.get("Self"):
        shown["UserIdGroupPairs"] = [*rule.get("UserIdGroupPairs", []), {"GroupId": UNKNOWN}]
    if "Description" in rule:
        for source in _SOURCES:
            if source in shown and shown[source] != UNKNOWN:
                shown[source] = [
                    item | {"Description": rule["Description"]} for item in shown[source]
                ]
    return shown


def _known(items: Any) -> list[Json]:
    return [item for item in items if item != UNKNOWN] if isinstance(items, list) else []


def _check_rule(rule: Json) -> None:
    protocol = rule.get("IpProtocol", UNKNOWN)
    low, high = rule.get("FromPort", UNKNOWN), rule.get("ToPort", UNKNOWN)
    if not any(rule.get(source) for source in (*_SOURCES, "Self")):
        raise Refusal(
            "MissingParameter",
            f"rule {protocol} {low}-{high}: one of cidrBlocks, ipv6CidrBlocks, prefixListIds, securityGroups "
            "or self must be set",
        )
    if UNKNOWN in (protocol, low, high):
        return
    if protocol not in _PROTOCOLS and not str(protocol).isdigit():
        raise Refusal(
            "InvalidParameterValue",
            f"Invalid value '{protocol}' for IP protocol. Unknown protocol.",
        )
    if protocol in ("-1", "all"):
        if (low, high) != (0, 0):
            raise Refusal(
                "InvalidParameterValue",
                f"from_port ({low}) and to_port ({high}) must both be 0 to use the 'ALL' \"-1\" protocol!",
            )
    elif protocol in ("tcp", "udp") and not 0 <= low <= high <= 65535:
        raise Refusal(
            "InvalidParameterValue", f"Invalid value '{low}-{high}' for portRange. Must be 0-65535."
        )
