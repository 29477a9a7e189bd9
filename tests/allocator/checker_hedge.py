"""What the reactors get: each cloud's demand and reserve, and the on-demand pools that stand in for spot."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.allocator.checker_view import PPM, View

ABOUT = 0.01
"""The clouds' demands are parts of the whole demand: together they may be off by so much of it."""


def hedge_promises(view: View) -> list[str]:
    """Demand and reserve are a cloud's whole capacity, in requests per hour of the workload's own mix."""
    hedges = view.decisions["hedge"]
    listed = Counter(hedge["cloud"] for hedge in hedges)
    broken = [f"no hedge for {cloud}" for cloud in view.clouds if not listed[cloud]]
    broken += [f"two hedges for {cloud}" for cloud, times in listed.items() if times > 1]
    whole = 0.0
    for hedge in hedges:
        cloud, demand, reserve = hedge["cloud"], hedge["demand"], hedge["reserve"]
        capacity = 3600 * sum(
            pool["nodes"] * view.weight(pool) for pool in view.serving if pool["cloud"] == cloud
        )
        whole += capacity
        if min(demand, reserve) < 0:
            broken.append(f"hedge of {cloud}: demand {demand}, reserve {reserve}")
        if abs(demand + reserve - capacity) > 1 + 1e-9 * capacity:
            broken.append(
                f"hedge of {cloud}: {demand} + {reserve} requests an hour, its pools serve {capacity:.1f}"
            )
    total = min(3600 * sum(view.rates), whole)
    demands = sum(hedge["demand"] for hedge in hedges)
    if abs(demands - total) > ABOUT * total + len(hedges):
        broken.append(f"hedges: demands of {demands} requests an hour, should be {total:.0f}")
    return broken


def fallback_promises(view: View) -> list[str]:
    """Every spot pool that can be bought on demand has an empty on-demand pool of its cloud to stand in."""
    pools = {pool["key"]: pool for pool in view.pools}
    broken = [
        f"fallback pool {pool['key']} has {pool['nodes']} nodes"
        for pool in view.pools
        if pool["role"] == "fallback" and pool["nodes"]
    ]
    covered: Counter[str] = Counter()
    standing = set()
    for fallback in view.decisions["fallback"]:
        spot = pools.get(fallback["pool"])
        if spot is None or spot["role"] != "spot":
            broken.append(f"{fallback['pool']} has a fallback and is no spot pool")
            continue
        covered[spot["key"]] += len(fallback["stands"])
        for stand in fallback["stands"]:
            standing.add(stand["pool"])
            broken += _stand(spot, stand, pools.get(stand["pool"]))
    broken += [
        f"{pool['key']} has no fallback"
        for pool in view.pools
        if (pool["role"], pool["state"]) == ("spot", "active")
        and pool["on_demand_usd_micro_per_hour"]
        and not covered[pool["key"]]
    ]
    return broken + [
        f"fallback pool {pool['key']} stands in for nothing"
        for pool in view.pools
        if (pool["role"], pool["state"]) == ("fallback", "active") and pool["key"] not in standing
    ]


def _stand(spot: dict[str, Any], stand: dict[str, Any], pool: dict[str, Any] | None) -> list[str]:
    name = f"{stand['pool']} stands in for {spot['key']}"
    if pool is None or pool["role"] != "fallback":
        return [f"{name} and is no fallback pool"]
    broken = []
    if pool["cloud"] != spot["cloud"]:
        broken.append(f"{name} in another cloud")
    if stand["nodes_ppm"] <= 0:
        broken.append(f"{name} with {stand['nodes_ppm']} ppm of a node")
    elif pool["shape"] == spot["shape"]:
        need = spot["replicas_per_node"] / pool["replicas_per_node"] * PPM
        if stand["nodes_ppm"] < need - 1:
            broken.append(f"{name} with {stand['nodes_ppm']} ppm of a node, too little")
    return broken
