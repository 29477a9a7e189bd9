"""What sizes may grow to: a group's maximum, quotas that groups share, and the budget.

Only growth is limited here. Nodes that run already are not taken down to meet a quota or a budget: the plan sees to that,
after their replacement is up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reactor.contract import RuntimePlan


@dataclass(frozen=True, slots=True)
class Wish:
    """A group's nodes now and the size it should get. Wishes are granted in the order given."""

    group: str
    price: int
    most: int
    present: int
    nodes: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The size a group gets, and the limit that cut it (empty: none)."""

    group: str
    nodes: int
    limit: str


def grant(plan: RuntimePlan, wishes: Iterable[Wish], others: int = 0) -> tuple[Grant, ...]:
    """Sizes within all limits. `others` is what groups without a wish cost per hour, in micro-USD."""
    wanted = [_within_maximum(wish) for wish in wishes]
    kept = {wish.group: min(wish.present, wish.nodes) for wish, _ in wanted}
    rooms = [
        (quota.key, {w.group: w.per_node for w in quota.weights}, quota.cap)
        for quota in plan.quota_groups
    ]
    if plan.budget_usd_micro_per_hour is not None:
        prices = {wish.group: wish.price for wish, _ in wanted}
        rooms.append(("budget", prices, plan.budget_usd_micro_per_hour - others))
    left = {
        key: cap - sum(weights.get(group, 0) * nodes for group, nodes in kept.items())
        for key, weights, cap in rooms
    }
    grants = []
    for wish, limit in wanted:
        growth = wish.nodes - kept[wish.group]
        for key, weights, _ in rooms:
            weight = weights.get(wish.group, 0)
            if weight > 0 and growth > max(0, left[key]) // weight:
                growth, limit = max(0, left[key]) // weight, key
        for key, weights, _ in rooms:
            left[key] -= growth * weights.get(wish.group, 0)
        grants.append(Grant(wish.group, kept[wish.group] + growth, limit))
    return tuple(grants)


def _within_maximum(wish: Wish) -> tuple[Wish, str]:
    most = max(0, wish.most)
    if wish.nodes <= most:
        return wish, ""
    return Wish(wish.group, wish.price, wish.most, wish.present, most), "maximum"
