"""What a policy meets in a replay: capacity per step and zone, prices, demand, and the rules of starting and warning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from allocator.errors import DataError
from allocator.replay.traces import TraceSet

LONGEST_STEP_S = 30.5
UNCOUNTED_STEPS = 60
_MOST_STEPS = 5_000_000
Row = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a replay assumes beside the traces.

    On-demand costs 1 per replica-hour; `spot_prices` per zone, one value for all where there is only one.
    `capacity_per_tick` is what a trace value of 1 stands for (None: 4 machines for sets of 0 and 1, else 1).
    `demand` is (seconds since the start, replicas wanted from then on); empty: always `target`.
    """

    target: int = 4
    cold_start_s: float = 183.0
    notice_s: float = 0.0
    spot_prices: tuple[float, ...] = (0.30,)
    capacity_per_tick: int | None = None
    demand: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """What a zone's machines are: units of demand that one serves, steps that it starts in, sold as spot or on demand."""

    units: int
    start_steps: int
    spot: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """A trace set cut into steps. Rows that are equal and adjacent are one object, so that a change is seen by identity.

    `capacity[t][z]` machines exist in zone z at step t; `warned[t][z]` of them will over the steps a notice looks ahead.
    `demand` is in units of which a machine of zone z serves `machines[z].units`, 1 on demand.
    """

    name: str
    zones: tuple[str, ...]
    regions: tuple[str, ...]
    step_s: float
    start_steps: int
    notice_steps: int
    prices: tuple[float, ...]
    capacity: tuple[Row, ...]
    warned: tuple[Row, ...]
    demand: tuple[int, ...]
    capacity_per_tick: int
    machines: tuple[Machine, ...]

    @property
    def steps(self) -> int:
        """Steps in all, those included that are not counted."""
        return len(self.capacity)

    @property
    def uncounted(self) -> int:
        """Steps at the start that are not counted, because every policy starts cold."""
        return min(UNCOUNTED_STEPS, self.steps // 2)


def build_world(traces: TraceSet, setting: Setting) -> World:
    """Cut traces into steps of at most 30.5 s, so that a cold start is a whole number of them.

    A zone has at step t the value of the last tick at or before t; a notice is exact foresight of as many whole steps as
    fit into it. Raises DataError where the setting is impossible.
    """
    _check(traces, setting)
    start_steps = math.ceil(setting.cold_start_s / LONGEST_STEP_S)
    step_s = setting.cold_start_s / start_steps
    steps = max(1, int(traces.duration_s / step_s))
    if steps > _MOST_STEPS:
        raise DataError(
            f"{steps} steps of {step_s:g} s are too many to replay; at most {_MOST_STEPS}: shorten the traces"
        )
    notice_steps = min(int(setting.notice_s / step_s), steps)
    per_tick = setting.capacity_per_tick or (4 if traces.binary else 1)
    columns = [
        column_of(trace.counts, trace.gap_s / step_s, steps, per_tick) for trace in traces.traces
    ]
    return World(
        name=traces.name,
        zones=tuple(trace.zone for trace in traces.traces),
        regions=tuple(trace.region for trace in traces.traces),
        step_s=step_s,
        start_steps=start_steps,
        notice_steps=notice_steps,
        prices=_prices(traces, setting),
        capacity=rows_of(columns),
        warned=rows_of([lowest_ahead(column, notice_steps) for column in columns]),
        demand=_demand(setting, steps, step_s),
        capacity_per_tick=per_tick,
        machines=(Machine(1, start_steps),) * len(columns),
    )


def lowest_ahead(column: Sequence[int], ahead: int) -> list[int]:
    """The lowest value over each position and the `ahead` after it."""
    lowest = list(column)
    reach = 0
    while reach < ahead:
        stride = min(ahead - reach, reach + 1)
        lowest = list(map(min, lowest, lowest[stride:] + lowest[-1:] * stride))
        reach += stride
    return lowest


def column_of(counts: Sequence[int], steps_per_tick: float, steps: int, per_tick: int) -> list[int]:
    """A trace's machines by step: the value of the last tick at or before it, times `per_tick`."""
    column: list[int] = []
    for tick, count in enumerate(counts, 1):
        following = math.ceil((tick - 1e-9) * steps_per_tick)
        column += [count * per_tick] * (following - len(column))
    return (column + column[-1:] * max(0, steps - len(column)))[:steps]


def rows_of(columns: Sequence[Sequence[int]]) -> tuple[Row, ...]:
    """Columns by step; equal neighbours are one object."""
    return tuple([row for row, same in groupby(zip(*columns, strict=True)) for _ in same])


def _prices(traces: TraceSet, setting: Setting) -> tuple[float, ...]:
    if len(setting.spot_prices) == 1:
        return setting.spot_prices * len(traces.traces)
    return setting.spot_prices


def _demand(setting: Setting, steps: int, step_s: float) -> tuple[int, ...]:
    if not setting.demand:
        return (setting.target,) * steps
    changes = sorted(setting.demand)
    wanted, following, demand = changes[0][1], 0, []
    for step in range(steps):
        while following < len(changes) and changes[following][0] <= step * step_s + 1e-9:
            wanted = changes[following][1]
            following += 1
        demand.append(wanted)
    return tuple(demand)


def _check(traces: TraceSet, setting: Setting) -> None:
    zones = len(traces.traces)
    problems = (
        (not 1 <= setting.target <= 1000, "target must be 1 to 1000 replicas", setting.target),
        (
            not 1 <= setting.cold_start_s <= 86400,
            "cold start must be 1 to 86400 seconds",
            setting.cold_start_s,
        ),
        (
            not 0 <= setting.notice_s <= 86400,
            "notice must be 0 to 86400 seconds",
            setting.notice_s,
        ),
        (
            not all(0 < price <= 10 for price in setting.spot_prices),
            "spot price is a fraction of on-demand, above 0 and at most 10",
            setting.spot_prices,
        ),
        (
            setting.capacity_per_tick is not None and not 1 <= setting.capacity_per_tick <= 10_000,
            "capacity per tick must be 1 to 10000 machines",
            setting.capacity_per_tick,
        ),
        (
            len(setting.spot_prices) not in (1, zones),
            f"spot prices must be one, or one for each of the {zones} zones",
            setting.spot_prices,
        ),
        (
            not all(0 <= wanted <= 1000 for _, wanted in setting.demand),
            "demand must be 0 to 1000 replicas",
            setting.demand,
        ),
    )
    for wrong, rule, given in problems:
        if wrong:
            raise DataError(f"{rule}, is {given}")
