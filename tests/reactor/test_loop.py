"""The loop on clouds in memory: what one run does, and that neither repetition nor company changes where it ends."""

from __future__ import annotations

import random

import pytest

from reactor.loop import run
from reactor.ports import CloudError
from reactor.published import FREEZE_OBJECT, STATE_OBJECT, Published
from reactor.signals import CHECK, Signal
from reactor.state import State
from tests.reactor.builders import group, plan, quota
from tests.reactor.fakes import FakeCloud, FakeStore, published

TICK = (CHECK,)


def interrupt(machine: str, deadline: float | None = None) -> Signal:
    return Signal("interrupt", "test", machine=machine, deadline_s=deadline)


def settled(cloud: FakeCloud, store: FakeStore, ticks: int = 12) -> FakeCloud:
    """After so many ticks of a minute."""
    for _ in range(ticks):
        cloud.now_s += 60
        run(cloud, store, TICK)
    return cloud


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(published(plan()))


def test_a_first_run_sizes_empty_groups_to_the_demand(cloud: FakeCloud, store: FakeStore):
    assert run(cloud, store, TICK).ended == "set"
    assert sum(cloud.sizes.values()) >= 4


def test_in_steady_state_nothing_is_set(cloud: FakeCloud, store: FakeStore):
    settled(cloud, store)
    cloud.calls.clear()
    cloud.now_s += 60
    assert run(cloud, store, TICK).ended == "steady"
    assert cloud.calls == []


def test_a_tick_right_after_anothers_look_does_nothing_unless_the_plan_is_new(
    cloud: FakeCloud, store: FakeStore
):
    settled(cloud, store)
    assert run(cloud, store, TICK).ended == "known"
    store.objects["plan.json"] = (published(plan(digest="new")).to_json().encode(), 2)
    assert run(cloud, store, TICK).ended == "steady"


def test_a_notice_is_answered_by_more_machines_at_once(cloud: FakeCloud, store: FakeStore):
    settled(cloud, store)
    before = sum(cloud.sizes.values())
    victim = cloud.machines[0].id
    run(cloud, store, [interrupt(victim, cloud.now_s + 120)])
    assert sum(cloud.sizes.values()) > before


def test_the_same_notice_again_costs_no_look_and_no_call(cloud: FakeCloud, store: FakeStore):
    settled(cloud, store)
    notice = interrupt(cloud.machines[0].id, cloud.now_s + 120)
    run(cloud, store, [notice])
    cloud.calls.clear()
    assert run(cloud, store, [notice, notice]).ended == "known"
    assert cloud.calls == []


def test_a_notice_of_a_machine_that_is_not_ours_changes_no_size(cloud: FakeCloud, store: FakeStore):
    settled(cloud, store)
    sizes = dict(cloud.sizes)
    run(cloud, store, [interrupt("somebody-elses")])
    assert cloud.sizes == sizes


def test_duplicated_late_and_reordered_notices_end_in_the_same_sizes():
    ends = set()
    for seed in range(5):
        cloud, store = FakeCloud(), FakeStore(published(plan(demand=6)))
        settled(cloud, store)
        victims = [machine.id for machine in cloud.machines[:3]]
        notices = [interrupt(v, cloud.now_s + 120) for v in victims for _ in range(seed * 3 + 1)]
        random.Random(seed).shuffle(notices)
        for notice in notices:
            run(cloud, store, [notice])
        cloud.now_s += 120
        for victim in victims:
            cloud.take(victim)
            run(cloud, store, [Signal("gone", "test", machine=victim)])
        settled(cloud, store, 60)
        ends.add(tuple(sorted(cloud.sizes.items())))
    assert len(ends) == 1


def test_a_crash_between_setting_and_recording_repeats_the_work(cloud: FakeCloud, store: FakeStore):
    settled(cloud, store)
    victim = cloud.machines[0].id
    cloud.crash_after_set = True
    with pytest.raises(KeyboardInterrupt):
        run(cloud, store, [interrupt(victim, cloud.now_s + 120)])
    assert not State.from_json(store.objects[STATE_OBJECT][0]).notices
    cloud.crash_after_set = False
    outcome = run(cloud, store, [interrupt(victim, cloud.now_s + 120)])
    assert outcome.ended in ("set", "steady")
    assert State.from_json(store.objects[STATE_OBJECT][0]).notices[0].machine == victim


