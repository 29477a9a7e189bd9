"""What a regional managed instance group may not say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.fields import UNKNOWN, Json
from sandbox.gcp import refusals
from sandbox.gcp.links import short_name
from sandbox.gcp.places import given
from sandbox.gcp.shapes import known, part
from sandbox.kind import Context

_DEFAULT_ZONES = 3
_BASE_NAME = r"[a-z](([-a-z0-9]{0,57})|([-a-z0-9]{0,51}-#{1,10}(\[[0-9]{1,10}\])?))"
_LONGEST_DELAY = 3600


def check_group(ctx: Context, body: Json) -> None:
    """Raise for the first combination that the API does not take."""
    _check_zones(ctx.region, body)
    for check in (_check_name, _check_size, _check_versions, _check_update, _check_selections):
        check(body)
    for where, delay in given(body, "autoHealingPolicies[].initialDelaySec"):
        if not 0 <= delay <= _LONGEST_DELAY:
            why = f"Must be between 0 and {_LONGEST_DELAY}, inclusive."
            raise refusals.invalid(where, delay, why)


def _check_name(body: Json) -> None:
    name = body.get("baseInstanceName")
    if known(name) and not re.fullmatch(_BASE_NAME, name):
        raise refusals.invalid(
            "resource.baseInstanceName", name, f"Must be a match of regex '{_BASE_NAME}'"
        )


def _check_size(body: Json) -> None:
    size = body.get("targetSize")
    if known(size) and size < 0:
        raise refusals.invalid("resource.targetSize", size, "Must be greater than or equal to 0.")


def _check_zones(region: str, body: Json) -> None:
    for where, zone in given(body, "distributionPolicy.zones[].zone"):
        if known(region) and not short_name(zone).startswith(f"{region}-"):
            raise refusals.invalid(where, zone, f"Zone must be in region '{region}'.")


def _check_versions(body: Json) -> None:
    versions = body.get("versions")
    if not versions or not known(versions) or UNKNOWN in versions:
        return
    if sum("targetSize" not in version for version in versions) != 1:
        raise refusals.invalid(
            "resource.versions",
            versions,
            "Exactly one version must leave the targetSize field unset.",
        )


def _check_update(body: Json) -> None:
    """Surge and unavailability in a region are counted over its zones, three unless the group names them."""
    policy = part(body, "updatePolicy")
    distribution = part(body, "distributionPolicy")
    zones = distribution.get("zones", range(_DEFAULT_ZONES))
    _check_limits(policy, len(zones) if known(zones) else 0)
    shape = distribution.get("targetShape", "EVEN")
    if known(shape) and shape != "EVEN" and policy.get("instanceRedistributionType") == "PROACTIVE":
        raise refusals.invalid(
            "resource.updatePolicy.instanceRedistributionType",
            "PROACTIVE",
            f"Proactive instance redistribution is not supported for the target distribution shape {shape}; "
            "use NONE.",
        )


def _check_limits(policy: Json, zones: int) -> None:
    for name in ("maxSurge", "maxUnavailable"):
        limit = part(policy, name)
        if {"fixed", "percent"} <= limit.keys():
            raise refusals.by_provider(
                f"update_policy: {name}: fixed conflicts with percent, set only one of them"
            )
        fixed = limit.get("fixed")
        if known(fixed) and 0 != fixed < zones:
            raise refusals.invalid(
                f"resource.updatePolicy.{name}.fixed",
                fixed,
                f"Fixed updatePolicy.{name} for regional managed instance group has to be either 0 or at least "
                "equal to the number of zones.",
            )
    if _none(policy, "maxSurge") and _none(policy, "maxUnavailable"):
        raise refusals.invalid(
            "resource.updatePolicy.maxUnavailable",
            policy["maxUnavailable"],
            "At least one of maxSurge and maxUnavailable must be greater than 0.",
        )
    surge = policy.get("maxSurge")
    if policy.get("replacementMethod") == "RECREATE" and surge and not _none(policy, "maxSurge"):
        raise refusals.invalid(
            "resource.updatePolicy.maxSurge",
            surge,
            "maxSurge must be equal to 0 when replacement method is set to RECREATE",
        )


def _none(policy: Json, name: str) -> bool:
    limit = part(policy, name)
    return 0 in (limit.get("fixed"), limit.get("percent"))


def _check_selections(body: Json) -> None:
    """Each selection names machine types, and a machine type is named once."""
    seen: set[str] = set()
    for where, machine_type in _machine_types(body):
        if machine_type in seen:
            raise refusals.invalid(
                where,
                machine_type,
                "A machine type can be specified in only one instance selection.",
            )
        seen.add(machine_type)


def _machine_types(body: Json) -> Iterator[tuple[str, str]]:
    pattern = "instanceFlexibilityPolicy.instanceSelections{}.machineTypes"
    for where, types in given(body, pattern):
        if not types:
            raise refusals.required(where)
        for index, machine_type in enumerate(types):
            if known(machine_type):
                yield f"{where}[{index}]", machine_type
