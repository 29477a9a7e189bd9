"""The Internet as an emulated function sees it: a proxy that knows the public addresses of the emulated clouds and no others.

A load balancer answers 200 while a machine runs in its region and 503 while none does; what is global answers while its
cloud does. A region or a cloud that is gone does not answer. Nothing is ever sent further than this process.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox import faults
from sandbox.clouds import PACKAGES, context_of
from sandbox.http import Dead, Handler, Reply, Request
from sandbox.machines import MACHINE, RUNNING
from sandbox.world import Record, World

_ADDRESS_OUTPUTS = frozenset({"address", "dnsName", "hostName", "ipAddress"})


def internet(world: World) -> Handler:
    """Answers requests whose target is a whole URL, as clients send them to a proxy."""

    def answer(request: Request) -> Reply:
        host = urlsplit(request.target).hostname or request.target.partition(":")[0]
        owner = _owner(world, host)
        if owner is None:
            return Reply.of({"error": f"{host} is no address of the emulated clouds"}, 502)
        if faults.dead(world, owner.cloud, owner.region):
            raise Dead
        if request.method == "CONNECT":
            return Reply.of({"error": "the emulated clouds answer plain HTTP alone"}, 502)
        regional = owner.region in world.market.regions(owner.cloud)
        return Reply.of({}, 200 if not regional or _runs(world, owner) else 503)

    return answer


def _owner(world: World, host: str) -> Record | None:
    """The resource with this public name or address."""
    for package in PACKAGES:
        for kind in package.kinds():
            if not _ADDRESS_OUTPUTS.intersection(kind.computed):
                continue
            for record in world.all(package.cloud, kind.name):
                if host in kind.outputs(context_of(world, record), record).values():
                    return record
    return None


def _runs(world: World, owner: Record) -> bool:
    return any(
        m.region == owner.region and m.body["state"] == RUNNING
        for m in world.all(owner.cloud, MACHINE)
    )
