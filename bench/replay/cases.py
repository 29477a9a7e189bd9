"""What is replayed: sets, cold starts, notices, and the numbers to reach.

`TRIAL` is what an earlier form of the policy reached (availability, cost), by set, cold start and notice; a row of ours
must not be worse in both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from allocator.replay.traces import read_traces
from allocator.replay.world import Setting, World, build_world

DATA = Path(__file__).parents[1] / "data" / "spot-traces"
SETS = {
    "aws-02-15": ("aws-02-15-2023", "v100_1"),
    "aws-10-26 v100x1": ("aws-10-26-2022", "v100_1"),
    "aws-10-26 k80x1": ("aws-10-26-2022", "k80_1"),
    "aws-10-26 v100x8": ("aws-10-26-2022", "v100_8"),
    "aws-10-26 k80x8": ("aws-10-26-2022", "k80_8"),
    "aws-04-22": ("aws-04-22-2023", "v100_1"),
}
STARTS_AND_NOTICES = ((183, 120), (183, 30), (183, 0), (60, 120), (600, 120))
TRIAL = {
    "aws-02-15": ((0.9972, 0.322), (0.9957, 0.330), (0.9951, 0.335), (1.0, 0.310), (0.9911, 0.372)),
    "aws-10-26 v100x1": (
        (0.9962, 0.466), (0.9954, 0.518), (0.9947, 0.522), (1.0, 0.410), (0.9918, 0.656),
    ),
    "aws-10-26 k80x1": (
        (0.9953, 0.416), (0.9964, 0.752), (0.9978, 0.839), (1.0, 0.384), (0.9986, 0.973),
    ),
    "aws-10-26 v100x8": (
        (0.9966, 0.782), (0.9966, 0.809), (0.9962, 0.810), (1.0, 0.614), (0.9971, 0.885),
    ),
    "aws-10-26 k80x8": (
        (0.9945, 0.811), (0.9953, 0.881), (0.9945, 0.889), (1.0, 0.688), (0.9959, 0.973),
    ),
    "aws-04-22": ((0.9938, 0.440), (0.9923, 0.481), (0.9916, 0.487), (1.0, 0.386), (0.9839, 0.641)),
}  # fmt: skip
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table."""

    label: str
    setting: Setting


def world(name: str, setting: Setting) -> World:
    """A set in a setting."""
    folder, machine = SETS[name]
    return build_world(read_traces(DATA / folder, machine=machine), setting)


def varied(name: str) -> tuple[Case, ...]:
    """Other wants than four replicas at one price."""
    zones = len(world(name, Setting()).zones)
    spread = tuple(0.20 + 0.30 * at / max(1, zones - 1) for at in range(zones))
    return (
        Case("2 wanted", Setting(target=2, notice_s=120)),
        Case("8 wanted", Setting(target=8, notice_s=120)),
        Case("2 to 6 over the day", Setting(demand=_diurnal(), notice_s=120)),
        Case("zone prices 0.20 to 0.50", Setting(spot_prices=spread, notice_s=120)),
    )


def _diurnal() -> tuple[tuple[float, int], ...]:
    return tuple(
        (hour * 3600.0, round(4 - 2 * math.cos(2 * math.pi * hour * 3600 / _DAY_S)))
        for hour in range(60 * 24)
    )
