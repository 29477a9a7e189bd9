"""Whole plans: whether they serve, and how one that nearly does is made to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.optimize.fleet import Fleet, Scenario
from allocator.optimize.oracle import Cut, Oracle

ADDITIONS = 12
TRIALS = 20
NEARLY = 0.95
"""A plan whose worst scenario serves less of what it must is not worth mending."""


def missing(oracle: Oracle, scenarios: Sequence[Scenario], most: int) -> list[tuple[Scenario, Cut]]:
    """The first scenarios, at most so many, that are not served, each with the cut that says so."""
    found = []
    for scenario in scenarios:
        served, cut = oracle.serves(scenario.capacity, scenario.part)
        if not served and cut is not None:
            found.append((scenario, cut))
            if len(found) == most:
                break
    return found


def mended(fleet: Fleet, oracle: Oracle, nodes: np.ndarray) -> np.ndarray | None:
    """The plan with nodes added until it serves, then without those that are superfluous; None where that fails."""
    nodes = nodes.copy()
    for _ in range(ADDITIONS):
        wrong = missing(oracle, fleet.scenarios(nodes), 1)
        if not wrong:
            return _trimmed(fleet, oracle, nodes) if fleet.fits(nodes) else None
        scenario, cut = wrong[0]
        lacks = scenario.part - float(cut.prices @ scenario.capacity)
        if lacks > scenario.part * (1 - NEARLY):
            return None
        best = _addition(fleet, nodes, scenario, cut, lacks)
        if best is None:
            return None
        nodes[best] += 1
    return None


def _addition(
    fleet: Fleet, nodes: np.ndarray, scenario: Scenario, cut: Cut, lacks: float
) -> int | None:
    """The node that adds most of what a scenario lacks per dollar, within the limits."""
    value = cut.prices[fleet.shape] * fleet.replicas
    new_cell = np.where(fleet.used_regions(nodes)[fleet.region], 0.0, fleet.cell_cost[fleet.region])
    room = (nodes < fleet.stock) & scenario.left & (value > 0)
    gain = np.where(room, np.minimum(value, 1.2 * lacks) / (fleet.price + new_cell), 0.0)
    for column in np.argsort(-gain, kind="stable")[:TRIALS]:
        if gain[column] <= 0:
            return None
        trial = nodes.copy()
        trial[column] += 1
        if fleet.fits(trial):
            return int(column)
    return None


def _trimmed(fleet: Fleet, oracle: Oracle, nodes: np.ndarray) -> np.ndarray:
    """The plan without nodes that it can do without, dearest first."""
    for column in sorted(np.flatnonzero(nodes), key=lambda p: (-fleet.price[p], p)):
        trial = nodes.copy()
        trial[column] -= 1
        if fleet.fits(trial) and not missing(oracle, fleet.scenarios(trial), 1):
            nodes = trial
    return nodes
