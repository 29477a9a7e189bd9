"""Checks a request against AWS's own API models, as botocore ships them.

botocore's validator knows neither enumerations nor patterns and would stumble over values that preview cannot know
yet, hence this walk. Messages have the words that the services' endpoints use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from sandbox.fields import UNKNOWN
from sandbox.kind import Request
from sandbox.refusal import Refusal

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "timestamp": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
}

_FREE_STRINGS = {
    ("InstancesDistribution", "SpotAllocationStrategy"): (
        "lowest-price",
        "capacity-optimized",
        "capacity-optimized-prioritized",
        "price-capacity-optimized",
    ),
    ("InstancesDistribution", "OnDemandAllocationStrategy"): ("lowest-price", "prioritized"),
    ("LifecycleHookSpecification", "LifecycleTransition"): (
        "autoscaling:EC2_INSTANCE_LAUNCHING",
        "autoscaling:EC2_INSTANCE_TERMINATING",
    ),
    ("LifecycleHookSpecification", "DefaultResult"): ("CONTINUE", "ABANDON"),
    ("CreateAutoScalingGroupType", "DesiredCapacityType"): ("units", "vcpu", "memory-mib"),
    ("UpdateAutoScalingGroupType", "DesiredCapacityType"): ("units", "vcpu", "memory-mib"),
    ("ScalingProcessQuery", "ScalingProcesses"): (
        "Launch",
        "Terminate",
        "AddToLoadBalancer",
        "AlarmNotification",
        "AZRebalance",
        "HealthCheck",
        "InstanceRefresh",
        "ReplaceUnhealthy",
        "ScheduledActions",
    ),
    ("EnableMetricsCollectionQuery", "Granularity"): ("1Minute",),
    ("CreditSpecificationRequest", "CpuCredits"): ("standard", "unlimited"),
    ("LaunchTemplateInstanceNetworkInterfaceSpecificationRequest", "InterfaceType"): (
        "interface",
        "efa",
        "efa-only",
    ),
    ("MutualAuthenticationAttributes", "Mode"): ("off", "passthrough", "verify"),
}
"""Enumerations that the models describe in prose only: (shape, member) -> values."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a request where the model demands something: `required`, or one of `values`."""

    path: tuple[str | int, ...]
    required: bool
    values: tuple[str, ...] = ()


def check(request: Request) -> None:
    """Raise the Refusal of the service for the first thing in `request` that its model forbids."""
    service, shape = _input_shape(request.operation)
    _check(service, shape, request.params, ())


def sites(request: Request) -> Iterator[Site]:
    """Every required member and every enumerated value that `request` holds."""
    _, shape = _input_shape(request.operation)
    yield from _sites(shape, request.params, (), ())


def members(operation: str) -> frozenset[str]:
    """The names of an operation's top-level members."""
    return frozenset(_input_shape(operation)[1].members)


def has_member(operation: str, path: tuple[str, ...]) -> bool:
    """Whether an operation takes a member at this path; lists count as what they hold."""
    _, shape = _input_shape(operation)
    for step in path:
        while shape.type_name == "list":
            shape = shape.member
        if shape.type_name != "structure" or step not in shape.members:
            return False
        shape = shape.members[step]
    return True


