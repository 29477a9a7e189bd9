"""What the market, the quotas and the spec allow: stock, quotas, spread, numbers of regions and clouds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.allocator.checker_view import MARKETS, View, cell_of

TOLERANCE = 1e-6


def stock_promises(view: View, stock: Mapping[str, int] | int) -> list[str]:
    """Pools of the same machines on the same market share one stock, whatever they run; a group's own bound holds too."""
    used: Counter[str] = Counter()
    broken = []
    for pool in view.pools:
        key, nodes = pool["key"], pool["nodes"]
        if nodes > pool["max_nodes"]:
            broken.append(f"{key} has {nodes} nodes, more than its most, {pool['max_nodes']}")
        if pool["state"] == "retiring" and nodes:
            broken.append(f"{key} is retiring with {nodes} nodes")
        machines = f"{cell_of(pool)}-{pool['gpu'].lower()}x{pool['gpus_per_node']}"
        used[f"{machines}-{MARKETS[pool['role']]}"] += nodes
    for machines, nodes in sorted(used.items()):
        most = stock if isinstance(stock, int) else stock.get(machines, 0)
        if nodes > most:
            broken.append(f"stock of {machines} is {most}, the plan has {nodes}")
    return broken


def quota_promises(view: View, quotas: Sequence[Mapping[str, Any]]) -> list[str]:
    """The quotas given, and those that the plan hands on."""
    broken = []
    for quota in quotas:
        used = sum(
            pool["nodes"] * (pool["gpus_per_node"] if quota["unit"] == "gpus" else 1)
            for pool in view.pools
            if _falls_under(pool, quota)
        )
        if used > quota["cap"]:
            broken.append(f"quota {dict(quota)} is used up to {used}")
    nodes = {pool["key"]: pool["nodes"] for pool in view.pools}
    for group in view.decisions["quota_groups"]:
        unknown = [weight["pool"] for weight in group["weights"] if weight["pool"] not in nodes]
        broken += [f"quota group {group['key']} names {key}, which is no pool" for key in unknown]
        used = sum(weight["amount"] * nodes.get(weight["pool"], 0) for weight in group["weights"])
        if used > group["cap"]:
            broken.append(f"quota group {group['key']} is used up to {used} of {group['cap']}")
    return broken


def _falls_under(pool: dict[str, Any], quota: Mapping[str, Any]) -> bool:
    return (
        pool["cloud"] == quota["cloud"]
        and quota.get("region") in (None, pool["region"], cell_of(pool))
        and quota.get("market") in (None, MARKETS[pool["role"]])
        and (quota.get("gpus") is None or pool["gpu"] in quota["gpus"])
    )


def spread_promises(view: View, *, region_share: float, cloud_share: float) -> list[str]:
    """No region and no cloud holds more of the capacity than it may."""
    regions: dict[str, float] = defaultdict(float)
    clouds: dict[str, float] = defaultdict(float)
    for pool in view.serving:
        held = pool["nodes"] * view.weight(pool)
        regions[cell_of(pool)] += held
        clouds[pool["cloud"]] += held
    total = sum(regions.values())
    return [
        f"{domain} has {held / total:.6f} of the capacity, allowed is {share}"
        for domains, share in ((regions, region_share), (clouds, cloud_share))
        for domain, held in sorted(domains.items())
        if held > (share + TOLERANCE) * total
    ]


def count_promises(view: View, *, min_regions: int, min_clouds: int) -> list[str]:
    """At least so many regions and clouds hold nodes."""
    return [
        f"{len(used)} {name} in use, promised are {least}"
        for name, used, least in (
            ("regions", view.cells, min_regions),
            ("clouds", view.clouds, min_clouds),
        )
        if len(used) < least
    ]
