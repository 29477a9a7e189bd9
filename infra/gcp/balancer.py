"""The address of a GCP cell: an external passthrough network load balancer over the pools' instance groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.naming import Owner
from infra.replica import HEALTH_PATH, PORT

_DRAIN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class BalancerArgs:
    """Where, how its backends' health is told, and the backends (instance group self links)."""

    project: str | None
    region: str
    health_check: pulumi.Output[str]
    groups: Sequence[pulumi.Output[str]]
    owner: Owner


class Balancer(pulumi.ComponentResource):
    """Backend service and forwarding rule. The backend service lists its groups: a new pool updates it in place."""

    ip_address: pulumi.Output[str]

    def __init__(
        self, name: str, args: BalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:gcp:Balancer", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        service = compute.RegionBackendService(
            name,
            project=args.project,
            region=args.region,
            load_balancing_scheme="EXTERNAL",
            protocol="TCP",
            health_checks=args.health_check,
            connection_draining_timeout_sec=_DRAIN_SECONDS,
            backends=[
                compute.RegionBackendServiceBackendArgs(group=group, balancing_mode="CONNECTION")
                for group in args.groups
            ],
            description=args.owner.mark(),
            opts=child,
        )
        rule = compute.ForwardingRule(
            name,
            project=args.project,
            region=args.region,
            load_balancing_scheme="EXTERNAL",
            ip_protocol="TCP",
            ports=[str(PORT)],
            backend_service=service.self_link,
            labels=args.owner.tags(),
            description=args.owner.mark(),
            opts=child,
        )
        self.ip_address = rule.ip_address
        self.register_outputs({"ip_address": self.ip_address})


def health_check(
    name: str, project: str | None, region: str, *, owner: Owner, opts: pulumi.ResourceOptions
) -> compute.RegionHealthCheck:
    """One check for both uses: which replicas get connections, and which are made anew."""
    return compute.RegionHealthCheck(
        name,
        project=project,
        region=region,
        check_interval_sec=10,
        timeout_sec=5,
        healthy_threshold=2,
        unhealthy_threshold=3,
        http_health_check=compute.RegionHealthCheckHttpHealthCheckArgs(
            port=PORT, request_path=HEALTH_PATH
        ),
        description=owner.mark(),
        opts=opts,
    )
