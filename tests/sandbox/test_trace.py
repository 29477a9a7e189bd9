"""A zone's spot stock follows a recording, and what runs above it is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox import life, trace
from sandbox.machines import MACHINE, Order, fill, stock_left
from sandbox.market import ON_DEMAND, SPOT
from sandbox.world import World
from tests.sandbox.toys import MARKET, ZONES, Time, group, time

ZONE = f"aws/us-east-1/{ZONES[0]}"
SALE = MARKET.sales_of("aws", "us-east-1", "g6.xlarge")[0]


@pytest.fixture
def world(tmp_path: Path, time: Time):
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


def recording(folder: Path, *counts: int, gap_s: float = 100) -> Path:
    file = folder / "zone.json"
    file.write_text(json.dumps({"metadata": {"gap_seconds": gap_s}, "data": counts}))
    return file


def wait(world: World, time: Time, seconds: float) -> None:
    world.clock.run(seconds)
    time.pass_(1)
    world.clock.stop()
    life.tick(world)


def test_stock_follows_the_recording_step_by_step_and_stays_at_its_end(
    world: World, time: Time, tmp_path: Path
):
    trace.follow(world, ZONE, recording(tmp_path, 1, 1, 0, 2), machines=3)
    life.tick(world)
    seen = []
    for _ in range(6):
        seen.append(stock_left(world, SALE, SPOT))
        wait(world, time, 100)
    assert seen == [3, 3, 0, 6, 6, 6]
    assert stock_left(world, SALE, ON_DEMAND) == 16


def test_playing_can_begin_later_in_the_recording_and_end_by_hand(
    world: World, time: Time, tmp_path: Path
):
    trace.follow(world, ZONE, recording(tmp_path, 1, 1, 0, 2), machines=3, skip_s=250)
    life.tick(world)
    assert stock_left(world, SALE, SPOT) == 0
    trace.forget(world, ZONE)
    wait(world, time, 500)
    assert stock_left(world, SALE, SPOT) == 16


def test_the_newest_machines_above_the_stock_are_taken_in_this_zone_alone(
    world: World, time: Time, tmp_path: Path
):
    for zone, market in ((ZONES[0], SPOT), (ZONES[1], SPOT), (ZONES[0], ON_DEMAND)):
        of = group(world, f"{zone}-{market}")
        fill(world, Order(of, 3, ("g6.xlarge",), (zone,), market, ""))
    trace.follow(world, ZONE, recording(tmp_path, 3, 1), machines=1)
    life.tick(world)
    assert [m for m in world.all("aws", MACHINE) if m.body["deadline"] is not None] == []
    before = world.all("aws", MACHINE)
    wait(world, time, 100)
    doomed = {m.id for m in before} - {m.id for m in world.all("aws", MACHINE)}
    doomed |= {m.id for m in world.all("aws", MACHINE) if m.body["deadline"] is not None}
    assert doomed == {before[1].id, before[2].id}


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"data": [1]}', '{"metadata": {"gap_seconds": 0}, "data": [1]}']
)
def test_what_is_no_recording_is_refused(world: World, tmp_path: Path, text: str):
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="not a recording of spot stock"):
        trace.follow(world, ZONE, file, machines=1)


__all__ = ["time"]
