"""A plan in a market that was recorded: what availability and cost would the stack have had?

Each cloud's reactor runs the deployed policy over the plan's own groups (allocator.runtime). The market comes from traces,
by a mapping that depends on nothing but names and order:

- The plan's spot regions, in order of cloud and name, take a region of the traces each: the one of their own name, else the
  traces' regions in turn, those that are no plan region's namesake first. A trace region that is used again starts later, by an
  equal part of the recording each time, and goes around: regions that share a recording do not fail together.
- Zones of a region, in order, take those of its trace region in turn, the one with middling capacity first; where the plan
  knows no zones, there are as many as were recorded. Pools of one region share its zones: they run dry together.
- A trace value of 1 is all that the plan may hold of a pool (its `max_nodes`) in each zone, counts are counts; otherwise as
  `--capacity-per-tick` says.
- On-demand pools never refuse. Prices, cold starts and notices are the plan's. Cost 1 is each cloud's demand on whole
  on-demand machines of the one type for which that is cheapest.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allocator.errors import DataError
from allocator.plan import Plan
from allocator.replay.groups import GroupDriver
from allocator.replay.traces import Trace, TraceSet
from allocator.replay.world import LONGEST_STEP_S, Machine, World, column_of, lowest_ahead, rows_of
from allocator.runtime import runtime_plan
from reactor.contract import Group, Parameters, RuntimePlan

_ENDLESS = 1_000_000
Region = tuple[str, str]
"""Cloud and name."""


@dataclass(frozen=True, slots=True)
class Source:
    """The recording that a region of the plan gets: a trace region, and how much later it starts, as a share of its length."""

    cloud: str
    region: str
    trace_region: str
    later: float

    def __str__(self) -> str:
        shift = f", starting at {100 * self.later:.0f} %" if self.later else ""
        return f"{self.cloud}-{self.region} as {self.trace_region}{shift}"


@dataclass(frozen=True, slots=True)
class Stack:
    """A plan's world, the plans of its reactors, the zones of their groups, and where each region's market comes from."""

    world: World
    plans: tuple[RuntimePlan, ...]
    places: dict[str, tuple[int, ...]]
    sources: tuple[Source, ...]

    def driver(self) -> GroupDriver:
        """Fresh reactors for one replay."""
        return GroupDriver("skyblend", self.world, self.plans, self.places)


def build_stack(
    plan: Plan, traces: TraceSet, parameters: Parameters, capacity_per_tick: int | None = None
) -> Stack:
    """A plan among recorded traces. Raises DataError where the plan serves no demand."""
    plans = _runtime_plans(plan, parameters)
    groups = [group for each in plans for group in each.groups]
    demand = sum(each.demand_units for each in plans)
    if not demand or not groups:
        raise DataError("plan: serves no demand, so there is nothing to replay")
    sources = _sources(groups, traces)
    shortest_s = max(1.0, min(group.cold_start_s for group in groups))
    step_s = shortest_s / math.ceil(shortest_s / LONGEST_STEP_S)
    steps = max(1, int(traces.duration_s / step_s))
    unit_price = sum(map(_on_demand_bill, plans)) / demand or 1.0
    notice_steps = [int(group.notice_s / step_s) for group in groups]
    columns: list[list[int]] = []
    warned: list[list[int]] = []
    names: list[str] = []
    regions: list[str] = []
    prices: list[float] = []
    machines: list[Machine] = []
    places: dict[str, tuple[int, ...]] = {}
    for group, ahead in zip(groups, notice_steps, strict=True):
        first = len(columns)
        for zone, column in _market(group, sources, traces, steps, step_s, capacity_per_tick):
            columns.append(column)
            warned.append(lowest_ahead(column, ahead))
            names.append(zone)
            regions.append(group.domain)
            prices.append(group.price_usd_micro_per_hour / unit_price)
            starts = max(1, math.ceil(group.cold_start_s / step_s - 1e-9))
            machines.append(Machine(group.units_per_node, starts, group.role == "spot"))
        places[group.key] = tuple(range(first, len(columns)))
    world = World(
        name=traces.name,
        zones=tuple(names),
        regions=tuple(regions),
        step_s=step_s,
        start_steps=max(machine.start_steps for machine in machines),
        notice_steps=max(notice_steps),
        prices=tuple(prices),
        capacity=rows_of(columns),
        warned=rows_of(warned),
        demand=(demand,) * steps,
        capacity_per_tick=capacity_per_tick or 0,
        machines=tuple(machines),
    )
    return Stack(world, plans, places, tuple(sources.values()))


def _runtime_plans(plan: Plan, parameters: Parameters) -> tuple[RuntimePlan, ...]:
    """The plan of each cloud in use, without groups that are on their way out."""
    clouds = sorted({pool.cloud for pool in plan.decisions.pools})
    whole = [runtime_plan(plan, cloud) for cloud in clouds]
    return tuple(
        dataclasses.replace(
            each,
            groups=tuple(group for group in each.groups if group.state == "active"),
            parameters=parameters,
        )
        for each in whole
    )


def _sources(groups: list[Group], traces: TraceSet) -> dict[Region, Source]:
    """A recording for each region with spot groups."""
    regions = sorted({(group.cloud, group.region) for group in groups if group.role == "spot"})
    recorded = sorted({trace.region for trace in traces.traces})
    namesakes = {name for _, name in regions}
    in_turn = sorted(recorded, key=lambda name: (name in namesakes, name))
    strangers = [region for region in regions if region[1] not in recorded]
    chosen = {region: region[1] for region in regions if region[1] in recorded}
    chosen |= {region: in_turn[at % len(in_turn)] for at, region in enumerate(strangers)}
    uses = list(chosen.values())
    sources = {}
    for at, ((cloud, name), trace_region) in enumerate(chosen.items()):
        later = uses[:at].count(trace_region) / uses.count(trace_region)
        sources[cloud, name] = Source(cloud, name, trace_region, later)
    return dict(sorted(sources.items()))


def _market(
    group: Group,
    sources: dict[Region, Source],
    traces: TraceSet,
    steps: int,
    step_s: float,
    capacity_per_tick: int | None,
) -> Iterator[tuple[str, list[int]]]:
    """Each zone of a group by name, with the machines to be had there by step."""
    if group.role != "spot":
        yield "", [_ENDLESS] * steps
        return
    source = sources[group.cloud, group.region]
    recorded = _middling_first([t for t in traces.traces if t.region == source.trace_region])
    per_tick = capacity_per_tick or (group.max_nodes if traces.binary else 1)
    for at, zone in enumerate(group.zones or [trace.zone for trace in recorded]):
        trace = recorded[at % len(recorded)]
        yield zone, column_of(_shifted(trace, source.later), trace.gap_s / step_s, steps, per_tick)


def _middling_first(recorded: list[Trace]) -> list[Trace]:
    """Zones by how much they had, from the middle outwards: few zones stand for all."""
    ranked = sorted(recorded, key=lambda trace: (sum(trace.counts) / len(trace.counts), trace.zone))
    middle = (len(ranked) - 1) / 2
    order = sorted(range(len(ranked)), key=lambda at: (abs(at - middle), at))
    return [ranked[at] for at in order]


def _shifted(trace: Trace, later: float) -> tuple[int, ...]:
    start = round(later * len(trace.counts))
    return trace.counts[start:] + trace.counts[:start]


def _on_demand_bill(plan: RuntimePlan) -> int:
    """What a cloud's demand costs by the hour on whole on-demand machines of the type for which that is least."""
    bills = [
        -(-plan.demand_units // group.units_per_node) * group.on_demand_usd_micro_per_hour
        for group in plan.groups
        if group.units_per_node and group.on_demand_usd_micro_per_hour
    ]
    return min(bills, default=0)


def shipped_traces(root: Path) -> list[Path]:
    """The sets of traces in a project's stacks/traces."""
    return sorted(path for path in (root / "stacks" / "traces").glob("*") if path.is_dir())
