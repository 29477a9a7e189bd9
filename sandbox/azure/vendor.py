"""Checks ARM bodies against the vendor's models: unknown members, missing ones, wrong types, misspelt words."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from sandbox.azure.schema import Member, members
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Request
from sandbox.refusal import Refusal

MODELS = {
    "Microsoft.Network/virtualNetworks": ("network", "VirtualNetwork"),
    "Microsoft.Network/virtualNetworks/subnets": ("network", "Subnet"),
    "Microsoft.Network/networkSecurityGroups": ("network", "NetworkSecurityGroup"),
    "Microsoft.Network/publicIPAddresses": ("network", "PublicIPAddress"),
    "Microsoft.Network/natGateways": ("network", "NatGateway"),
    "Microsoft.Network/loadBalancers": ("network", "LoadBalancer"),
    "Microsoft.Compute/virtualMachineScaleSets": ("compute", "VirtualMachineScaleSet"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi", "Identity"),
    "Microsoft.Authorization/roleDefinitions": ("authorization.v2022_04_01", "RoleDefinition"),
    "Microsoft.Authorization/roleAssignments": (
        "authorization.v2022_04_01",
        "RoleAssignmentCreateParameters",
    ),
    "Microsoft.Storage/storageAccounts": ("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": ("storage", "StorageQueue"),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.EventGrid/systemTopics": ("eventgrid", "SystemTopic"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": ("eventgrid", "EventSubscription"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics", "Workspace"),
    "Microsoft.Insights/components": (
        "applicationinsights.v2020_02_02",
        "ApplicationInsightsComponent",
    ),
    "Microsoft.Insights/scheduledQueryRules": ("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.Cdn/profiles": ("cdn", "Profile"),
    "Microsoft.Cdn/profiles/afdEndpoints": ("cdn", "AFDEndpoint"),
    "Microsoft.Cdn/profiles/originGroups": ("cdn", "AFDOriginGroup"),
    "Microsoft.Cdn/profiles/originGroups/origins": ("cdn", "AFDOrigin"),
    "Microsoft.Cdn/profiles/afdEndpoints/routes": ("cdn", "Route"),
}
"""The body of each resource type's PUT."""

_JSON = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


@functools.cache
def parts(kind: str) -> tuple[str, ...]:
    """The collections of named parts in a type's body that have ids of their own, as a balancer's probes."""
    if not kind.startswith("Microsoft.Network/") or kind not in MODELS:
        return ()
    inner = members(*MODELS[kind])["properties"].model
    return tuple(
        name
        for name, member in (members(*inner).items() if inner else ())
        if member.many and member.model and {"id", "name"} <= members(*member.model).keys()
    )


def check(request: Request) -> None:
    """Raises Refusal, in ARM's words, for a body that the vendor's model does not allow. UNKNOWN passes."""
    _check(MODELS[request.operation], request.params, "")


def check_model(model: tuple[str, str], body: Any) -> None:
    """The same for a body of any of the vendor's models."""
    _check(model, body, "")


def _check(model: tuple[str, str], body: Any, where: str) -> None:
    if not isinstance(body, dict):
        raise Refusal("InvalidRequestFormat", f"{where.rstrip('.')} must be an object")
    known = members(*model)
    for name in body:
        if name not in known:
            raise Refusal(
                "InvalidRequestContent",
                f"Could not find member '{name}' on object of type '{model[1]}'. Path '{where}{name}'.",
            )
    for name, member in known.items():
        if member.required and name not in body:
            raise Refusal(
                "InvalidParameter", f"Required parameter '{where}{name}' is missing (null)."
            )
    for name, value in body.items():
        _check_value(known[name], value, f"{where}{name}")


def _check_value(member: Member, value: Any, where: str) -> None:
    if value == UNKNOWN:
        return
    if member.many:
        if not isinstance(value, list):
            raise Refusal("InvalidRequestFormat", f"{where} must be a list")
        for number, item in enumerate(value):
            _check_one(member, item, f"{where}[{number}]")
    else:
        _check_one(member, value, where)


def _check_one(member: Member, value: Any, where: str) -> None:
    if value == UNKNOWN:
        return
    if member.model:
        _check(member.model, value, f"{where}.")
    elif member.words:
        words = {word.lower() for word in member.words}
        if not isinstance(value, str) or value.lower() not in words:
            raise Refusal(
                "InvalidParameter",
                f"The value '{value}' of parameter '{where}' is not allowed. "
                f"Allowed values are: {','.join(member.words)}.",
            )
    elif member.plain:
        allowed = tuple(kind for plain in member.plain for kind in _JSON[plain])
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise Refusal(
                "InvalidParameter", f"The value '{value}' of parameter '{where}' has a wrong type."
            )


def sites(model: tuple[str, str], body: Json) -> Iterator[tuple[tuple[Any, ...], Member]]:
    """Every member in a body with its path (names and list positions): what a test can leave out or misspell."""
    known = members(*model)
    for name, value in body.items():
        member = known[name]
        yield (name,), member
        if member.model is None or value == UNKNOWN:
            continue
        parts = enumerate(value) if member.many else [(None, value)]
        for number, item in parts:
            prefix = (name,) if number is None else (name, number)
            for path, inner in sites(member.model, item):
                yield (*prefix, *path), inner
