"""A GCP cell: network, pools, and the balancer over them."""

from __future__ import annotations

import pulumi

from infra.cells import CellArgs, CellComponent
from infra.gcp.balancer import Balancer, BalancerArgs, health_check
from infra.gcp.network import Network, NetworkArgs
from infra.gcp.pool import Pool, PoolArgs


class Cell(CellComponent):
    """A region of GCP in use."""

    def __init__(
        self, name: str, args: CellArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        child = pulumi.ResourceOptions(parent=self)
        project, region, owner = args.settings.gcp.project, args.cell.region, args.owner
        network = Network(name, NetworkArgs(project, region, owner), child)
        health = health_check(name, project, region, owner=owner, opts=child).self_link
        groups = [
            Pool(
                pool.key, PoolArgs(pool, args, network.subnet, health, network), child
            ).instance_group
            for pool in args.pools
        ]
        balancer = Balancer(name, BalancerArgs(project, region, health, groups, owner), child)
        self.address = balancer.ip_address
        self.register_outputs({"address": self.address})
