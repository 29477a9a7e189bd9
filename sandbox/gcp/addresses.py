"""Public addresses, given out of the ranges that are reserved for documentation."""

from __future__ import annotations

from sandbox.kind import Context

_NETWORKS = ("203.0.113", "198.51.100", "192.0.2")
_HOSTS = 254


def next_address(ctx: Context, serial: int) -> str:
    """A public address that nothing in this cloud has; starts the search at the resource's serial number."""
    taken = {record.live.get("address") for record in ctx.world.all(ctx.cloud)}
    total = len(_NETWORKS) * _HOSTS
    for step in range(total):
        network, host = divmod((serial + step) % total, _HOSTS)
        address = f"{_NETWORKS[network]}.{host + 1}"
        if address not in taken:
            return address
    raise RuntimeError(f"all {total} public addresses of the emulated {ctx.cloud} are taken")
