"""AWS launch templates: every change of what they hold is a new version."""

from __future__ import annotations

import base64
import binascii
import re

from sandbox.aws.lookup import LAUNCH_TEMPLATE
from sandbox.aws.members import ec2_tags
from sandbox.aws.naming import NamedKind
from sandbox.aws.row import PROVIDER, REGION, Ec2Kind, new_id
from sandbox.aws.template_fields import DATA
from sandbox.fields import UNKNOWN, Field, Fields, Json, member
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

USER_DATA_LIMIT_BYTES = 16384
_DATA = "LaunchTemplateData"


def _in_data(fields: Fields) -> dict[str, Field]:
    return {
        name: Field(f"{_DATA}.{field.path}", field.fields, field.many, field.to, field.back)
        for name, field in fields.items()
    }


class LaunchTemplate(NamedKind, Ec2Kind):
    """A launch template."""

    token = "aws:ec2/launchTemplate:LaunchTemplate"
    name = LAUNCH_TEMPLATE
    noun = "launch-template"
    prefix = "lt"
    api = "ec2.CreateLaunchTemplate"
    update_api = "ec2.CreateLaunchTemplateVersion"
    ident = "LaunchTemplateId"
    named_by = "LaunchTemplateName"
    taken = (
        "InvalidLaunchTemplateName.AlreadyExistsException",
        "Launch template name already in use.",
    )
    fields = {
        **_in_data(DATA),
        "defaultVersion": member(f"{PROVIDER}.defaultVersion"),
        "description": member("VersionDescription"),
        "name": member("LaunchTemplateName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "tags": ec2_tags("launch-template"),
        "updateDefaultVersion": member(f"{PROVIDER}.updateDefaultVersion"),
    }
    replace_on = REGION | {"name", "namePrefix"}
    autoname = Autoname(longest=125, unless=("namePrefix",))
    computed = ("arn", "defaultVersion", "latestVersion", "name", "region", "tagsAll")

    def body(self, inputs: Json) -> Json:
        return {_DATA: {}} | super().body(inputs)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        for rule in (_name, _user_data, _interfaces, _market, _versions, _type_or_requirements):
            rule(body)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        return self.add(ctx, new_id(ctx, "lt"), body, name=name, versions=[], default=1)

    def changed(self, ctx: Context, record: Record) -> None:
        versions, now = record.live["versions"], record.body[_DATA]
        if not versions or versions[-1] != now:
            versions.append(now)
        asked = record.body.get(PROVIDER, {})
        if asked.get("updateDefaultVersion"):
            record.live["default"] = len(versions)
        elif "defaultVersion" in asked and asked["defaultVersion"] != record.live["default"]:
            if asked["defaultVersion"] > len(versions):
                raise Refusal(
                    "InvalidLaunchTemplateId.VersionNotFound",
                    f"Could not find the specified version {asked['defaultVersion']} for the launch template "
                    f"with ID {record.id}.",
                )
            record.live["default"] = asked["defaultVersion"]

    def unknown_after(self, ctx: Context, inputs: Json) -> tuple[str, ...]:
        """A new version is numbered when it is made."""
        changed = {
            name
            for name in ctx.olds.keys() | inputs.keys()
            if ctx.olds.get(name) != inputs.get(name)
        }
        return ("defaultVersion", "latestVersion") if changed & DATA.keys() else ()

    def kept(self, ctx: Context, record: Record, inputs: Json) -> Json:
        return {"LaunchTemplateName": record.name}

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "defaultVersion": record.live["default"],
            "latestVersion": len(record.live["versions"]),
            "name": record.name,
        }


def template_data(ctx: Context, spec: Json) -> Json:
    """What the version of a template holds that a specification names."""
    record, version = _find(ctx, spec), spec.get("Version", "$Default")
    versions = record.live["versions"]
    number = {"$Latest": len(versions), "$Default": record.live["default"]}.get(version)
    number = number or (int(version) if version.isdigit() else 0)
    if not 1 <= number <= len(versions):
        raise Refusal(
            "ValidationError",
            "You must use a valid fully-formed launch template. Could not find the specified version "
            f"{version} for the launch template with ID {record.id}.",
        )
    data: Json = versions[number - 1]
    return data


def _find(ctx: Context, spec: Json) -> Record:
    wanted = spec.get("LaunchTemplateId"), spec.get("LaunchTemplateName")
    for record in ctx.world.all(ctx.cloud, LAUNCH_TEMPLATE):
        if record.region == ctx.region and (record.id == wanted[0] or record.name == wanted[1]):
            return record
    what = f"template ID {wanted[0]}" if wanted[0] else f"template name {wanted[1]}"
    raise Refusal(
        "ValidationError",
        "You must use a valid fully-formed launch template. The specified launch template, with "
        f"{what}, does not exist.",
    )


def security_groups(data: Json) -> list[str]:
    """The security groups that machines of a template are in."""
    interfaces: list[Json] = data.get("NetworkInterfaces", [])
    groups = [group for one in interfaces for group in one.get("Groups", [])]
    return [*data.get("SecurityGroupIds", []), *groups]


def _name(body: Json) -> None:
    name = body["LaunchTemplateName"]
    if name != UNKNOWN and not re.fullmatch(r"[a-zA-Z0-9().\-/_]{3,128}", name):
        raise Refusal(
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and "
            f"the following characters: - ( ) . / _. ({name})",
        )


def _user_data(body: Json) -> None:
    text = body[_DATA].get("UserData", UNKNOWN)
    if text == UNKNOWN:
        return
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal(
            "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."
        ) from None
    if size > USER_DATA_LIMIT_BYTES:
        raise Refusal(
            "InvalidUserData.Malformed", f"User data is limited to {USER_DATA_LIMIT_BYTES} bytes."
        )


def _interfaces(body: Json) -> None:
    data = body[_DATA]
    if data.get("NetworkInterfaces") and (
        data.get("SecurityGroupIds") or data.get("SecurityGroups")
    ):
        raise Refusal(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level security groups may not be specified on the same request",
        )


def _market(body: Json) -> None:
    market = body[_DATA].get("InstanceMarketOptions", {})
    if (
        market != UNKNOWN
        and "SpotOptions" in market
        and market.get("MarketType") not in ("spot", UNKNOWN)
    ):
        raise Refusal(
            "InvalidParameterCombination",
            "SpotOptions can only be specified if MarketType is spot.",
        )


def _versions(body: Json) -> None:
    asked = body.get(PROVIDER, {})
    if "defaultVersion" in asked and "updateDefaultVersion" in asked:
        raise Refusal(
            "InvalidParameterCombination",
            '"default_version": conflicts with update_default_version',
        )


def _type_or_requirements(body: Json) -> None:
    if "InstanceType" in body[_DATA] and "InstanceRequirements" in body[_DATA]:
        raise Refusal(
            "InvalidParameterCombination",
            "InstanceType and InstanceRequirements may not be specified on the same request",
        )