@cache
def service(name: str) -> ServiceModel:
    """The model of a service. Raises UnknownServiceError."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@cache
def _input_shape(operation: str) -> tuple[str, Shape]:
    name, action = operation.split(".")
    return name, service(name).operation_model(action).input_shape


def _check(service: str, shape: Shape, value: Any, path: tuple[str | int, ...]) -> None:
    if value == UNKNOWN:
        return
    fits: bool = isinstance(value, _TYPES.get(shape.type_name, (object,)))
    if not fits or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise _refusal(service, path, value, f"must be of type {shape.type_name}")
    if shape.type_name == "structure":
        _check_structure(service, shape, value, path)
    elif shape.type_name == "list":
        _check_size(service, shape, len(value), path, value)
        for index, item in enumerate(value):
            _check(service, shape.member, item, (*path, index))
    elif shape.type_name == "string":
        _check_string(service, shape, value, path)
    elif shape.type_name in ("integer", "long", "double", "float"):
        _check_size(service, shape, value, path, value)


def _check_structure(
    service: str, shape: Shape, value: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    for name in shape.required_members:
        if name not in value:
            raise _missing(service, (*path, name))
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            raise Refusal(
                "UnknownParameter", f"The parameter {_dotted((*path, name))} is not recognized"
            )
        _check(service, member, item, (*path, name))
        for word in item if isinstance(item, list) else [item]:
            _check_word(service, _FREE_STRINGS.get((shape.name, name), ()), word, (*path, name))


def _check_string(service: str, shape: Shape, value: str, path: tuple[str | int, ...]) -> None:
    _check_word(service, tuple(shape.metadata.get("enum", ())), value, path)
    _check_size(service, shape, len(value), path, value)
    pattern = shape.metadata.get("pattern")
    if pattern and not _pattern(pattern).fullmatch(value):
        raise _refusal(
            service, path, value, f"Member must satisfy regular expression pattern: {pattern}"
        )


@cache
def _pattern(java: str) -> re.Pattern[str]:
    """Java writes what lies beyond the basic plane as surrogate pairs, and \\p{L} for letters."""
    python = java.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return re.compile(re.sub(r"\\p\{\w+\}", r"\\w", python))


def _check_word(
    service: str, words: Sequence[str], value: Any, path: tuple[str | int, ...]
) -> None:
    if words and value != UNKNOWN and value not in words:
        near = words if len(words) <= 20 else get_close_matches(value, words)
        known = f"[{', '.join(near)}]" if len(words) <= 20 else f"of {len(words)}, near: {near}"
        raise _refusal(service, path, value, f"Member must satisfy enum value set: {known}")


def _check_size(
    service: str, shape: Shape, size: float, path: tuple[str | int, ...], value: Any
) -> None:
    what = "value" if shape.type_name not in ("string", "list") else "length"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        raise _refusal(
            service, path, value, f"Member must have {what} greater than or equal to {low}"
        )
    if high is not None and size > high:
        raise _refusal(
            service, path, value, f"Member must have {what} less than or equal to {high}"
        )


def _missing(service: str, path: tuple[str | int, ...]) -> Refusal:
    if service == "ec2":
        return Refusal(
            "MissingParameter", f"The request must contain the parameter {_dotted(path)}"
        )
    return Refusal(
        "ValidationError",
        f"1 validation error detected: Value null at '{_dotted(path)}' failed to satisfy constraint: "
        "Member must not be null",
    )


def _refusal(service: str, path: tuple[str | int, ...], value: Any, constraint: str) -> Refusal:
    shown = str(value) if len(str(value)) <= 80 else f"{str(value)[:77]}..."
    if service == "ec2":
        words = f"Invalid value '{shown}' for {_dotted(path)}. {constraint}"
        return Refusal("InvalidParameterValue", words)
    return Refusal(
        "ValidationError",
        f"1 validation error detected: Value '{shown}' at '{_dotted(path)}' failed to satisfy constraint: "
        f"{constraint}",
    )


def _dotted(path: tuple[str | int, ...]) -> str:
    """As AWS counts: `Overrides.1.InstanceType`."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in path)


def _sites(
    shape: Shape, value: Any, path: tuple[str | int, ...], words: tuple[str, ...]
) -> Iterator[Site]:
    if value == UNKNOWN:
        return
    if shape.type_name == "structure":
        for name, item in value.items():
            here = (*path, name)
            if name in shape.required_members:
                yield Site(here, required=True)
            yield from _sites(
                shape.members[name], item, here, _FREE_STRINGS.get((shape.name, name), ())
            )
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _sites(shape.member, item, (*path, index), words)
    elif words := words or tuple(shape.metadata.get("enum", ())):
        yield Site(path, required=False, values=words)
