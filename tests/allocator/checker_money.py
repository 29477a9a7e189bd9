"""What the plan costs: every sum, every price, the budgets, and the proof's own arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.allocator.checker_view import MARKETS, View

Prices = Mapping[tuple[str, str, str, str], float | None]
HOURS_PER_MONTH = 730
MICRO = 1_000_000
ROUNDING = 10
"""Micro-USD by which the objective may differ from the sum of its rounded parts."""


def money_promises(view: View, *, cell_usd: Mapping[str, float] | float, budget_usd: float | None) -> list[str]:  # fmt: skip
    """The sums, from the pools' nodes and prices."""
    money = view.money
    hourly = sum(pool["nodes"] * pool["price_usd_micro_per_hour"] for pool in view.pools)
    cells = MICRO * sum(_cell_usd(cell, cell_usd) for cell in view.cells)
    tokens = 3600 * sum(
        bucket["requests_per_second"] * (bucket["input_tokens"] + bucket["output_tokens"])
        for bucket in view.decisions["buckets"]
    )
    expected = {
        "cells": (cells, len(view.cells)),
        "hourly": (hourly + money["cells_usd_micro"], 0),
        "monthly": (money["hourly_usd_micro"] * HOURS_PER_MONTH, 0),
        "per_million_tokens": (money["hourly_usd_micro"] * 1e6 / tokens, 1),
        "expected_fallback": (_sum(view, "fallback_usd_micro_per_hour"), 0),
        "same_nodes_on_demand": (_sum(view, "on_demand_usd_micro_per_hour"), 0),
    }
    broken = [
        f"money: {name} is {money[f'{name}_usd_micro']} micro-USD, should be {value:.0f}"
        for name, (value, tolerance) in expected.items()
        if abs(money[f"{name}_usd_micro"] - value) > tolerance
    ]
    if budget_usd is not None and money["hourly_usd_micro"] > round(budget_usd * MICRO):
        broken.append(
            f"budget is {budget_usd} USD per hour, the plan costs {money['hourly_usd_micro'] / MICRO}"
        )
    return broken + _cloud_budgets(view)


def _cell_usd(cell: str, costs: Mapping[str, float] | float) -> float:
    if not isinstance(costs, Mapping):
        return costs
    return costs[cell] if cell in costs else costs[cell.split("-", 1)[0]]


def _sum(view: View, price: str) -> int:
    """Over the nodes; what is not sold on demand counts as it is bought."""
    total = 0
    for pool in view.pools:
        usd_micro = pool[price]
        if price == "on_demand_usd_micro_per_hour" and not usd_micro:
            usd_micro = pool["price_usd_micro_per_hour"]
        total += pool["nodes"] * usd_micro
    return total


def _cloud_budgets(view: View) -> list[str]:
    """A cloud's own budget holds at least the nodes that are planned in it."""
    spent: Counter[str] = Counter()
    for pool in view.pools:
        spent[pool["cloud"]] += pool["nodes"] * pool["price_usd_micro_per_hour"]
    budgets = view.decisions["budgets"]
    twice = [cloud for cloud, times in Counter(b["cloud"] for b in budgets).items() if times > 1]
    return [f"{cloud} has two budgets" for cloud in twice] + [
        f"budget of {budget['cloud']} is {budget['usd_micro_per_hour']} micro-USD, its nodes cost {spent[budget['cloud']]}"
        for budget in budgets
        if spent[budget["cloud"]] > budget["usd_micro_per_hour"]
    ]


def price_promises(view: View, prices: Prices | None) -> list[str]:
    """A pool costs what its cheapest member does, and members cost what the market says."""
    broken = []
    for pool in view.pools:
        key, price = pool["key"], pool["price_usd_micro_per_hour"]
        on_demand = pool["on_demand_usd_micro_per_hour"]
        members = [member["price_usd_micro_per_hour"] for member in pool["members"]]
        if members != sorted(members):
            broken.append(f"members of {key} are not cheapest first")
        if price != min(members):
            broken.append(f"price of {key} is {price}, its cheapest member's {min(members)}")
        if MARKETS[pool["role"]] == "on_demand":
            if on_demand != price:
                broken.append(f"{key} costs {price}, on demand {on_demand}")
            if pool["fallback_usd_micro_per_hour"]:
                broken.append(f"{key} is on demand and expects to fall back")
        elif pool["fallback_usd_micro_per_hour"] < 0:
            broken.append(f"{key} earns from falling back")
        if prices is not None and pool["state"] == "active":
            broken += _market(pool, prices)
    return broken


def _market(pool: dict[str, Any], prices: Prices) -> list[str]:
    """Members' prices and the on-demand price. That may be a sister's, which is sold on demand alone: never dearer."""
    place = pool["cloud"], pool["region"]
    market = MARKETS[pool["role"]]
    broken, on_demand = [], pool["on_demand_usd_micro_per_hour"]
    for member in pool["members"]:
        name, paid = member["instance_type"], member["price_usd_micro_per_hour"]
        usd = prices.get((*place, name, market))
        if usd is None:
            broken.append(f"{pool['key']}: {name} is not sold on the {market} market")
        elif abs(paid - usd * MICRO) > 1:
            broken.append(f"{pool['key']}: {name} costs {paid}, the market says {usd} USD")
        sold = prices.get((*place, name, "on_demand"))
        if sold is not None and not 0 < on_demand <= sold * MICRO + 1:
            broken.append(f"{pool['key']}: on demand {on_demand}, {name} is sold for {sold} USD")
    sold_there = [
        usd for (*where, _, kind), usd in prices.items() if (*where, kind) == (*place, "on_demand")
    ]
    if on_demand and not any(usd and abs(usd * MICRO - on_demand) <= 1 for usd in sold_there):
        broken.append(f"{pool['key']}: nothing is sold there on demand for {on_demand}")
    return broken


def proof_promises(view: View, switching_usd: float) -> list[str]:
    """The objective is what the plan costs, and bound and gap fit it."""
    money, proof = view.money, view.proof
    objective, bound = proof["objective_usd_micro"], proof["bound_usd_micro"]
    cost = money["hourly_usd_micro"] + money["expected_fallback_usd_micro"] + switching_usd * MICRO
    broken = []
    if abs(objective - cost) > ROUNDING:
        broken.append(f"objective is {objective} micro-USD, the plan costs {cost:.0f}")
    if bound > objective:
        broken.append(f"objective {objective} is below its bound {bound}")
    if bound < 0:
        broken.append(f"bound is {bound}")
    gap = (objective - bound) / objective if objective else 0.0
    if abs(gap - proof["relative_gap"]) > 1e-6:
        broken.append(f"gap is {gap:.9f}, the plan says {proof['relative_gap']}")
    return broken
