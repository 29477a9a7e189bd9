"""What no policy can undercut: the cost of a fleet that knows the whole trace beforehand.

At each step the spot replicas that *can* be ready in a zone are the lowest capacity over the last cold start; the wanted
ones are taken from the cheapest zone up, the rest on demand. Starts are free here, so the bound holds for every policy,
with or without foresight. Below availability 1 the dearest steps are waived, as many as may be short.
"""

from __future__ import annotations

from allocator.replay.world import World, lowest_ahead


def cost_bound(world: World, availability: float = 1.0) -> float:
    """The least cost, relative to the wanted replicas on demand, at which so large a share of steps can be met."""
    costs = sorted(_step_costs(world))
    waived = int((1 - availability) * len(costs) + 1e-9)
    wanted = sum(world.demand[world.uncounted :])
    return sum(costs[: len(costs) - waived]) / wanted if wanted else 0.0


def ready_at_most(world: World) -> list[list[int]]:
    """Per zone and step the most spot replicas that can be ready: the lowest capacity since a cold start before."""
    columns = zip(*world.capacity, strict=True)
    return [_lowest_behind(list(column), world.start_steps) for column in columns]


def _lowest_behind(column: list[int], behind: int) -> list[int]:
    lowest = lowest_ahead(column, behind)
    return [0] * min(behind, len(column)) + lowest[: max(0, len(column) - behind)]


def _step_costs(world: World) -> list[float]:
    columns = ready_at_most(world)
    by_price = sorted(range(len(columns)), key=lambda zone: (world.prices[zone], zone))
    costs = []
    for step in range(world.uncounted, world.steps):
        missing, cost = world.demand[step], 0.0
        for zone in by_price:
            taken = min(missing, columns[zone][step])
            price = min(world.prices[zone], 1.0)
            cost += taken * price
            missing -= taken
        costs.append(cost + missing)
    return costs
