"""Prices met before in a search: each row of them bounds the cost of every fleet, whatever bounds its counts have."""

from __future__ import annotations

import numpy as np

from allocator.melange.basis import Node

KEPT = 64
"""Rows; the oldest are forgotten."""
TRIED = 1000
"""Counts within a node's bounds that are worth looking at one by one: a table of them costs less than solving a few nodes."""
CLOSE = 1e-9
"""What a quotient may be too small by."""
LEAST = 1e-30
"""Costs and prices closer than this say nothing about a count."""


class Cuts:
    """Per row what all work is worth at its prices, and per type how far the cost is above, then below, the price."""

    def __init__(self, costs: np.ndarray) -> None:
        self._costs = costs
        self._types = len(costs)
        self._apart = np.zeros((KEPT, 2 * len(costs)))
        self._inverse = np.full((KEPT, 2 * len(costs)), np.inf)
        self._worth = np.zeros(KEPT)
        self._number = 0

    def add(self, prices: np.ndarray, worth: float) -> None:
        """Remember prices, per type, and the worth of all work at them."""
        row = self._number % KEPT
        above = self._costs - prices
        apart = np.maximum(np.concatenate((above, -above)), 0.0)
        self._apart[row] = apart
        self._inverse[row] = 1.0 / np.maximum(apart, LEAST)
        self._worth[row] = worth
        self._number += 1

    def tighten(self, node: Node, cutoff: float) -> bool:
        """Narrow the node's bounds to what fleets below the cut-off keep; False where there is none."""
        spare = cutoff - self._bounds(node)
        if np.minimum.reduce(spare) <= 0:
            return False
        lower, upper = np.array(node.lower), np.array(node.upper)
        room = upper - lower
        most = np.minimum.reduce(spare[:, None] * self._inverse[: len(spare)]) + CLOSE
        more = np.minimum(most[: self._types], room).astype(int)
        less = np.minimum(most[self._types :], room).astype(int)
        node.upper = (lower + more).tolist()
        node.lower = (upper - less).tolist()
        return True

    def after_split(self, node: Node, gpu: int, below: int) -> tuple[float, float]:
        """The best bound where the type's count is at most `below`, and the best where it is more."""
        bounds = self._bounds(node)
        apart = self._apart[: len(bounds)]
        fewer = bounds + apart[:, self._types + gpu] * (node.upper[gpu] - below)
        more = bounds + apart[:, gpu] * (below + 1 - node.lower[gpu])
        return float(np.maximum.reduce(fewer)), float(np.maximum.reduce(more))

    def left(self, node: Node, cutoff: float) -> list[list[int]] | None:
        """The counts within a node's bounds that cost less than the cut-off and that no row excludes, cheapest first;
        None where there are too many to try them all.
        """
        number = node.choices()
        if number > TRIED:
            return None
        lower = np.array(node.lower)
        room = np.array(node.upper) - lower
        free = room.nonzero()[0]
        more = np.indices(room[free] + 1).reshape(len(free), number)
        costs = self._costs @ lower + self._costs[free] @ more
        more, costs = more[:, costs < cutoff], costs[costs < cutoff]
        rows, types = min(self._number, KEPT), self._types
        prices = self._costs - self._apart[:rows, :types] + self._apart[:rows, types:]
        needed = self._worth[:rows] - prices @ lower
        served = np.logical_and.reduce(prices[:, free] @ more >= needed[:, None] - CLOSE)
        more, costs = more[:, served], costs[served]
        counts = np.repeat(lower[:, None], len(costs), axis=1)
        counts[free] += more
        found: list[list[int]] = counts.T[costs.argsort(kind="stable")].tolist()
        return found

    def _bounds(self, node: Node) -> np.ndarray:
        rows = min(self._number, KEPT)
        ends = np.array(node.lower + [-upper for upper in node.upper])
        bounds: np.ndarray = self._worth[:rows] + self._apart[:rows] @ ends
        return bounds
