"""How much capacity may be lost before a replacement is ready: an exact distribution over whole cells of capacity.

The window of one zone is the cold start less the notice. A zone of age a is lost within it with
q = 1 - ((a + offset) / (a + offset + window)) ^ hazard, the integral of hazard / (a + offset). A lost zone loses all its
nodes with a learnt chance, else one. With probability correlation x mean q all held zones of a region go together; each
zone keeps its own q. Regions are independent.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

MOST_CELLS = 8
"""Losses beyond so many cells are not told apart."""
Losses = tuple[float, ...]
"""Probability of losing exactly so many cells, up to the most that matters; what is missing to 1 is worse."""

NOTHING: Losses = (1.0,)
_LEAST_DIVISOR = 0.5


Holding = tuple[float, int, int]
"""Nodes held in one zone: chance of its loss, how many nodes, cells per node."""


class Risk(NamedTuple):
    """What may be lost: the distribution, and the expected cells."""

    losses: Losses
    expected: float


def loss_chance(age_h: float, window_s: float, hazard: float) -> float:
    """Chance that a zone is lost within a window, its age given with the hazard's offset added."""
    if window_s <= 0:
        return 0.0
    return float(1 - (age_h / (age_h + window_s / 3600)) ** hazard)


@lru_cache(maxsize=4096)
def domain_risk(held: tuple[Holding, ...], correlation: float, whole: float) -> Risk:
    """The risk of one region's held zones."""
    if not held:
        return Risk(NOTHING, 0.0)
    common = correlation * sum([chance for chance, _, _ in held]) / len(held)
    if len(held) == 1:
        common = 0.0
    losses, expected, everything = NOTHING, 0.0, 0
    for chance, nodes, cells in held:
        alone = max(0.0, (chance - common) / (1 - common))
        at_once = whole if nodes > 1 else 1.0
        losses = _with_zone(losses, (alone, nodes, cells), at_once)
        expected += (1 - common) * alone * (at_once * nodes + 1 - at_once) * cells
        expected += common * nodes * cells
        everything += nodes * cells
    if common:
        mixed = [(1 - common) * chance for chance in losses]
        if everything <= MOST_CELLS:
            mixed += [0.0] * (everything + 1 - len(mixed))
            mixed[everything] += common
        losses = tuple(mixed)
    return Risk(losses, expected)


def combine(one: Losses, other: Losses) -> Losses:
    """The distribution of the sum of two independent losses."""
    if one == NOTHING:
        return other
    if other == NOTHING:
        return one
    length = min(MOST_CELLS + 1, len(one) + len(other) - 1)
    result = [0.0] * length
    for lost, chance in enumerate(one):
        if chance:
            for more, probability in enumerate(other[: length - lost], lost):
                result[more] += chance * probability
    return tuple(result)


def without(total: Losses, part: Losses) -> Losses | None:
    """The distribution that combined with `part` gives `total`; None where dividing by it would lose precision."""
    if part[0] < _LEAST_DIVISOR:
        return None
    rest = [(more, chance) for more, chance in enumerate(part[1:], 1) if chance]
    result: list[float] = []
    for lost, chance in enumerate(total):
        for more, probability in rest:
            if more <= lost:
                chance -= probability * result[lost - more]
        result.append(max(0.0, chance / part[0]))
    return tuple(result)


class Tail(NamedTuple):
    """A loss by how much is left: chance to lose at most so many cells, and the mean number that then stays unused."""

    within: tuple[float, ...]
    unused: tuple[float, ...]


def tail(losses: Losses) -> Tail:
    """The tail of a distribution, up to the most cells that matter."""
    within = tuple(accumulate((*losses, *[0.0] * (MOST_CELLS + 1 - len(losses)))))
    return Tail(within, (0.0, *accumulate(within)))


def shortage(others: Tail, losses: Losses, expected: float, slack: int) -> tuple[float, float]:
    """Chance to lose more than `slack` cells to `losses` and independent `others`, and the expected cells beyond it."""
    within = unused = 0.0
    for lost, chance in enumerate(losses[: slack + 1]):
        if chance:
            within += chance * others.within[slack - lost]
            unused += chance * others.unused[slack - lost]
    return max(0.0, 1 - within), max(0.0, expected - slack + unused)


def _with_zone(losses: Losses, zone: Holding, at_once: float) -> Losses:
    """The distribution with a zone more, lost whole with chance `at_once`, else by one node."""
    chance, nodes, cells = zone
    length = min(MOST_CELLS + 1, len(losses) + nodes * cells)
    result = [(1 - chance) * p for p in losses] + [0.0] * (length - len(losses))
    for size, probability in ((cells, chance * (1 - at_once)), (nodes * cells, chance * at_once)):
        if probability and size < length:
            for lost, p in enumerate(losses[: length - size], size):
                result[lost] += probability * p
    return tuple(result)
