"""The address of an AWS cell: a network load balancer over the replicas' service port."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import lb

from infra.aws.network import Network
from infra.naming import BALANCER_LIMIT, Owner, fit
from infra.replica import HEALTH_PATH, PORT

_IDLE_SECONDS = 600
"""Longer than the longest silence of a stream; the default of 350 s would cut it."""
_DRAIN_SECONDS = 120
"""The lead time of a spot notice."""


@dataclass(frozen=True, slots=True)
class BalancerArgs:
    """Where, and the network it stands in."""

    region: str
    network: Network
    owner: Owner


class Balancer(pulumi.ComponentResource):
    """Load balancer, target group and listener. Groups register their machines with `target_group_arn`."""

    dns_name: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: BalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:aws:Balancer", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        short, tags, network = fit(name, BALANCER_LIMIT), args.owner.tags(), args.network
        balancer = lb.LoadBalancer(
            short,
            region=args.region,
            load_balancer_type="network",
            subnets=list(network.public_subnets.values()),
            security_groups=[network.balancer_group_id],
            enable_cross_zone_load_balancing=True,  # spot does not come evenly over the zones
            tags=tags,
            # refused in a VPC without an internet gateway, which cannot leave before it either
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network]),
        )
        targets = _targets(short, args, child)
        lb.Listener(
            short,
            region=args.region,
            load_balancer_arn=balancer.arn,
            port=PORT,
            protocol="TCP",
            tcp_idle_timeout_seconds=_IDLE_SECONDS,
            default_actions=[
                lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)
            ],
            tags=tags,
            opts=child,
        )
        self.dns_name = balancer.dns_name
        self.target_group_arn = targets.arn
        self.register_outputs({"dns_name": self.dns_name})


def _targets(name: str, args: BalancerArgs, opts: pulumi.ResourceOptions) -> lb.TargetGroup:
    return lb.TargetGroup(
        name,
        region=args.region,
        port=PORT,
        protocol="TCP",
        vpc_id=args.network.vpc_id,
        deregistration_delay=_DRAIN_SECONDS,
        health_check=lb.TargetGroupHealthCheckArgs(
            protocol="HTTP",
            path=HEALTH_PATH,
            interval=10,
            healthy_threshold=2,
            unhealthy_threshold=2,
            matcher="200",
        ),
        tags=args.owner.tags(),
        opts=opts,
    )
