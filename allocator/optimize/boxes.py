"""Boxes of plans: how a box is split in two, and several made one again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from allocator.optimize.fleet import HELD
from allocator.optimize.master import Box
from allocator.optimize.oracle import Cut
from allocator.optimize.relax import Relaxation, Relaxed
from allocator.solver import INFINITY

NARROW = 1.4
"""The largest loss of a narrow box over the least."""


@dataclass(order=True, slots=True)
class Open:
    """A box that may hold a better plan: its bound and linear optimum, the cuts that its programs have, whether plans were
    looked for.
    """

    bound: float
    box: Box
    relaxed: Relaxed = field(compare=False)
    cuts: list[Cut] = field(compare=False, default_factory=list)
    tried: bool = field(compare=False, default=False)


def halves(relaxation: Relaxation, open_: Open) -> list[Open]:
    """A box in two, by the split that raises the bound most; empty where none is left to make."""
    best: list[Open] = []
    for boxes in _splits(relaxation, open_):
        made = _made(relaxation, open_, boxes)
        if not made:
            return [Open(INFINITY, open_.box, open_.relaxed)]
        if not best or min(made).bound > min(best).bound:
            best = made
    return best


def slices(relaxation: Relaxation, open_: Open) -> list[Open]:
    """A box in two by what its worst domain holds, near the linear optimum; empty where it is narrow.

    The rows that tie what a region holds to its being used are as strong as the box is narrow.
    """
    (low, high), loss = open_.box.loss, open_.relaxed.loss
    if relaxation.fleet.domain is None or not relaxation.fleet.cell_cost.any():
        return []
    if high > loss * NARROW:
        at = loss * NARROW**0.5
    elif low < loss / NARROW:
        at = loss / NARROW**0.5
    else:
        return []
    regions = open_.box.regions
    return _made(relaxation, open_, (Box(regions, (low, at)), Box(regions, (at, high))))


def _made(relaxation: Relaxation, open_: Open, boxes: Sequence[Box]) -> list[Open]:
    """Those of a box's parts that may hold plans."""
    made = []
    for box in boxes:
        relaxation.choose(box)
        inside = relaxation.solve(separate=False)
        if inside is not None:
            made.append(Open(max(inside.bound, open_.bound), box, inside))
    return made


def _splits(relaxation: Relaxation, open_: Open) -> Iterator[tuple[Box, Box]]:
    """By what the worst domain holds: below the size of a node that the optimum uses a part of, or above; by regions."""
    box, relaxed, fleet = open_.box, open_.relaxed, relaxation.fleet
    if fleet.domain is None:
        return
    value = relaxation.values[0]
    over = (relaxed.nodes > HELD) & (value > relaxed.loss * 1.001)
    if over.any():
        sizes, number = np.unique(value[over], return_inverse=True)
        held = np.bincount(number, (value * relaxed.nodes)[over])
        at = float(sizes[np.argmax(held)]) * (1 - 1e-9)
        if box.loss[0] * (1 + 1e-9) < at < box.loss[1]:
            yield Box(box.regions, (box.loss[0], at)), Box(box.regions, (at, box.loss[1]))
    low, high = box.regions
    if low < high and fleet.cell_cost.any() and fleet.survives_regions:
        middle = (low + high) // 2
        yield Box((low, middle), box.loss), Box((middle + 1, high), box.loss)


def merged(relaxation: Relaxation, boxes: Sequence[Open], regions: int) -> list[Open]:
    """Boxes that differ only in their numbers of regions, all above `regions`, as one.

    More regions than the best plan has are seldom better: one program says so for all of them.
    """
    kept: list[Open] = []
    groups: dict[tuple[float, float], list[Open]] = {}
    for open_ in sorted(boxes, key=lambda o: o.box):
        if open_.box.regions[0] > regions:
            groups.setdefault(open_.box.loss, []).append(open_)
        else:
            kept.append(open_)
    for loss, group in groups.items():
        if len(group) == 1:
            kept += group
            continue
        box = Box((group[0].box.regions[0], max(o.box.regions[1] for o in group)), loss)
        relaxation.choose(box)
        inside = relaxation.solve(separate=False)
        if inside is not None:
            bound = max(inside.bound, min(o.bound for o in group))
            cuts = min(group).cuts or relaxation.active(inside)
            kept.append(Open(bound, box, inside, cuts))
    return kept
