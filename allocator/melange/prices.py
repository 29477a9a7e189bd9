"""The linear relaxation of Mélange's mix within bounds on the counts, solved over prices of capacity.

    minimise  sum_g cost_g y_g   subject to  sum_g x_gb = 1 for every bucket b,
              sum_b work_gb x_gb <= y_g  and  lower_g <= y_g <= upper_g for every type g,  x >= 0

`work_gb` is the number of GPUs of type g that all of bucket b takes. Its dual has one price p_g >= 0 per type:

    maximise  sum_b min_g p_g work_gb  +  sum_g [ max(cost_g - p_g, 0) lower_g - max(p_g - cost_g, 0) upper_g ]

and any prices give a valid bound. So this is a dual simplex method in which the basis is a forest: nodes are types, and
a bucket whose cheapest types tie joins those types as a link. Every tree but one node's worth of it has prices fixed up
to one factor; a pivot scales the prices of one tree, buckets leave or enter it in the order of their price ratios, and
where the slope turns one of them becomes the link to another tree. Arrays are (types, buckets); no solver is called.
They are small: a call costs more than its numbers, so reductions are those of the ufuncs, without the methods around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from allocator.melange.basis import FULL, Held, Node, touching_links, tree_of, walk

INFINITY = float("inf")
PIVOTS = 500
"""Of one relaxation; a limit that only ties without end can reach."""
NEARLY_FREE = 1e-9
"""Factor on the prices of capacity that nobody needs; its exact price, 0, would lose the ratios in its tree."""
LEAST_PRICE = 1e-200
LOAD, IDLE = Held.LOAD, Held.IDLE


class Outcome(Enum):
    """How a relaxation ended."""

    SOLVED = "solved"
    CUT_OFF = "cut off"  # its bound reached the cut-off, or nothing fits the bounds
    GAVE_UP = "gave up"  # its bound holds, its loads do not


@dataclass(slots=True)
class _Line:
    """The scaling of a tree: what its types and all others ask for each bucket (`priced`: only the others'), and the
    factors at which something happens: to a moving bucket, then to a turning type, each with its weight on the slope.
    """

    tree: list[int]
    up: bool
    priced: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    moving: np.ndarray
    turning: list[int]
    factors: np.ndarray
    weights: np.ndarray


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

    def cut(self, node: Node) -> tuple[np.ndarray, float]:
        """The node's prices, those of idle types lowered until one more bucket would come, and what they ask for all
        work: capacity at these prices is worth that much in every fleet that serves.
        """
        least = np.minimum.reduce(node.prices[:, None] * self.work)
        most = np.maximum.reduce(least / self.work, axis=1)
        return np.minimum(node.prices, most), float(np.add.reduce(least))

    def solve(self, node: Node, cutoff: float) -> Outcome:
        """Bring a node to its optimum from the basis that it holds, or its bound to `cutoff`."""
        for _ in range(PIVOTS):
            self._route(node)
            tree, excess = self._leave(node)
            if not tree:
                return Outcome.SOLVED
            self._scale(node, tree, excess)
            if node.bound >= cutoff:
                return Outcome.CUT_OFF
        return Outcome.GAVE_UP

    def _route(self, node: Node) -> None:
        """Loads and flows of the basis: the links of a tree fill its types to their bounds, the rest is its root's."""
        taken = self.work[node.key, self._columns]
        if not node.links:
            node.loads = np.bincount(node.key, taken, self._types).tolist()
            node.flows = {}
            return
        taken[list(node.links)] = 0.0
        loads = np.bincount(node.key, taken, self._types).tolist()
        flows = {}
        touching = touching_links(node)
        for root in touching:
            if node.held[root] in FULL:
                continue
            order, above = walk(node, touching, root)
            left = dict.fromkeys(above, 1.0)
            for gpu, parent in reversed(order):
                for bucket in touching[gpu]:
                    if bucket != parent:
                        flow = flows[bucket, gpu] = left[bucket]
                        loads[gpu] += flow * node.links[bucket][gpu]
                if parent is not None:
                    flow = (node.capacity(gpu) - loads[gpu]) / node.links[parent][gpu]
                    flows[parent, gpu] = flow
                    left[parent] -= flow
        node.loads, node.flows = loads, flows

    def _leave(self, node: Node) -> tuple[list[int], float]:
        """The worst violation, cut out of the basis: the tree to scale and, in money, how much it is overloaded
        (negative: underused). No tree where nothing is violated.
        """
        prices = node.prices.tolist()
        worst, excess, link = -1, 0.0, None
        for gpu, (held, load) in enumerate(zip(node.held, node.loads, strict=True)):
            if held is LOAD:
                over = max(load - node.upper[gpu], min(load - node.lower[gpu], 0.0))
            elif held is IDLE:
                over = max(load - node.lower[gpu], 0.0)
            else:
                continue
            if abs(over) > self.noise and abs(over * prices[gpu]) > abs(excess):
                worst, excess = gpu, over * prices[gpu]
        for (bucket, gpu), flow in node.flows.items():
            if flow < 0.0:
                over = -flow * node.links[bucket][gpu]
                if over > self.noise and over * prices[gpu] > abs(excess):
                    worst, excess, link = gpu, over * prices[gpu], bucket
        if worst < 0:
            return [], 0.0
        if link is not None:
            return self._cut(node, link, worst, excess)
        above = excess > 0 and node.held[worst] is Held.LOAD
        node.held[worst] = Held.UPPER if above else Held.LOWER
        return tree_of(node, worst), excess

    @staticmethod
    def _cut(node: Node, bucket: int, gpu: int, excess: float) -> tuple[list[int], float]:
        """Take a type off a link; the half without the root is scaled: the type's as overloaded, the other's not."""
        types = node.links[bucket]
        del types[gpu]
        other = node.key[bucket] = next(iter(types))
        if len(types) == 1:
            del node.links[bucket]
        half = tree_of(node, gpu)
        if all(node.held[member] in FULL for member in half):
            return half, excess
        return tree_of(node, other), -excess

    def _scale(self, node: Node, tree: list[int], excess: float) -> None:
        """Raise the prices of an overloaded tree, or lower those of an underused one, to where the slope turns."""
        line = self._line(node, tree, excess > 0)
        order = (line.factors if line.up else -line.factors).argsort(kind="stable")
        last = int(line.weights[order].cumsum().searchsorted(abs(excess) * (1 - 1e-12)))
        stop = int(order[last]) if last < len(order) else None
        if line.up and (stop is None or line.factors[stop] == INFINITY):
            node.bound = INFINITY
            return
        self._pass(node, line, order[:last])
        if stop is None:
            factor = self._idle(node, line)
        else:
            factor = float(line.factors[stop])
            factor = max(factor, 1.0) if line.up else min(factor, 1.0)
        for gpu in tree:
            node.prices[gpu] *= factor
        if stop is not None:
            self._enter(node, line, stop)
        asked = float(np.add.reduce(np.minimum(line.inside * factor, line.outside)))
        node.bound = max(node.bound, self._bound(node, asked))

    def _line(self, node: Node, tree: list[int], up: bool) -> _Line:
        """Where buckets leave the tree (up) or enter it, and where its types come to their costs."""
        priced = node.prices[:, None] * self.work
        inside = priced[tree[0]].copy()
        inner = node.key == tree[0]
        for gpu in tree[1:]:
            np.minimum(inside, priced[gpu], out=inside)
            inner |= node.key == gpu
        for gpu in tree:
            priced[gpu] = INFINITY
        outside = np.minimum.reduce(priced)
        moving = (inner if up else ~inner & (inside < INFINITY)).nonzero()[0]
        factors, weights = (outside / inside)[moving], inside
        if node.links:
            weights = inside.copy()
            weights[list(node.links)] = INFINITY
        weights = weights[moving]
        held = Held.LOWER if up else Held.UPPER
        turning = [gpu for gpu in tree if node.held[gpu] is held]
        if turning:
            prices = node.prices[turning]
            room = np.array([node.upper[gpu] - node.lower[gpu] for gpu in turning])
            factors = np.concatenate((factors, self._costs[turning] / prices))
            weights = np.concatenate((weights, room * prices))
        return _Line(tree, up, priced, inside, outside, moving, turning, factors, weights)

    def _pass(self, node: Node, line: _Line, passed: np.ndarray) -> None:
        """What lies before the stop changes sides: whole buckets, and types from one bound to the other."""
        if line.turning:
            bound = Held.UPPER if line.up else Held.LOWER
            for number in passed[passed >= len(line.moving)].tolist():
                node.held[line.turning[number - len(line.moving)]] = bound
            passed = passed[passed < len(line.moving)]
        if len(passed):
            buckets = line.moving[passed]
            node.key[buckets] = self._cheapest(node, line, buckets)

    def _cheapest(self, node: Node, line: _Line, buckets: np.ndarray) -> Any:
        """Where the buckets go: from the tree to the cheapest outside, or to the cheapest in the tree."""
        if line.up:
            return line.priced[:, buckets].argmin(axis=0)
        if len(line.tree) == 1:
            return line.tree[0]
        within = node.prices[line.tree][:, None] * self.work[line.tree][:, buckets]
        return np.array(line.tree)[within.argmin(axis=0)]

    def _enter(self, node: Node, line: _Line, stop: int) -> None:
        """What stops the line enters the basis: a type as the tree's root, or a bucket as its link to another tree."""
        if stop >= len(line.moving):
            gpu = line.turning[stop - len(line.moving)]
            node.held[gpu] = Held.LOAD
            node.prices[gpu] = self.costs[gpu]
            return
        bucket = int(line.moving[stop])
        if line.up:
            other = int(line.priced[:, bucket].argmin())
        else:
            spent = node.prices * self.work[:, bucket]
            other = min(line.tree, key=spent.__getitem__)
        types = node.links.setdefault(bucket, {})
        for gpu in (int(node.key[bucket]), other):
            types[gpu] = float(self.work[gpu, bucket])

    @staticmethod
    def _idle(node: Node, line: _Line) -> float:
        """Nothing more can come in: the tree's capacity is idle and next to free. Returns the factor."""
        node.held[max(line.tree, key=node.lower.__getitem__)] = Held.IDLE
        lowest = min(float(line.factors.min(initial=1.0)), 1.0)
        return max(lowest * NEARLY_FREE, LEAST_PRICE / float(node.prices[line.tree].min()))

    def _bound(self, node: Node, asked: float) -> float:
        """The value of the node's prices, of which the buckets ask `asked`."""
        for gpu, price in enumerate(node.prices.tolist()):
            extra = price - self.costs[gpu]
            asked -= extra * (node.lower[gpu] if extra < 0 else node.upper[gpu])
        return asked
