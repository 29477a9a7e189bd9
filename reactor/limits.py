"""What sizes may grow to: a group's maximum, quotas that groups share, and the budget.

Only growth is limited here. Nodes that run already are not taken down to meet a quota or a budget: the plan sees to that,
after their replacement is up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reactor.contract import RuntimePlan


class Wish(NamedTuple):
    """A group's nodes now and the size it should get. Wishes are granted in the order given."""

    group: str
    price: int
    most: int
    present: int
    nodes: int


class Grant(NamedTuple):
    """The size a group gets, and the limit that cut it (empty: none)."""

    group: str
    nodes: int
    limit: str


def grant(plan: RuntimePlan, wishes: Sequence[Wish]) -> list[Grant]:
    """Sizes within all limits."""
    rooms = [
        (quota.key, {w.group: w.per_node for w in quota.weights}, quota.cap)
        for quota in plan.quota_groups
    ]
    if plan.budget_usd_micro_per_hour is not None:
        prices = {wish.group: wish.price for wish in wishes}
        rooms.append(("budget", prices, plan.budget_usd_micro_per_hour))
    kept = {wish.group: min(wish.present, wish.nodes, max(0, wish.most)) for wish in wishes}
    left = {
        key: cap - sum([weights.get(group, 0) * nodes for group, nodes in kept.items()])
        for key, weights, cap in rooms
    }
    return [_granted(wish, kept[wish.group], rooms, left) for wish in wishes]


def _granted(
    wish: Wish, kept: int, rooms: list[tuple[str, dict[str, int], int]], left: dict[str, int]
) -> Grant:
    """One wish granted as far as it goes; takes from `left` what it grows by."""
    growth, limit = wish.nodes - kept, ""
    if wish.nodes > wish.most:
        growth, limit = max(0, wish.most) - kept, "maximum"
    if growth > 0:
        for key, weights, _ in rooms:
            weight = weights.get(wish.group, 0)
            if weight > 0 and growth > max(0, left[key]) // weight:
                growth, limit = max(0, left[key]) // weight, key
        for key, weights, _ in rooms:
            left[key] -= growth * weights.get(wish.group, 0)
    return Grant(wish.group, kept + growth, limit)
