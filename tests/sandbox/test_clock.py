"""The clouds' time never goes back, whoever crashes, and stands still while nobody serves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.world import World
from tests.sandbox.toys import MARKET, Time, time

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 1000)),
        st.tuples(st.just("run"), st.sampled_from((0.5, 1.0, 60.0, 240.0))),
        st.tuples(st.just("stop"), st.just(0.0)),
        st.tuples(st.just("crash"), st.just(0.0)),
        st.tuples(st.just("reboot"), st.just(0.0)),
    )
)


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_time_never_goes_back_over_speeds_stops_crashes_and_reboots(steps):
    moved = Time()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("sandbox.clock.time.monotonic", side_effect=lambda: moved.real),
    ):
        world = World(Path(folder) / "clouds.db", MARKET)
        last = world.clock.now()
        for step, value in steps:
            if step == "pass":
                moved.pass_(value)
            elif step == "run":
                world.clock.run(value)
            elif step == "stop":
                world.clock.stop()
            else:
                world.close()
                moved.real = 0.0 if step == "reboot" else moved.real
                world = World(Path(folder) / "clouds.db", MARKET)
                moved.pass_(10 if step == "reboot" else 0)  # nobody serves earlier
            assert world.clock.now() >= last
            last = world.clock.now()
        world.close()


@pytest.fixture
def world(tmp_path: Path, time: Time):
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


def test_time_runs_at_its_speed_and_stands_still_once_stopped(world: World, time: Time):
    begun = world.clock.now()
    time.pass_(100)
    assert world.clock.now() == begun
    world.clock.run(60)
    time.pass_(2)
    assert world.clock.now() == pytest.approx(begun + 120)
    world.clock.run(1)
    time.pass_(2)
    world.clock.stop()
    time.pass_(100)
    assert world.clock.now() == pytest.approx(begun + 122)
    assert world.clock.speed() == 0


def test_after_a_crash_time_stops_within_seconds(world: World, time: Time):
    begun = world.clock.now()
    world.clock.run(1)
    time.pass_(86_400)
    assert world.clock.now() <= begun + 10


def test_another_process_reads_the_same_time(world: World, time: Time, tmp_path: Path):
    world.clock.run(10)
    time.pass_(3)
    other = World(tmp_path / "clouds.db", MARKET)
    assert other.clock.now() == world.clock.now()
    other.close()


__all__ = ["time"]
