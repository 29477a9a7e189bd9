"""The plan's numbers as the checks need them, and whether its parts fit together at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

PPM = 1_000_000
MARKETS = {"spot": "spot", "base": "on_demand", "fallback": "on_demand"}
SURVIVE = ("none", "region", "cloud")


class View:
    """A plan as plain data, with what follows from it."""

    def __init__(self, plan: dict[str, Any]) -> None:
        made = plan["decisions"]
        self.decisions, self.money, self.proof = made, plan["money"], plan["proof"]
        self.pools: list[dict[str, Any]] = made["pools"]
        self.rates: list[float] = [bucket["requests_per_second"] for bucket in made["buckets"]]
        self.shapes: dict[str, list[float]] = {
            shape["key"]: shape["requests_per_second"] for shape in made["shapes"]
        }

    @property
    def serving(self) -> list[dict[str, Any]]:
        """The pools whose nodes are counted on."""
        return [
            pool
            for pool in self.pools
            if pool["state"] == "active" and pool["role"] in ("spot", "base") and pool["nodes"]
        ]

    @property
    def cells(self) -> list[str]:
        """The regions in use."""
        return sorted({cell_of(pool) for pool in self.serving})

    @property
    def clouds(self) -> list[str]:
        """The clouds in use."""
        return sorted({pool["cloud"] for pool in self.serving})

    def domain_of(self, cell: str) -> str:
        """The failure domain a cell is in, at the plan's level."""
        return cell if self.decisions["survive"] == "region" else cell.split("-", 1)[0]

    def weight(self, pool: dict[str, Any]) -> float:
        """Requests/s of the workload's own mix that one node serves, over the buckets that its shape can serve."""
        pairs = [
            (rate, most)
            for rate, most in zip(self.rates, self.shapes[pool["shape"]], strict=True)
            if most
        ]
        busy = sum(rate / most for rate, most in pairs)
        return pool["replicas_per_node"] * sum(rate for rate, _ in pairs) / busy if busy else 0.0

    def loads(self, routing: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[float, float]]:
        """Replicas kept busy per (cell, shape), and how many of them rounding to whole ppm may have added (2 ppm each)."""
        found: dict[tuple[str, str], tuple[float, float]] = {}
        for route in routing:
            place = route["cell"], route["shape"]
            busy, rounding = found.get(place, (0.0, 0.0))
            for rate, most, ppm in zip(
                self.rates, self.shapes[route["shape"]], route["shares_ppm"], strict=True
            ):
                if ppm:
                    busy += rate / most * ppm / PPM
                    rounding += rate / most * 2 / PPM
            found[place] = busy, rounding
        return found


def cell_of(pool: dict[str, Any]) -> str:
    """The key of a pool's region."""
    return f"{pool['cloud']}-{pool['region']}"


def replicas(pools: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Replicas per (cell, shape)."""
    found: Counter[tuple[str, str]] = Counter()
    for pool in pools:
        found[cell_of(pool), pool["shape"]] += pool["nodes"] * pool["replicas_per_node"]
    return found


def form_promises(view: View) -> list[str]:
    """What every other check takes for granted."""
    made = view.decisions
    broken = [
        f"{kind}: {key} is there twice"
        for kind in ("pools", "shapes", "cells")
        for key, times in Counter(part["key"] for part in made[kind]).items()
        if times > 1
    ]
    if made["survive"] not in SURVIVE:
        broken.append(f"survive is {made['survive']!r}")
    if not view.rates or min(view.rates) <= 0:
        broken.append(f"buckets without traffic: {view.rates}")
    for key, most in view.shapes.items():
        if len(most) != len(view.rates) or min(most, default=0) < 0:
            broken.append(f"{key} has requests/s {most} for {len(view.rates)} buckets")
    for pool in view.pools:
        broken += _pool_form(view, pool)
    in_pools = {cell_of(pool) for pool in view.pools}
    listed = {cell["key"] for cell in made["cells"]}
    broken += [f"{cell} has pools and is no cell" for cell in sorted(in_pools - listed)]
    broken += [f"cell {cell} has no pool" for cell in sorted(listed - in_pools)]
    for cell in made["cells"]:
        if cell["key"] != cell_of(cell):
            broken.append(f"cell {cell['key']} is {cell['cloud']} {cell['region']}")
    return broken


def _pool_form(view: View, pool: dict[str, Any]) -> list[str]:
    key, nodes = pool["key"], pool["nodes"]
    broken = []
    shape = next((s for s in view.decisions["shapes"] if s["key"] == pool["shape"]), None)
    if shape is None and pool["state"] == "retiring":
        shape = pool  # may be sold no more: nothing is known of what it could serve
    if shape is None:
        return [f"{key} runs {pool['shape']}, which is no shape of the plan"]
    if pool["role"] not in MARKETS or pool["state"] not in ("active", "retiring"):
        broken.append(f"{key} is {pool['state']} {pool['role']}")
    if (shape["gpu"], shape["tensor_parallel"]) != (pool["gpu"], pool["tensor_parallel"]):
        broken.append(f"{key} has other GPUs than its shape {pool['shape']}")
    if pool["replicas_per_node"] < 1 or (
        pool["replicas_per_node"] * pool["tensor_parallel"] > pool["gpus_per_node"]
    ):
        broken.append(
            f"{key} has {pool['gpus_per_node']} GPUs for {pool['replicas_per_node']} replicas"
        )
    if type(nodes) is not int or nodes < 0:
        broken.append(f"{key} has {nodes} nodes, not a whole number")
    if not pool["members"]:
        broken.append(f"{key} has no members")
    return broken
