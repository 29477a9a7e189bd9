"""The linear relaxation of Mélange's mix within bounds on the counts, solved over prices of capacity.

    minimise  sum_g cost_g y_g   subject to  sum_g x_gb = 1 for every bucket b,
              sum_b work_gb x_gb <= y_g  and  lower_g <= y_g <= upper_g for every type g,  x >= 0

`work_gb` is the number of GPUs of type g that all of bucket b takes. Its dual has one price p_g >= 0 per type:

    maximise  sum_b min_g p_g work_gb  +  sum_g [ max(cost_g - p_g, 0) lower_g - max(p_g - cost_g, 0) upper_g ]

and any prices give a valid bound. So this is a dual simplex method in which the basis is a forest: nodes are types, and
a bucket whose cheapest types tie joins those types as a link. Every tree but one node's worth of it has prices fixed up
to one factor; a pivot scales the prices of one tree, buckets leave or enter it in the order of their price ratios, and
where the slope turns one of them becomes the link to another tree. Arrays are (types, buckets); no solver is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

INFINITY = float("inf")
PIVOTS = 500
"""Of one relaxation; a limit that only ties without end can reach."""
NEARLY_FREE = 1e-9
"""Factor on the prices of capacity that nobody needs; its exact price, 0, would lose the ratios in its tree."""
LEAST_PRICE = 1e-200


class Held(Enum):
    """What decides the count of a type, and with it the price of its capacity."""

    LOAD = "load"  # between its bounds; the price is the cost
    LOWER = "lower"  # at its lower bound and full
    UPPER = "upper"  # at its upper bound and full
    IDLE = "idle"  # at its lower bound and not full; the price is next to nothing


class Outcome(Enum):
    """How a relaxation ended."""

    SOLVED = "solved"
    CUT_OFF = "cut off"  # its bound reached the cut-off, or nothing fits the bounds
    GAVE_UP = "gave up"  # its bound holds, its loads do not


@dataclass(slots=True)
class Node:
    """A relaxation with its basis: what a branch of the search starts from.

    `key[b]` is a cheapest type of bucket b; `links[b]` lists the types a linking bucket is divided over (its key is one
    of them); `flows[b, g]` are the shares there; `loads[g]` the load of a type, which for LOAD is its count.
    """

    lower: list[int]
    upper: list[int]
    prices: np.ndarray
    key: np.ndarray
    links: dict[int, list[int]]
    held: list[Held]
    bound: float
    loads: list[float]
    flows: dict[tuple[int, int], float]
    solved: bool = True

    def copy(self) -> Node:
        """A node of its own, to change the bounds of."""
        links = {bucket: list(types) for bucket, types in self.links.items()}
        return Node(
            list(self.lower), list(self.upper), self.prices.copy(), self.key.copy(), links,
            list(self.held), self.bound, self.loads, self.flows,
        )  # fmt: skip

    def capacity(self, gpu: int) -> int:
        """The bound that a type is held at."""
        return self.upper[gpu] if self.held[gpu] is Held.UPPER else self.lower[gpu]


class Relaxation:
    """The relaxations of one problem: `costs` per type, all positive, and `work` (types, buckets), inf where unserved."""

    def __init__(self, costs: np.ndarray, work: np.ndarray) -> None:
        self.costs: list[float] = costs.tolist()
        self.work = work
        self._costs = costs
        self._types, self._buckets = work.shape
        self._columns = np.arange(self._buckets)
        self.noise = 0.0

    def root(self) -> Node:
        """Without bounds every bucket goes where it is cheapest."""
        spent = self._costs[:, None] * self.work
        key = spent.argmin(axis=0)
        full = np.where(self.work < INFINITY, self.work, 0.0).sum(axis=1)
        node = Node(
            lower=[0] * self._types,
            upper=np.ceil(full).astype(int).tolist(),
            prices=self._costs.copy(),
            key=key,
            links={},
            held=[Held.LOAD] * self._types,
            bound=float(spent[key, self._columns].sum()),
            loads=[],
            flows={},
        )
        self._route(node)
        self.noise = 2e-14 * max(node.loads)
        return node

    def solve(self, node: Node, cutoff: float) -> Outcome:
        """Bring a node to its optimum from the basis that it holds, or its bound to `cutoff`."""
        for _ in range(PIVOTS):
            if node.bound >= cutoff:
                return Outcome.CUT_OFF
            self._route(node)
            tree, excess = self._leave(node)
            if not tree:
                return Outcome.SOLVED
            self._scale(node, tree, excess)
        return Outcome.GAVE_UP

    def _route(self, node: Node) -> None:
        """Loads and flows of the basis: the links of a tree fill its types to their bounds, the rest is its root's."""
        taken = self.work[node.key, self._columns]
        if node.links:
            taken[list(node.links)] = 0.0
        loads = node.loads = np.bincount(node.key, taken, self._types).tolist()
        flows = node.flows = {}
        if not node.links:
            return
        touching = _touching(node)
        for root in touching:
            if node.held[root] in (Held.LOWER, Held.UPPER):
                continue
            order, above = _walk(node, touching, root)
            left = dict.fromkeys(above, 1.0)
            for gpu, parent in reversed(order):
                for bucket in touching[gpu]:
                    if bucket != parent:
                        flows[bucket, gpu] = left[bucket]
                        loads[gpu] += left[bucket] * float(self.work[gpu, bucket])
                if parent is not None:
                    flow = (node.capacity(gpu) - loads[gpu]) / float(self.work[gpu, parent])
                    flows[parent, gpu] = flow
                    left[parent] -= flow

    def _leave(self, node: Node) -> tuple[list[int], float]:
        """The worst violation, cut out of the basis: the tree to scale and, in money, how much it is overloaded
        (negative: underused). No tree where nothing is violated.
        """
        prices = node.prices.tolist()
        worst, excess, link = -1, 0.0, None
        for gpu, held in enumerate(node.held):
            over = 0.0
            if held is Held.LOAD:
                load = node.loads[gpu]
                over = max(load - node.upper[gpu], 0.0) or min(load - node.lower[gpu], 0.0)
            elif held is Held.IDLE:
                over = max(node.loads[gpu] - node.lower[gpu], 0.0)
            if abs(over) > self.noise and abs(over * prices[gpu]) > abs(excess):
                worst, excess = gpu, over * prices[gpu]
        for (bucket, gpu), flow in node.flows.items():
            over = -flow * float(self.work[gpu, bucket])
            if over > self.noise and over * prices[gpu] > abs(excess):
                worst, excess, link = gpu, over * prices[gpu], bucket
        if worst < 0:
            return [], 0.0
        if link is not None:
            return self._cut(node, link, worst, excess)
        above = excess > 0 and node.held[worst] is Held.LOAD
        node.held[worst] = Held.UPPER if above else Held.LOWER
        return _tree(_touching(node), node, worst), excess

    @staticmethod
    def _cut(node: Node, bucket: int, gpu: int, excess: float) -> tuple[list[int], float]:
        """Take a type off a link; the half without the root is scaled: the type's as overloaded, the other's not."""
        types = node.links[bucket]
        types.remove(gpu)
        node.key[bucket] = types[0]
        if len(types) == 1:
            del node.links[bucket]
        touching = _touching(node)
        half = _tree(touching, node, gpu)
        if all(node.held[other] in (Held.LOWER, Held.UPPER) for other in half):
            return half, excess
        return _tree(touching, node, types[0]), -excess

    def _scale(self, node: Node, tree: list[int], excess: float) -> None:
        """Raise the prices of an overloaded tree, or lower those of an underused one, to where the slope turns."""
        priced = node.prices[:, None] * self.work
        inside = priced[tree].min(axis=0) if len(tree) > 1 else priced[tree[0]].copy()
        priced[tree] = INFINITY
        outside = priced.min(axis=0)
        within = np.zeros(self._types, dtype=bool)
        within[tree] = True
        inner = within[node.key]
        up = excess > 0
        moving = (inner if up else ~inner & (inside < INFINITY)).nonzero()[0]
        factors = outside[moving] / inside[moving]
        weights = inside[moving]
        for bucket in node.links:
            weights[moving == bucket] = INFINITY
        turning = [g for g in tree if node.held[g] is (Held.LOWER if up else Held.UPPER)]
        if turning:
            prices = node.prices[turning]
            room = np.array([node.upper[g] - node.lower[g] for g in turning])
            factors = np.concatenate((factors, self._costs[turning] / prices))
            weights = np.concatenate((weights, room * prices))
        order = (factors if up else -factors).argsort(kind="stable")
        last = int(weights[order].cumsum().searchsorted(abs(excess) * (1 - 1e-12)))
        stop = int(order[last]) if last < len(order) else None
        factor = float(factors[stop]) if stop is not None else (INFINITY if up else 0.0)
        if factor == INFINITY:
            node.bound = INFINITY
            return
        passed = order[:last]
        count = len(moving)
        buckets = moving[passed[passed < count]]
        if len(buckets):
            node.key[buckets] = self._cheapest(node, tree, priced, buckets, up)
        for number in passed[passed >= count].tolist():
            node.held[turning[number - count]] = Held.UPPER if up else Held.LOWER
        if stop is None:
            factor = self._idle(node, tree, factors)
        factor = max(factor, 1.0) if up else min(factor, 1.0)
        node.prices[tree] *= factor
        if stop is not None and stop >= count:
            gpu = turning[stop - count]
            node.held[gpu] = Held.LOAD
            node.prices[gpu] = self.costs[gpu]
        elif stop is not None:
            bucket = int(moving[stop])
            other = int(self._cheapest(node, tree, priced, moving[stop : stop + 1], up)[0])
            node.links.setdefault(bucket, [int(node.key[bucket])]).append(other)
        node.bound = max(node.bound, self._bound(node, np.minimum(inside * factor, outside)))

    def _cheapest(
        self, node: Node, tree: list[int], priced: np.ndarray, buckets: np.ndarray, up: bool
    ) -> np.ndarray:
        """Where the buckets go: from the tree to the cheapest outside (`priced`), or to the cheapest in the tree."""
        if up:
            return priced[:, buckets].argmin(axis=0)
        if len(tree) == 1:
            return np.full(len(buckets), tree[0])
        within = node.prices[tree][:, None] * self.work[np.ix_(tree, buckets)]
        return np.array(tree)[within.argmin(axis=0)]

    @staticmethod
    def _idle(node: Node, tree: list[int], factors: np.ndarray) -> float:
        """Nothing more can come in: the tree's capacity is idle and next to free. Returns the factor."""
        node.held[max(tree, key=lambda gpu: node.lower[gpu])] = Held.IDLE
        lowest = float(min(factors.min(), 1.0)) if len(factors) else 1.0
        return max(lowest * NEARLY_FREE, LEAST_PRICE / float(node.prices[tree].min()))

    def _bound(self, node: Node, spent: np.ndarray) -> float:
        total = float(spent.sum())
        for gpu, price in enumerate(node.prices.tolist()):
            extra = price - self.costs[gpu]
            total -= extra * (node.lower[gpu] if extra < 0 else node.upper[gpu])
        return total


def _touching(node: Node) -> dict[int, list[int]]:
    """The linking buckets of every type that has some."""
    touching: dict[int, list[int]] = {}
    for bucket, types in node.links.items():
        for gpu in types:
            touching.setdefault(gpu, []).append(bucket)
    return touching


def _walk(
    node: Node, touching: dict[int, list[int]], root: int
) -> tuple[list[tuple[int, int | None]], dict[int, int]]:
    """Types of a tree, parents first, each with the bucket above it; and the type above every bucket."""
    order: list[tuple[int, int | None]] = [(root, None)]
    above: dict[int, int] = {}
    for gpu, parent in order:  # grows while it is walked
        for bucket in touching.get(gpu, ()):
            if bucket != parent:
                above[bucket] = gpu
                order.extend((other, bucket) for other in node.links[bucket] if other != gpu)
    return order, above


def _tree(touching: dict[int, list[int]], node: Node, start: int) -> list[int]:
    """The types linked with one, in order."""
    return sorted(gpu for gpu, _ in _walk(node, touching, start)[0])
