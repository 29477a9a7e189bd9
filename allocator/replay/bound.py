"""What no policy can undercut: the cost of a fleet that knows the whole trace beforehand.

At each step the machines that *can* be ready in a zone are the lowest capacity over the last cold start; the wanted
ones are taken from the cheapest zone up, the rest on demand. Starts are free here, so the bound holds for every policy,
with or without foresight. Below availability 1 the dearest steps are waived, as many as may be short.
"""

from __future__ import annotations

from collections.abc import Sequence

from allocator.replay.world import World, lowest_ahead


def cost_bound(world: World, availability: float = 1.0) -> float:
    """The least cost, relative to the wanted replicas on demand, at which so large a share of steps can be met."""
    costs = sorted(_step_costs(world))
    waived = int((1 - availability) * len(costs) + 1e-9)
    wanted = sum(world.demand[world.uncounted :])
    return sum(costs[: len(costs) - waived]) / wanted if wanted else 0.0


def ready_at_most(world: World) -> list[list[int]]:
    """Per zone and step the most units that can be ready: the lowest capacity since a cold start before."""
    columns = zip(*world.capacity, strict=True)
    return [
        [nodes * machine.units for nodes in _lowest_behind(list(column), machine.start_steps)]
        for column, machine in zip(columns, world.machines, strict=True)
    ]


def _lowest_behind(column: list[int], behind: int) -> list[int]:
    lowest = lowest_ahead(column, behind)
    return [0] * min(behind, len(column)) + lowest[: max(0, len(column) - behind)]


def _step_costs(world: World) -> list[float]:
    """The cost of each counted step."""
    counted = slice(world.uncounted, None)
    ready = zip(*[column[counted] for column in ready_at_most(world)], strict=True)
    states = list(zip(world.demand[counted], ready, strict=True))
    known = {state: _cost(world, *state) for state in set(states)}
    return [known[state] for state in states]


def _cost(world: World, wanted: int, ready: Sequence[int]) -> float:
    """The least cost of so many units where so many can be ready in each zone."""
    prices = [
        price / machine.units for price, machine in zip(world.prices, world.machines, strict=True)
    ]
    missing, cost = wanted, 0.0
    for zone in sorted(range(len(ready)), key=lambda zone: (prices[zone], zone)):
        taken = min(missing, ready[zone])
        cost += taken * min(prices[zone], 1.0)
        missing -= taken
    return cost + missing
