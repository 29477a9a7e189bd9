"""Azure Front Door (Standard and Premium): profile, endpoint, origin groups, origins, routes."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.azure.arm import ArmKind, known_value, look, place
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_REGIONS = (
    *("global", "australiaeast", "australiasoutheast", "brazilsouth", "canadacentral"),
    *("canadaeast", "centralindia", "centralus", "eastasia", "eastus", "eastus2", "japaneast"),
    *("japanwest", "northcentralus", "northeurope", "southcentralus", "southeastasia"),
    *("southindia", "westcentralus", "westeurope", "westindia", "westus"),
)
"""Where profiles can be at home, as the service lists them; what they do happens everywhere."""


def _ranges(body: Json, ranges: Iterable[tuple[str, int, int]]) -> None:
    """Numbers that the API documents a range for."""
    for path, low, high in ranges:
        value = known_value(body, f"properties.{path}")
        if isinstance(value, int | float) and not low <= value <= high:
            raise Refusal(
                "BadRequest", f"Property '{path}' is {value}; it must be between {low} and {high}."
            )


class Profile(ArmKind):
    """A Front Door."""

    token = "azure-native:cdn:Profile"
    name = "Microsoft.Cdn/profiles"
    name_input = "profileName"
    fixed = frozenset({"location"})
    most_name = 90
    computed = (*ArmKind.computed, "frontDoorId", "resourceState")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        _ranges(body, [("originResponseTimeoutSeconds", 16, 240)])
        location = known_value(body, "location")
        if location and place(location) not in _REGIONS:
            raise Refusal(
                "LocationNotAvailableForResourceType",
                f"The provided location '{location}' is not available for resource type 'Microsoft.Cdn/profiles'. List "
                f"of available regions for the resource type is '{','.join(_REGIONS)}'.",
            )

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("frontDoorId", ctx.world.new_hex(32))

    def outputs(self, ctx: Context, record: Record) -> Json:
        front_door = {"frontDoorId": record.live["frontDoorId"], "resourceState": "Active"}
        return super().outputs(ctx, record) | front_door


class Endpoint(ArmKind):
    """The public host name."""

    token = "azure-native:cdn:AFDEndpoint"
    name = "Microsoft.Cdn/profiles/afdEndpoints"
    name_input = "endpointName"
    path_inputs = ("profileName",)
    fixed = frozenset({"location"})
    most_name = 46
    computed = (*ArmKind.computed, "hostName", "deploymentStatus")

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("hostName", f"{record.name}-{ctx.world.new_hex(16)}.z01.azurefd.net")

    def outputs(self, ctx: Context, record: Record) -> Json:
        host = {"hostName": record.live["hostName"], "deploymentStatus": "NotStarted"}
        return super().outputs(ctx, record) | host


class OriginGroup(ArmKind):
    """Origins that share health probes and load balancing."""

    token = "azure-native:cdn:AFDOriginGroup"
    name = "Microsoft.Cdn/profiles/originGroups"
    name_input = "originGroupName"
    path_inputs = ("profileName",)
    most_name = 50
    computed = (*ArmKind.computed, "deploymentStatus")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        _ranges(
            body,
            [
                ("healthProbeSettings.probeIntervalInSeconds", 1, 255),
                ("loadBalancingSettings.sampleSize", 0, 255),
                ("loadBalancingSettings.successfulSamplesRequired", 0, 255),
                ("loadBalancingSettings.additionalLatencyInMilliseconds", 0, 1000),
                ("trafficRestorationTimeToHealedOrNewEndpointsInMinutes", 0, 50),
            ],
        )
        samples = known_value(body, "properties.loadBalancingSettings.sampleSize")
        needed = known_value(body, "properties.loadBalancingSettings.successfulSamplesRequired")
        if isinstance(samples, int) and isinstance(needed, int) and needed > samples:
            raise Refusal(
                "BadRequest",
                f"Property 'successfulSamplesRequired' is {needed}; it must not exceed 'sampleSize', which is {samples}.",
            )

    def delete(self, ctx: Context, record: Record) -> None:
        users = [user for user in ctx.world.children(record) if user.kind == Route.name]
        if users:
            raise Refusal(
                "BadRequest", f"Origin group {record.name} is in use by route {users[0].name}."
            )
        super().delete(ctx, record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"deploymentStatus": "NotStarted"}


class Origin(ArmKind):
    """A host that answers. Its host name is unique in its group."""

    token = "azure-native:cdn:AFDOrigin"
    name = "Microsoft.Cdn/profiles/originGroups/origins"
    name_input = "originName"
    path_inputs = ("profileName", "originGroupName")
    most_name = 90
    computed = (*ArmKind.computed, "deploymentStatus")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if look(body, "properties.hostName") is None:
            raise Refusal(
                "BadRequest", "Property 'AfdOrigin.HostName' is required but it was not set"
            )
        ports = [("httpPort", 1, 65535), ("httpsPort", 1, 65535)]
        _ranges(body, [("weight", 1, 1000), ("priority", 1, 5), *ports])

    def settle(self, ctx: Context, record: Record) -> None:
        group = record.id.rsplit("/", 2)[0]
        host = record.body["properties"]["hostName"]
        for other in ctx.world.all(record.cloud, self.name):
            same_group = other.id.startswith(f"{group}/") and other.id != record.id
            if same_group and other.body["properties"]["hostName"] == host:
                raise Refusal("Conflict", f"That resource name isn't available: origin {other.name} has host name {host} already.")  # fmt: skip
        if not _enabled(record):
            self._check_not_last(ctx, record)

    def delete(self, ctx: Context, record: Record) -> None:
        self._check_not_last(ctx, record)
        super().delete(ctx, record)

    def _check_not_last(self, ctx: Context, record: Record) -> None:
        """A group that a route leads to keeps an enabled origin."""
        group = record.id.rsplit("/", 2)[0]
        routes = ctx.world.all(record.cloud, Route.name)
        others = [o for o in ctx.world.all(record.cloud, self.name) if o.id != record.id]
        if any(group in route.parents for route in routes) and not any(
            _serves(other, group) for other in others
        ):
            raise Refusal(
                "BadRequest",
                "Cannot disable or delete the last origin when the origin group is still associated with a route or a "
                "rule. Please disassociate the origin group and try again.",
            )

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"deploymentStatus": "NotStarted"}


class Route(ArmKind):
    """From an endpoint's paths to an origin group, which must have an origin."""

    token = "azure-native:cdn:Route"
    name = "Microsoft.Cdn/profiles/afdEndpoints/routes"
    name_input = "routeName"
    path_inputs = ("profileName", "endpointName")
    most_name = 90
    computed = (*ArmKind.computed, "deploymentStatus")

    def settle(self, ctx: Context, record: Record) -> None:
        group = get(record.body, "properties.originGroup.id")
        origins = ctx.world.all(record.cloud, Origin.name)
        if group and not any(_serves(origin, group) for origin in origins):
            raise Refusal(
                "BadRequest",
                "Please make sure that the originGroup is created successfully and at least one enabled origin is "
                f"created under the origin group: {group}",
            )
        mine = _patterns(record)
        endpoint = record.id.rsplit("/", 2)[0]
        for other in ctx.world.all(record.cloud, self.name):
            if other.id == record.id or not other.id.startswith(f"{endpoint}/"):
                continue
            if mine & _patterns(other):
                raise Refusal(
                    "Conflict",
                    "The route domains, paths and protocols configuration has a conflict: route "
                    f"{other.name} of the endpoint already matches {sorted(mine)}.",
                )

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"deploymentStatus": "NotStarted"}


def _serves(origin: Record, group: str) -> bool:
    """Whether it is an enabled origin of the group."""
    return _enabled(origin) and origin.id.startswith(f"{group}/")


def _enabled(origin: Record) -> bool:
    return str(get(origin.body, "properties.enabledState")).lower() != "disabled"


def _patterns(route: Record) -> set[str]:
    return set(get(route.body, "properties.patternsToMatch") or ["/*"])
