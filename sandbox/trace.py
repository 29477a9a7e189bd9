"""Spot stock that follows a recording: what could be had in a real zone, played back in an emulated one.

Format of github.com/skypilot-org/spot-traces: `{"metadata": {"gap_seconds": 195}, "data": [0, 1, ...]}`, machines to be
had at `i * gap_seconds`. Where a zone runs more spot machines than it has stock for, the cloud takes the newest.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from pathlib import Path

from sandbox.machines import MACHINE
from sandbox.market import SPOT
from sandbox.preempt import take
from sandbox.world import World

KIND = "trace"


def follow(world: World, zone: str, file: Path, *, machines: int, skip_s: float = 0.0) -> None:
    """From now on the spot stock of CLOUD/REGION/ZONE, of each type, is the recorded count times `machines`.

    `skip_s`: where in the recording to begin. At its end the last count stays. Raises ValueError, OSError.
    """
    try:
        recorded = json.loads(file.read_text(encoding="utf-8"))
        gap_s, counts = (
            float(recorded["metadata"]["gap_seconds"]),
            [int(n) for n in recorded["data"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a recording of spot stock: {error!r}") from error
    if gap_s <= 0 or not counts:
        raise ValueError("not a recording of spot stock: nothing is recorded")
    begun = world.clock.now() - skip_s
    changes = [i for i, count in enumerate(counts) if i == 0 or count != counts[i - 1]]
    points = [(begun + i * gap_s, counts[i] * machines) for i in changes]
    cloud, place = zone.split("/", 1)
    with world.change():
        world.set_setting(f"{KIND}/{zone}", json.dumps(points))
        world.wake_by_id(cloud, KIND, place, world.clock.now())


def forget(world: World, zone: str) -> None:
    """No longer follow: the zone has its stock of before."""
    cloud, place = zone.split("/", 1)
    with world.change():
        world.set_setting(f"{KIND}/{zone}", None)
        world.set_setting(f"stock/{cloud}/{place}/{SPOT}", None)


def step(world: World, cloud: str, place: str) -> None:
    """Set the stock of REGION/ZONE to what the recording says now, and take what is above it."""
    points = json.loads(world.setting(f"{KIND}/{cloud}/{place}", "[]"))
    index = bisect_right([at for at, _ in points], world.clock.now()) - 1
    if index < 0:
        return
    limit = points[index][1]
    world.set_setting(f"stock/{cloud}/{place}/{SPOT}", str(limit))
    zone = place.split("/")[1]
    running: dict[str, list[object]] = {}
    for machine in world.all(cloud, MACHINE):
        if machine.body["zone"] == zone and machine.body["market"] == SPOT:
            of_type = running.setdefault(machine.body["instance_type"], [])
            of_type.append(machine)
            if len(of_type) > limit:
                take(world, [machine])
    if index + 1 < len(points):
        world.wake_by_id(cloud, KIND, place, points[index + 1][0])
