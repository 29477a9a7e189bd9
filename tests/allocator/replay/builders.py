"""Worlds small enough to replay by hand: one letter per zone, one number per step."""

from __future__ import annotations

from allocator.replay.traces import Trace, TraceSet
from allocator.replay.world import Setting, World, build_world

STEP_S = 30.0


def traces(**zones: list[int]) -> TraceSet:
    """Zones by name; `r1a` lies in region r1."""
    return TraceSet(
        "hand",
        tuple(
            Trace(zone, zone[:-1], "gpu_1", STEP_S, tuple(counts)) for zone, counts in zones.items()
        ),
    )


def world(
    *, target: int = 1, starts: int = 1, notice: int = 0, price: float = 0.25, **zones: list[int]
) -> World:
    """A world with steps of 30 s, as many machines as the trace says, and cold start and notice in steps."""
    setting = Setting(
        target=target,
        cold_start_s=starts * STEP_S,
        notice_s=notice * STEP_S,
        spot_prices=(price,),
        capacity_per_tick=1,
    )
    return build_world(traces(**zones), setting)
