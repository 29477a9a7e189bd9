"""How much capacity may be lost before a replacement is ready: an exact distribution over whole cells of capacity.

The window of one zone is the cold start less the notice. A zone of age a is lost within it with
q = 1 - ((a + offset) / (a + offset + window)) ^ hazard, the integral of hazard / (a + offset). A lost zone loses all its
nodes with a learnt chance, else one. With probability correlation x mean q all held zones of a region go together; each
zone keeps its own q. Regions are independent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

Losses = tuple[float, ...]
"""Probability of losing exactly so many cells, up to the most that matters; what is missing to 1 is worse."""

NOTHING: Losses = (1.0,)
_LEAST_DIVISOR = 0.5


class Holding(NamedTuple):
    """Nodes held in one zone: chance of its loss, how many nodes, cells per node."""

    chance: float
    nodes: int
    cells: int


class DomainRisk(NamedTuple):
    """What a region may lose: the distribution up to the most that matters, and the expected cells."""

    losses: Losses
    expected: float


def loss_chance(age_h: float, window_s: float, hazard: float) -> float:
    """Chance that a zone is lost within a window, its age given with the hazard's offset added."""
    if window_s <= 0:
        return 0.0
    return float(1 - (age_h / (age_h + window_s / 3600)) ** hazard)


@lru_cache(maxsize=4096)
def domain_risk(
    held: tuple[Holding, ...], *, correlation: float, whole: float, most: int
) -> DomainRisk:
    """The loss distribution of one region's held zones, up to `most` cells."""
    if not held:
        return DomainRisk(NOTHING, 0.0)
    common = (
        correlation * sum(holding.chance for holding in held) / len(held) if len(held) > 1 else 0.0
    )
    losses, expected, everything = NOTHING, 0.0, 0
    for holding in held:
        alone = max(0.0, (holding.chance - common) / (1 - common))
        losses = combine(losses, _zone_losses(holding, alone, whole), most)
        at_once = whole if holding.nodes > 1 else 1.0
        size = at_once * holding.nodes + (1 - at_once)
        expected += (1 - common) * alone * size * holding.cells
        expected += common * holding.nodes * holding.cells
        everything += holding.nodes * holding.cells
    if common:
        mixed = [(1 - common) * chance for chance in losses]
        if everything <= most:
            mixed += [0.0] * (everything + 1 - len(mixed))
            mixed[everything] += common
        losses = tuple(mixed)
    return DomainRisk(losses, expected)


def combine(one: Losses, other: Losses, most: int) -> Losses:
    """The distribution of the sum of two independent losses, up to `most` cells."""
    if one == NOTHING:
        return other
    if other == NOTHING:
        return one
    length = min(most + 1, len(one) + len(other) - 1)
    result = [0.0] * length
    for lost, chance in enumerate(one[:length]):
        if chance:
            for more, probability in enumerate(other[: length - lost]):
                result[lost + more] += chance * probability
    return tuple(result)


def without(total: Losses, part: Losses) -> Losses | None:
    """The distribution that combined with `part` gives `total`; None where dividing by it would lose precision."""
    if part[0] < _LEAST_DIVISOR:
        return None
    result: list[float] = []
    for lost, chance in enumerate(total):
        known = sum([p * result[lost - more] for more, p in enumerate(part[1 : lost + 1], start=1)])
        result.append(max(0.0, (chance - known) / part[0]))
    return tuple(result)


def shortage(losses: Losses, expected: float, slack: int) -> tuple[float, float]:
    """Chance to lose more than `slack` cells, and the expected cells beyond it."""
    within = losses[: slack + 1]
    chance = max(0.0, 1 - sum(within))
    beyond = expected - slack + sum((slack - lost) * p for lost, p in enumerate(within))
    return chance, max(0.0, beyond)


def _zone_losses(holding: Holding, chance: float, whole: float) -> Losses:
    size = holding.nodes * holding.cells
    if holding.nodes == 1:
        return (1 - chance, *[0.0] * (size - 1), chance)
    losses = [0.0] * (size + 1)
    losses[0] = 1 - chance
    losses[holding.cells] += chance * (1 - whole)
    losses[size] += chance * whole
    return tuple(losses)
