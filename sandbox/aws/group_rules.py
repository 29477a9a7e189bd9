"""What Auto Scaling refuses although its model allows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.fields import UNKNOWN, Json, get
from sandbox.refusal import Refusal

_SOURCES = (
    "LaunchTemplate",
    "LaunchConfigurationName",
    "MixedInstancesPolicy",
)
_HEALTH_CHECKS = ("EC2", "ELB", "EBS", "VPC_LATTICE")


def check_group(body: Json) -> None:
    """Refuse a group that contradicts itself. Unknown values pass."""
    for words in _contradictions(body):
        raise Refusal("ValidationError", words)


def _contradictions(body: Json) -> Iterator[str]:
    yield from _bounds(body)
    if sum(name in body for name in _SOURCES) != 1:
        yield (
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter."
        )
    if not body.get("VPCZoneIdentifier") and not body.get("AvailabilityZones"):
        yield "At least one Availability Zone or VPC Subnet is required."
    kinds = body.get("HealthCheckType", UNKNOWN)
    if kinds != UNKNOWN and not set(kinds.split(",")) <= set(_HEALTH_CHECKS):
        yield f"Invalid HealthCheckType '{kinds}', must be one of {', '.join(_HEALTH_CHECKS)}"
    if body.get("MixedInstancesPolicy", UNKNOWN) != UNKNOWN:
        yield from _policy(body["MixedInstancesPolicy"])
    for path in (
        "LaunchTemplate",
        "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification",
    ):
        yield from _specification(get(body, path))
    yield from _maintenance(body.get("InstanceMaintenancePolicy", {}))


def _bounds(body: Json) -> Iterator[str]:
    low, high = body.get("MinSize", UNKNOWN), body.get("MaxSize", UNKNOWN)
    desired = body.get("DesiredCapacity", UNKNOWN)
    if UNKNOWN in (low, high):
        return
    if low > high:
        yield f"Max bound, {high}, must be greater than or equal to min bound, {low}"
    if desired != UNKNOWN and not low <= desired <= high:
        yield (
            f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
        )


def _policy(policy: Json) -> Iterator[str]:
    template = policy.get("LaunchTemplate", {})
    distribution = policy.get("InstancesDistribution", {})
    if template != UNKNOWN and "LaunchTemplateSpecification" not in template:
        yield "The MixedInstancesPolicy must contain a LaunchTemplate with a LaunchTemplateSpecification."
    if distribution != UNKNOWN:
        yield from _distribution(distribution)
    overrides = [] if template == UNKNOWN else template.get("Overrides", [])
    known = [one for one in overrides if one != UNKNOWN] if isinstance(overrides, list) else []
    yield from _overrides(known)


def _distribution(distribution: Json) -> Iterator[str]:
    share = distribution.get("OnDemandPercentageAboveBaseCapacity", 0)
    if share != UNKNOWN and not 0 <= share <= 100:
        yield f"OnDemandPercentageAboveBaseCapacity {share} must be between 0 and 100."
    base = distribution.get("OnDemandBaseCapacity", 0)
    if base != UNKNOWN and base < 0:
        yield f"OnDemandBaseCapacity {base} must not be negative."
    strategy = distribution.get("SpotAllocationStrategy", "lowest-price")
    if "SpotInstancePools" in distribution and strategy not in ("lowest-price", UNKNOWN):
        yield "SpotInstancePools option is only available with the lowest-price allocation strategy."


def _overrides(overrides: list[Json]) -> Iterator[str]:
    for override in overrides:
        if "InstanceType" in override and "InstanceRequirements" in override:
            yield "Overrides may contain either InstanceType or InstanceRequirements, not both."
        weight = override.get("WeightedCapacity", "1")
        if weight != UNKNOWN and not (weight.isdigit() and 1 <= int(weight) <= 999):
            yield f"WeightedCapacity '{weight}' must be a whole number between 1 and 999."
    weighted = sum("WeightedCapacity" in override for override in overrides)
    if weighted not in (0, len(overrides)):
        yield "WeightedCapacity must be given for every override or for none."
    if len(overrides) > 40:
        yield f"MixedInstancesPolicy has {len(overrides)} overrides; at most 40 are allowed."


def _specification(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict) and ("LaunchTemplateId" in spec) == ("LaunchTemplateName" in spec):
        yield "Valid requests must contain either launchTemplateId or LaunchTemplateName"


def _maintenance(policy: Any) -> Iterator[str]:
    if not isinstance(policy, dict) or UNKNOWN in policy.values() or len(policy) < 2:
        return
    low, high = policy["MinHealthyPercentage"], policy["MaxHealthyPercentage"]
    if (low, high) != (-1, -1) and not (100 <= high <= 200 and high - low <= 100):
        yield (
            f"InstanceMaintenancePolicy min {low} and max {high}: max must be 100 to 200 and at most 100 above "
            "min"
        )
