"""The edge: Azure Front Door Standard, one name and certificate in front of the cells of all clouds.

It speaks HTTPS to clients and HTTP to the cells, and spreads requests by the plan's shares over the cells that
answer its probe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import cdn, resources

from allocator.plan import PPM
from infra.naming import EDGE_LIMIT, Owner, fit
from infra.replica import HEALTH_PATH, PORT

_MAX_WEIGHT = 1000
_RESPONSE_SECONDS = 240
"""The most Front Door waits for an answer to begin."""
_ANY_LATENCY_MS = 1000
"""Weights act only among origins within this much of the nearest; less would pin users to their own region."""
_EVERYWHERE = "global"


@dataclass(frozen=True, slots=True)
class Origin:
    """A cell as the edge sees it; `share_ppm` of all requests go there."""

    key: str
    address: pulumi.Output[str]
    share_ppm: int


@dataclass(frozen=True, slots=True)
class FrontDoorArgs:
    """The origins, and where the edge's resource group is at home."""

    origins: Sequence[Origin]
    location: str
    owner: Owner


class FrontDoor(pulumi.ComponentResource):
    """Profile, endpoint, origins and the route between them."""

    host_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: FrontDoorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:edge:FrontDoor", name, {}, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        tags = args.owner.tags()
        home = resources.ResourceGroup(name, location=args.location, tags=tags, opts=self._child)
        profile = cdn.Profile(
            name,
            resource_group_name=home.name,
            location=_EVERYWHERE,
            sku=cdn.SkuArgs(name="Standard_AzureFrontDoor"),
            origin_response_timeout_seconds=_RESPONSE_SECONDS,
            tags=tags,
            opts=self._child,
        )
        endpoint = cdn.AFDEndpoint(
            fit(f"{args.owner.project}-{args.owner.stack}", EDGE_LIMIT),
            resource_group_name=home.name,
            profile_name=profile.name,
            location=_EVERYWHERE,
            enabled_state="Enabled",
            tags=tags,
            opts=self._child,
        )
        self._route(args.origins, home.name, profile=profile.name, endpoint=endpoint.name)
        self.host_name = endpoint.host_name
        self.register_outputs({"host_name": self.host_name})

    def _route(
        self,
        origins: Sequence[Origin],
        home: pulumi.Output[str],
        *,
        profile: pulumi.Output[str],
        endpoint: pulumi.Output[str],
    ) -> None:
        """All paths to the origins; a route to a group without origins would be refused."""
        group = self._group(home, profile)
        members = [
            self._origin(origin, home, profile=profile, group=group.name) for origin in origins
        ]
        cdn.Route(
            self._name,
            resource_group_name=home,
            profile_name=profile,
            endpoint_name=endpoint,
            origin_group=cdn.ResourceReferenceArgs(id=group.id),
            patterns_to_match=["/*"],
            supported_protocols=["Https"],
            forwarding_protocol="HttpOnly",
            https_redirect="Disabled",  # a redirected POST loses its body
            link_to_default_domain="Enabled",
            enabled_state="Enabled",
            opts=pulumi.ResourceOptions(parent=self, depends_on=members),
        )

    def _origin(
        self,
        origin: Origin,
        home: pulumi.Output[str],
        *,
        profile: pulumi.Output[str],
        group: pulumi.Output[str],
    ) -> cdn.AFDOrigin:
        return cdn.AFDOrigin(
            fit(origin.key, EDGE_LIMIT),
            resource_group_name=home,
            profile_name=profile,
            origin_group_name=group,
            host_name=origin.address,
            origin_host_header=origin.address,
            http_port=PORT,
            priority=1,
            weight=weight(origin.share_ppm),
            enabled_state="Enabled",
            opts=self._child,
        )

    def _group(self, home: pulumi.Output[str], profile: pulumi.Output[str]) -> cdn.AFDOriginGroup:
        return cdn.AFDOriginGroup(
            self._name,
            resource_group_name=home,
            profile_name=profile,
            session_affinity_state="Disabled",
            health_probe_settings=cdn.HealthProbeParametersArgs(
                probe_path=HEALTH_PATH,
                probe_protocol=cdn.ProbeProtocol.HTTP,
                probe_request_type=cdn.HealthProbeRequestType.GET,
                probe_interval_in_seconds=10,
            ),
            load_balancing_settings=cdn.LoadBalancingSettingsParametersArgs(
                sample_size=4,
                successful_samples_required=2,
                additional_latency_in_milliseconds=_ANY_LATENCY_MS,
            ),
            opts=self._child,
        )


def weight(share_ppm: int) -> int:
    """A share as Front Door's weight, 1 to 1000; a cell that should get nothing is left to its probe."""
    return max(1, min(_MAX_WEIGHT, (share_ppm * _MAX_WEIGHT + PPM // 2) // PPM))
