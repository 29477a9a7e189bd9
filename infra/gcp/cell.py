"""A GCP cell: network, pools, and the balancer over them."""

from __future__ import annotations

import pulumi

from infra.cells import CellArgs, CellComponent
from infra.gcp.balancer import Balancer, BalancerArgs, health_check
from infra.gcp.network import Network, NetworkArgs
from infra.gcp.pool import Pool, PoolArgs
from infra.reactors import DeclaredGroup


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
        pools = {
            pool.key: Pool(pool.key, PoolArgs(pool, args, network.subnet, health, network), child)
            for pool in args.pools
        }
        behind = [pool.instance_group for pool in pools.values()]
        balancer = Balancer(name, BalancerArgs(project, region, health, behind, owner), child)
        self.groups = tuple(DeclaredGroup(key, p.group_name, region) for key, p in pools.items())
        self.address = balancer.ip_address
        self.register_outputs({"address": self.address})
