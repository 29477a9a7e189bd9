"""Events come at least once, perhaps late, twice and out of order; what nobody handles ends in a dead-letter queue."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import bus
from sandbox.bus import Delivery, Event
from sandbox.courier import Courier
from sandbox.functions import Outcome
from sandbox.world import Record, World
from tests.sandbox.toys import MARKET, Time, function, time


class Listed:
    """Functions that only note what they were called with; `fails` says which attempts fail."""

    def __init__(self, fails: Any = lambda payload, attempt: False) -> None:
        self.calls: list[tuple[Any, int]] = []
        self.fails = fails
        self.closed = False

    def room(self, function: Record) -> int:
        return 100

    def invoke(self, function: Record, payload: Any, attempt: int) -> Outcome:
        self.calls.append((payload, attempt))
        return Outcome(not self.fails(payload, attempt), error="told to fail")


class AtOnce(ThreadPoolExecutor):
    """A pool that works in the caller's thread."""

    def submit(self, work: Any, /, *args: Any, **known: Any) -> Any:
        done: Future[None] = Future()
        done.set_result(work(*args, **known))
        return done


@pytest.fixture
def world(tmp_path: Path, time: Time, monkeypatch: pytest.MonkeyPatch):
    world = World(tmp_path / "clouds.db", MARKET)
    target = function(world)
    monkeypatch.setattr(
        "sandbox.aws.ROUTES",
        lambda ctx, event: [Delivery(target, event.body, via="q1", dead_letter="q1-dead")],
        raising=False,
    )
    world.clock.run(1)
    yield world
    world.close()


def happen(world: World, *numbers: int, kind: str = "notice") -> None:
    for number in numbers:
        bus.post(world, Event("aws", "us-east-1", kind, {"n": number}, world.clock.now()))


def carry(world: World, time: Time, functions: Listed, seconds: int = 1) -> list[int]:
    """Let time pass in steps and deliver what is due; the events' numbers in the order of their calls."""
    courier = Courier(world, functions)  # type: ignore[arg-type]
    for _ in range(seconds):
        courier.look(AtOnce())
        time.pass_(1)
        world.clock.run(1)
    return [payload["n"] for payload, _ in functions.calls]


def test_an_event_is_delivered_once_and_forgotten_when_it_was_handled(world: World, time: Time):
    happen(world, 1, 2)
    assert len(bus.held(world, "q1")) == 2
    assert carry(world, time, Listed(), 5) == [1, 2]
    assert bus.pending(world) == 0
    assert bus.held(world, "q1") == []


def test_what_fails_is_tried_again_with_growing_pauses_and_then_lies_in_the_dead_letter_queue(
    world: World, time: Time
):
    happen(world, 1)
    functions = Listed(lambda payload, attempt: True)
    assert carry(world, time, functions, 2) == [1, 1]
    assert carry(world, time, functions, 20) == [1, 1, 1]
    assert [attempt for _, attempt in functions.calls] == [1, 2, 3]
    assert [(d.payload, d.attempts) for d in bus.held(world, "q1-dead")] == [({"n": 1}, 3)]
    assert bus.pending(world) == 0


def test_an_event_for_a_function_that_is_gone_ends_in_the_dead_letter_queue(
    world: World, time: Time
):
    happen(world, 1)
    world.remove(function(world))
    assert carry(world, time, Listed(), 20) == []
    assert len(bus.held(world, "q1-dead")) == 1


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    events=st.integers(1, 12), copies=st.integers(1, 3), delay=st.integers(0, 3000),
    jitter=st.integers(0, 5000), failing=st.sets(st.tuples(st.integers(0, 11), st.integers(1, 2))),
)  # fmt: skip
def test_every_event_is_handled_as_often_as_it_is_copied_however_it_travels(
    world, time, events, copies, delay, jitter, failing
):
    for name, value in (("copies", copies), ("delay_ms", delay), ("jitter_ms", jitter)):
        world.set_setting(f"bus/{name}", str(value))
    functions = Listed(lambda payload, attempt: (payload["n"], attempt) in failing)
    happen(world, *range(events))
    carry(world, time, functions, 20)
    handled = Counter(p["n"] for p, attempt in functions.calls if (p["n"], attempt) not in failing)
    assert handled == dict.fromkeys(range(events), copies)
    assert bus.pending(world) == 0


def test_delay_makes_late_and_jitter_makes_events_overtake_each_other_the_same_way_each_time(
    world: World, time: Time
):
    world.set_setting("bus/delay_ms", "3000")
    happen(world, 1)
    assert carry(world, time, Listed(), 3) == []
    assert carry(world, time, Listed(), 1) == [1]
    world.set_setting("bus/jitter_ms", "10000")
    serial = world.setting("serial", "")
    orders = []
    for _ in range(2):
        world.set_setting("serial", serial)
        happen(world, *range(10))
        orders.append(carry(world, time, Listed(), 20))
    assert sorted(orders[0]) == list(range(10)) != orders[0]
    assert orders[0] == orders[1]


def test_on_a_muted_bus_schedules_alone_are_delivered(world: World, time: Time):
    world.set_setting("bus/mute", "1")
    happen(world, 1)
    happen(world, 2, kind=bus.SCHEDULE)
    assert carry(world, time, Listed()) == [2]


def test_in_a_dead_region_events_wait_uncounted_and_schedules_are_lost(world: World, time: Time):
    world.set_setting("fault/aws/dead/us-east-1", "1")
    functions = Listed()
    happen(world, 1)
    happen(world, 2, kind=bus.SCHEDULE)
    assert carry(world, time, functions, 30) == []
    world.set_setting("fault/aws/dead/us-east-1", None)
    carry(world, time, functions, 3)
    assert functions.calls == [({"n": 1}, 1)]


def test_an_event_is_kept_until_it_was_handled_so_that_a_crash_does_not_lose_it(
    world: World, time: Time, tmp_path: Path
):
    def look(payload: Any, attempt: int) -> bool:
        """What a process would find that came after a crash at this moment."""
        again = World(tmp_path / "clouds.db", MARKET)
        found.extend(d.payload for d in bus.due(again, again.clock.now()))
        again.close()
        return False

    found: list[Any] = []
    happen(world, 1)
    carry(world, time, Listed(look))
    assert found == [{"n": 1}]
    assert bus.pending(world) == 0


def test_a_defect_of_a_runner_counts_as_a_failure_and_is_shown(world: World, time: Time):
    def defect(payload: Any, attempt: int) -> bool:
        raise ZeroDivisionError

    happen(world, 1)
    with pytest.raises(ZeroDivisionError):
        carry(world, time, Listed(defect))
    assert [d.attempts for d in bus.held(world, "q1")] == [1]


def test_a_delivery_without_a_receiver_lies_in_its_queue_until_somebody_takes_it(
    world: World, time: Time
):
    bus.send(world, "aws", "us-east-1", Delivery(None, {"n": 1}, via="q2"))
    carry(world, time, Listed(), 5)
    (lying,) = bus.held(world, "q2")
    bus.done(world, lying)
    assert bus.held(world, "q2") == []


def test_a_refused_change_has_sent_nothing(world: World):
    def refused() -> None:
        with world.change():
            happen(world, 1)
            raise KeyError

    with pytest.raises(KeyError):
        refused()
    assert bus.pending(world) == 0


__all__ = ["time"]