def test_whoever_loses_the_race_looks_again_and_ends_in_the_same_sizes(
    cloud: FakeCloud, store: FakeStore
):
    settled(cloud, store)
    notice = interrupt(cloud.machines[0].id, cloud.now_s + 120)
    others = 2

    def somebody_is_first(name: str) -> None:
        nonlocal others
        if name == STATE_OBJECT and others:
            others -= 1
            run(cloud, store, [notice])

    store.before_put = somebody_is_first
    run(cloud, store, [notice])
    together = dict(cloud.sizes)
    store.before_put = lambda name: None
    run(cloud, store, TICK)
    assert cloud.sizes == together


def test_a_failed_call_is_tried_again_and_the_next_tick_goes_on(cloud: FakeCloud, store: FakeStore):
    cloud.failing = {"east"}
    outcome = run(cloud, store, TICK)
    assert outcome.ended == "behind"
    assert {call.error for call in outcome.calls if call.group == "east"} == {
        "InternalError: try again"
    }
    cloud.failing = set()
    assert settled(cloud, store).sizes["east"] > 0


def test_a_refusal_at_once_sends_the_demand_elsewhere_in_the_same_run(
    cloud: FakeCloud, store: FakeStore
):
    cloud.refuse = {"east"}
    run(cloud, store, TICK)
    assert cloud.sizes.get("east", 0) == 0
    assert cloud.sizes.get("west", 0) + cloud.sizes.get("fallback", 0) >= 4


@pytest.mark.parametrize("how", ["config", "object"])
def test_frozen_it_looks_and_tells_and_sets_nothing(cloud: FakeCloud, how: str):
    store = FakeStore(published(plan(), frozen=how == "config"))
    if how == "object":
        store.put(FREEZE_OBJECT, b"", None)
    outcome = run(cloud, store, TICK)
    assert outcome.ended == "frozen"
    assert outcome.look is not None
    assert outcome.look.reasons
    assert cloud.calls == []


def test_without_a_plan_nothing_happens(cloud: FakeCloud):
    assert run(cloud, FakeStore(), TICK).ended == "no_plan"
    assert cloud.calls == []


def test_growth_is_set_before_anything_shrinks():
    cloud = FakeCloud()
    old = plan(group("old"), group("fallback", "fallback"))
    store = FakeStore(published(old))
    settled(cloud, store)
    new = plan(group("old", state="retiring"), group("new"), group("fallback", "fallback"))
    store.objects["plan.json"] = (published(new).to_json().encode(), 2)
    cloud.calls.clear()
    settled(cloud, store)
    grown = next(at for at, call in enumerate(cloud.calls) if call[0] == "new")
    shrunk = next(at for at, call in enumerate(cloud.calls) if call[0] == "old")
    assert grown < shrunk
    assert cloud.sizes["old"] == 0


def test_neither_maximum_nor_quota_is_exceeded_whatever_is_lost():
    limited = plan(
        group("east", max_nodes=3), group("west", max_nodes=3),
        group("fallback", "fallback", max_nodes=2), quota_groups=(quota(7, "east", "west", "fallback"),),
        demand=6,
    )  # fmt: skip
    cloud, store = FakeCloud(), FakeStore(published(limited))
    settled(cloud, store)
    for machine in [each.id for each in cloud.machines]:
        run(cloud, store, [interrupt(machine, cloud.now_s + 30)])
    most = {"east": 3, "west": 3, "fallback": 2}
    assert all(nodes <= most[group] for group, nodes in cloud.calls)
    assert sum(cloud.sizes.values()) <= 7


def test_a_store_that_does_not_answer_is_an_error_for_the_caller(
    cloud: FakeCloud, store: FakeStore
):
    store.down = True
    with pytest.raises(CloudError):
        run(cloud, store, TICK)


def test_a_plan_of_another_version_is_refused_in_one_line(cloud: FakeCloud):
    store = FakeStore()
    store.objects["plan.json"] = (b'{"schema_version": 99}', 1)
    with pytest.raises(ValueError, match="schema version 99"):
        run(cloud, store, TICK)


def test_a_published_plan_survives_its_json():
    made = published(plan())
    assert Published.from_json(made.to_json()) == made
