"""Ties between regions: of equally good plans, the one that uses the first regions by name.

Where several regions sell the same machines at the same price, solvers pick any. Demand that grows should fill up
regions in use, and the same demand should always land in the same place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from allocator.candidates import Candidate

Usage = tuple[tuple[tuple[str, int, str], int], ...]
"""What one region holds: ((shape, GPUs of a node, market), nodes), sorted."""


def first_regions(candidates: Sequence[Candidate], nodes: Sequence[int]) -> tuple[int, ...]:
    """The same nodes at the same prices, each region's load moved to the first region by name that sells it alike.

    Loads are placed largest first and never share a region, so spread limits keep holding.
    """
    moved = [0] * len(nodes)
    places = {(c.cell, _machine(c)): number for number, c in enumerate(candidates)}
    for cloud in sorted({c.cloud for c in candidates}):
        loads = _loads(candidates, nodes, cloud)
        regions = sorted({c.cell for c in candidates if c.cloud == cloud})
        placed = _place(candidates, places, loads, regions)
        for cell, (_, usage) in zip(placed, loads, strict=True):
            for machine, count in usage:
                moved[places[cell, machine]] = count
    return tuple(moved)


def _loads(
    candidates: Sequence[Candidate], nodes: Sequence[int], cloud: str
) -> list[tuple[str, Usage]]:
    """The regions in use with what they hold, the largest bill first."""
    held: dict[str, list[tuple[Candidate, int]]] = defaultdict(list)
    for candidate, count in zip(candidates, nodes, strict=True):
        if count and candidate.cloud == cloud:
            held[candidate.cell].append((candidate, count))
    bills = {cell: sum(c.price * n for c, n in pools) for cell, pools in held.items()}
    usages = {
        cell: tuple(sorted((_machine(c), n) for c, n in pools)) for cell, pools in held.items()
    }
    return sorted(usages.items(), key=lambda load: (-bills[load[0]], load[1], load[0]))


def _place(
    candidates: Sequence[Candidate],
    places: dict[tuple[str, tuple[str, int, str]], int],
    loads: list[tuple[str, Usage]],
    regions: list[str],
) -> list[str]:
    """A region for each load; where a load finds none, all stay where they are."""
    taken: list[str] = []
    for home, usage in loads:
        alike = (
            cell
            for cell in regions
            if cell not in taken
            and all(_alike(candidates, places, home, cell, m) for m, _ in usage)
        )
        cell = next(alike, "")
        if not cell:
            return [home for home, _ in loads]
        taken.append(cell)
    return taken


def _alike(
    candidates: Sequence[Candidate],
    places: dict[tuple[str, tuple[str, int, str]], int],
    home: str,
    cell: str,
    machine: tuple[str, int, str],
) -> bool:
    """Whether a region sells a machine at the price and in the number that `home` does."""
    if (cell, machine) not in places:
        return False
    here, there = candidates[places[home, machine]], candidates[places[cell, machine]]
    return (here.price, here.stock_nodes) == (there.price, there.stock_nodes)


def _machine(candidate: Candidate) -> tuple[str, int, str]:
    return candidate.shape.key, candidate.gpus, candidate.market
