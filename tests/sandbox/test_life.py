"""Machines boot, are told that they will be taken, and go; in the order of time, also over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import life
from sandbox.machines import RUNNING, STARTING, Order, fill, machines_of
from sandbox.market import SPOT
from sandbox.preempt import take
from sandbox.world import Record, World
from tests.sandbox.toys import MARKET, Diary, Time, diary, group, time, until


@pytest.fixture
def world(tmp_path: Path, time: Time, diary: Diary):
    world = World(tmp_path / "clouds.db", MARKET)
    world.clock.run(60)
    yield world
    world.close()


def launched(world: World, machines: int = 1) -> list[Record]:
    of = group(world)
    fill(world, Order(of, machines, ("g6.xlarge",), (), SPOT, ""))
    return machines_of(world, of)


def wait(world: World, time: Time, seconds: float) -> None:
    """Let the clouds' time pass, and their life look at it."""
    for _ in range(10):
        time.pass_(seconds / 600)
        world.clock.run(60)
    life.tick(world)


def test_a_machine_runs_after_the_boot_time_of_its_market(world: World, time: Time, diary: Diary):
    world.set_setting("boot_s/spot", "30")
    (machine,) = launched(world)
    wait(world, time, 29)
    assert [m.body["state"] for m in world.all("aws", machine.kind)] == [STARTING]
    wait(world, time, 2)
    assert [m.body["state"] for m in world.all("aws", machine.kind)] == [RUNNING]
    assert diary.said == [("running", machine.id), ("reconcile", "g1")]


def test_a_taken_machine_is_warned_once_and_goes_at_its_deadline(
    world: World, time: Time, diary: Diary
):
    (machine,) = launched(world)
    wait(world, time, 121)
    diary.said.clear()
    take(world, [machine])
    take(world, machines_of(world, group(world)), lead_s=1)  # it is going already
    wait(world, time, 60)
    assert diary.said == [("warned", machine.id), ("reconcile", "g1")]
    wait(world, time, 59)
    assert machines_of(world, group(world)) != []
    wait(world, time, 2)
    assert machines_of(world, group(world)) == []
    assert diary.said[2:] == [("gone", machine.id), ("reconcile", "g1")]


def test_a_machine_can_be_taken_while_it_boots(world: World, time: Time, diary: Diary):
    (machine,) = launched(world)
    take(world, [machine], lead_s=10)
    wait(world, time, 200)
    assert machines_of(world, group(world)) == []
    assert ("warned", machine.id) in diary.said
    assert ("gone", machine.id) in diary.said


def test_what_is_under_way_goes_on_after_a_restart(world: World, time: Time, tmp_path: Path):
    doomed, booting = launched(world, 2)
    take(world, [doomed], lead_s=60)
    world.clock.stop()
    world.close()
    time.pass_(100_000)
    again = World(tmp_path / "clouds.db", MARKET)
    again.clock.run(60)
    life.tick(again)
    assert [m.id for m in again.all("aws", doomed.kind)] == [doomed.id, booting.id]
    wait(again, time, 130)
    assert [(m.id, m.body["state"]) for m in again.all("aws", doomed.kind)] == [
        (booting.id, RUNNING)
    ]
    again.close()


def test_a_timer_of_any_record_is_told_once_at_the_earliest_time_asked(
    world: World, time: Time, diary: Diary
):
    schedule = world.put(Record("aws", "toy:Schedule", "s1", "us-east-1", {}))
    for seconds in (100, 50, 200):
        world.wake(schedule, world.clock.now() + seconds)
    wait(world, time, 49)
    assert diary.said == []
    wait(world, time, 2)
    assert diary.said == [("due", "s1")]
    wait(world, time, 300)
    assert diary.said == [("due", "s1")]


def test_a_group_gets_one_call_for_all_that_happened_at_once(
    world: World, time: Time, diary: Diary
):
    launched(world, 3)
    wait(world, time, 130)
    assert diary.said.count(("reconcile", "g1")) == 1
    assert life.group_due(world) is False


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    taken=st.lists(st.tuples(st.integers(0, 5), st.floats(0, 300)), max_size=8),
    steps=st.lists(st.floats(1, 200), min_size=1, max_size=6),
)
def test_every_machine_runs_or_goes_exactly_once_whatever_the_pace(tmp_path_factory, time, diary, taken, steps):  # fmt: skip
    world = World(tmp_path_factory.mktemp("life") / "clouds.db", MARKET)
    world.clock.run(60)
    diary.said.clear()
    machines = launched(world, 6)
    for number, lead in taken:
        take(world, [world.get("aws", "machine", machines[number].id)], lead)
    for seconds in [*steps, 500]:
        wait(world, time, seconds)
    going = {machines[number].id for number, _ in taken}
    assert {m.id for m in machines_of(world, group(world))} == {m.id for m in machines} - going
    for machine in going:
        assert diary.said.count(("warned", machine)) == diary.said.count(("gone", machine)) == 1
    for machine in {m.id for m in machines} - going:
        assert diary.said.count(("running", machine)) == 1
    world.close()


def test_living_moves_the_clock_and_the_machines_by_itself(tmp_path: Path, diary: Diary):
    world = World(tmp_path / "clouds.db", MARKET)
    launched(world, 2)
    with life.living(world, speed=1000):
        until(lambda: [word for word, _ in diary.said].count("running") == 2)
    assert world.clock.speed() == 0
    world.close()


__all__ = ["diary", "time"]
