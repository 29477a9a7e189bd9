"""How much of the plan's capacity is there, in its units."""

from __future__ import annotations

from dataclasses import dataclass

from reactor.contract import Group, GroupState, Observation, RuntimePlan


@dataclass(frozen=True, slots=True)
class Capacity:
    """Units ready, coming (starting, not under notice), and of both what is on demand to cover a gap; and what is asked for."""

    ready: int
    alive: int
    fallback: int
    demand: int
    reserve: int

    @property
    def short(self) -> bool:
        """Whether the plan's own pools, without the stand-ins, hold less than demand and reserve."""
        return self.alive - self.fallback < self.demand + self.reserve


def measure(plan: RuntimePlan, observation: Observation) -> Capacity:
    """Capacity of the observed groups; machines under notice do not count."""
    groups = {group.key: group for group in plan.groups}
    doomed: dict[str, int] = {}
    for notice in observation.notices:
        doomed[notice.group] = doomed.get(notice.group, 0) + 1
    ready = alive = fallback = 0
    for state in observation.groups:
        group = groups.get(state.key)
        if group is None:
            continue
        nodes = alive_nodes(state, doomed.get(state.key, 0))
        alive += nodes * group.units_per_node
        fallback += nodes * group.units_per_node if group.role == "fallback" else 0
        ready += ready_units(group, state, doomed.get(state.key, 0))
    return Capacity(ready, alive, fallback, plan.demand_units, plan.reserve_units)


def alive_nodes(state: GroupState, doomed: int) -> int:
    """Nodes ready or starting, without those under notice."""
    return max(0, sum(zone.ready + zone.starting for zone in state.zones) - doomed)


def ready_units(group: Group, state: GroupState, doomed: int) -> int:
    """Units of the ready nodes, without those under notice."""
    return max(0, sum(zone.ready for zone in state.zones) - doomed) * group.units_per_node
