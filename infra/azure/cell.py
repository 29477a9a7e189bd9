"""An Azure cell: a resource group with network, balancer and pools."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import resources

from infra.azure.balancer import Balancer, BalancerArgs
from infra.azure.network import FROM_ANYWHERE, FROM_FRONT_DOOR, Network, NetworkArgs
from infra.azure.pool import Pool, PoolArgs
from infra.cells import CellArgs, CellComponent


class Cell(CellComponent):
    """A region of Azure in use."""

    def __init__(
        self, name: str, args: CellArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        child = pulumi.ResourceOptions(parent=self)
        location, owner = args.cell.region, args.owner
        group = resources.ResourceGroup(name, location=location, tags=owner.tags(), opts=child)
        clients = FROM_FRONT_DOOR if args.settings.edge == "front-door" else FROM_ANYWHERE
        network = Network(name, NetworkArgs(group.name, location, clients, owner), child)
        balancer = Balancer(name, BalancerArgs(group, location, owner), child)
        pools = [
            Pool(
                pool.key,
                PoolArgs(pool, args, group.name, network.subnet_id, balancer.backend_pool_id),
                child,
            )
            for pool in args.pools
        ]
        self.groups = tuple(group for pool in pools for group in pool.groups)
        self.address = balancer.ip_address
        self.register_outputs({"address": self.address})
