"""An AWS cell: network, balancer, pools."""

from __future__ import annotations

import pulumi

from infra.aws.balancer import Balancer, BalancerArgs
from infra.aws.network import Network, NetworkArgs
from infra.aws.pool import Pool, PoolArgs
from infra.cells import CellArgs, CellComponent
from infra.reactors import DeclaredGroup


class Cell(CellComponent):
    """A region of AWS in use."""

    def __init__(
        self, name: str, args: CellArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        child = pulumi.ResourceOptions(parent=self)
        region, owner = args.cell.region, args.owner
        network = Network(name, NetworkArgs(region, args.cell.zones, owner), child)
        balancer = Balancer(name, BalancerArgs(region, network, owner), child)
        self.groups = tuple(
            DeclaredGroup(
                pool.key,
                Pool(pool.key, PoolArgs(pool, args, network, balancer), child).group_name,
                region,
            )
            for pool in args.pools
        )
        self.address = balancer.dns_name
        self.register_outputs({"address": self.address})
