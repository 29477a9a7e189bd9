"""The basis of a relaxation of Mélange's mix: which bucket goes where, and what ties the prices of types together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np


class Held(Enum):
    """What decides the count of a type, and with it the price of its capacity."""

    LOAD = "load"  # between its bounds; the price is the cost
    LOWER = "lower"  # at its lower bound and full
    UPPER = "upper"  # at its upper bound and full
    IDLE = "idle"  # at its lower bound and not full; the price is next to nothing


FULL = (Held.LOWER, Held.UPPER)


@dataclass(slots=True)
class Node:
    """A relaxation with its basis: what a branch of the search starts from.

    `key[b]` is a cheapest type of bucket b; `links[b]` has the types that a linking bucket is divided over (its
    key is one of them) and its work on each; `flows[b, g]` are the shares there; `loads[g]` the load of a type, which for LOAD is its count.
    """

    lower: list[int]
    upper: list[int]
    prices: np.ndarray
    key: np.ndarray
    links: dict[int, dict[int, float]]
    held: list[Held]
    bound: float
    loads: list[float]
    flows: dict[tuple[int, int], float]
    solved: bool = True

    def copy(self) -> Node:
        """A node of its own, to change the bounds of."""
        links = {bucket: dict(types) for bucket, types in self.links.items()}
        return Node(
            list(self.lower), list(self.upper), self.prices.copy(), self.key.copy(), links,
            list(self.held), self.bound, self.loads, self.flows,
        )  # fmt: skip

    def choices(self) -> int:
        """How many counts there are within the bounds."""
        return math.prod(b - a + 1 for a, b in zip(self.lower, self.upper, strict=True))

    def capacity(self, gpu: int) -> int:
        """The bound that a type is held at."""
        return self.upper[gpu] if self.held[gpu] is Held.UPPER else self.lower[gpu]


def touching_links(node: Node) -> dict[int, list[int]]:
    """The linking buckets of every type that has some."""
    touching: dict[int, list[int]] = {}
    for bucket, types in node.links.items():
        for gpu in types:
            if gpu in touching:
                touching[gpu].append(bucket)
            else:
                touching[gpu] = [bucket]
    return touching


def walk(
    node: Node, touching: dict[int, list[int]], root: int
) -> tuple[list[tuple[int, int | None]], dict[int, int]]:
    """Types of a tree, parents first, each with the bucket above it; and the type above every bucket."""
    order: list[tuple[int, int | None]] = [(root, None)]
    above: dict[int, int] = {}
    for gpu, parent in order:  # grows while it is walked
        for bucket in touching.get(gpu, ()):
            if bucket != parent:
                above[bucket] = gpu
                for other in node.links[bucket]:
                    if other != gpu:
                        order.append((other, bucket))
    return order, above


def tree_of(node: Node, start: int) -> list[int]:
    """The types linked with one, in order."""
    if not node.links:
        return [start]
    return sorted(gpu for gpu, _ in walk(node, touching_links(node), start)[0])
