"""Prices met before in a search: each row of them bounds the cost of every fleet, whatever bounds its counts have."""

from __future__ import annotations

import numpy as np

from allocator.melange.basis import Node

KEPT = 64
"""Rows; the oldest are forgotten."""
CLOSE = 1e-9
"""What a quotient may be too small by."""


class Cuts:
    """Per row what all work is worth at its prices, and per type how far the cost is above or below the price."""

    def __init__(self, costs: np.ndarray) -> None:
        self._costs = costs
        self._above = np.zeros((KEPT, len(costs)))
        self._below = np.zeros((KEPT, len(costs)))
        self._worth = np.zeros(KEPT)
        self._number = 0

    def add(self, prices: np.ndarray, worth: float) -> None:
        """Remember prices, per type, and the worth of all work at them."""
        row = self._number % KEPT
        above = self._costs - prices
        self._above[row] = np.maximum(above, 0.0)
        self._below[row] = np.maximum(-above, 0.0)
        self._worth[row] = worth
        self._number += 1

    def tighten(self, node: Node, cutoff: float) -> bool:
        """Narrow the node's bounds to what fleets below the cut-off keep; False where there is none."""
        spare = cutoff - self._bounds(node)
        if spare.min() <= 0:
            return False
        rows = len(spare)
        lower, upper = np.array(node.lower), np.array(node.upper)
        room = upper - lower
        with np.errstate(divide="ignore"):
            more = np.minimum((spare[:, None] / self._above[:rows]).min(axis=0) + CLOSE, room)
            less = np.minimum((spare[:, None] / self._below[:rows]).min(axis=0) + CLOSE, room)
        node.upper = (lower + more.astype(int)).tolist()
        node.lower = (upper - less.astype(int)).tolist()
        return True

    def after_split(self, node: Node, gpu: int, below: int) -> tuple[float, float]:
        """The best bound where the type's count is at most `below`, and the best where it is more."""
        bounds = self._bounds(node)
        rows = len(bounds)
        fewer = bounds + self._below[:rows, gpu] * (node.upper[gpu] - below)
        more = bounds + self._above[:rows, gpu] * (below + 1 - node.lower[gpu])
        return float(fewer.max()), float(more.max())

    def _bounds(self, node: Node) -> np.ndarray:
        rows = min(self._number, KEPT)
        above, below = self._above[:rows], self._below[:rows]
        return self._worth[:rows] + above @ node.lower - below @ node.upper
