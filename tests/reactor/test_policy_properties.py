"""What holds of every decision, whatever is observed."""

from __future__ import annotations

import dataclasses
import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.choice import choose
from reactor.contract import (
    FailedLaunch,
    GroupState,
    Memory,
    Notice,
    Observation,
    Parameters,
    ZoneCount,
    ZoneMemory,
)
from reactor.needs import Need, Option
from reactor.policy import decide
from tests.reactor.builders import HOUR, UNIT, USD, group, plan, quota, seen, sizes, state

PLAN = plan(
    group("base", "base", planned_nodes=1, max_nodes=2),
    group("east", max_nodes=6, fallback=("near", "far")),
    group("west", max_nodes=6, planned_nodes=3, fallback=("far",)),
    group("big", max_nodes=3, region="east", units_per_node=2 * UNIT, price_usd_micro_per_hour=500_000),
    group("old", state="retiring", max_nodes=4),
    group("near", "fallback", max_nodes=3),
    group("far", "fallback", max_nodes=9),
    demand=5,
    reserve_units=2 * UNIT,
    quota_groups=(quota(8, "east", "west", "near"),),
    budget_usd_micro_per_hour=9 * USD,
)  # fmt: skip
KEYS = [each.key for each in PLAN.groups]
NOW = 100 * HOUR

counts = st.integers(-2, 8) | st.sampled_from([40, 3000, 10**9])
odd_times = st.floats(-1e12, 1e12, allow_nan=False) | st.sampled_from([NOW, NOW - 30, NOW + 100])
zones = st.sampled_from(["a", "b", "", "elsewhere"])
keys = st.sampled_from([*KEYS, "unknown"])
states = st.builds(
    GroupState, keys, counts, st.lists(st.builds(ZoneCount, zones, counts, counts, counts), max_size=4).map(tuple)
)  # fmt: skip
observations = st.builds(
    Observation,
    st.lists(states, max_size=8).map(tuple),
    st.lists(st.builds(Notice, st.sampled_from("xyz"), keys, zones, odd_times), max_size=6).map(
        tuple
    ),
    st.lists(st.builds(FailedLaunch, keys, zones, odd_times), max_size=6).map(tuple),
)
memories = st.builds(
    Memory,
    st.none() | odd_times,
    st.integers(0, 9),
    st.integers(0, 9),
    st.lists(
        st.builds(
            ZoneMemory, keys, zones, odd_times, st.none() | odd_times, st.floats(0, 1e9), st.integers(0, 9),
            st.floats(0, 900), odd_times, odd_times,
        ),
        max_size=8,
    ).map(tuple),
)  # fmt: skip
several = settings(max_examples=150, deadline=None)


@several
@given(observations, memories, st.integers(0, 12), st.floats(0, 1e4))
def test_no_observation_is_too_odd_and_sizes_stay_within_bounds(observed, memory, demand, price):
    wanted = dataclasses.replace(
        PLAN, demand_units=demand * UNIT, parameters=Parameters(shortage_price=price)
    )
    decision = decide(wanted, observed, memory, NOW)
    known = {each.key for each in observed.groups if each.key in KEYS}
    assert {size.group for size in decision.sizes} == known
    most = {each.key: each.max_nodes for each in PLAN.groups}
    assert all(0 <= size.nodes <= most[size.group] for size in decision.sizes)
    json.dumps(decision.memory.to_dict(), allow_nan=False)
    assert Memory.from_dict(json.loads(json.dumps(decision.memory.to_dict()))) == decision.memory


@several
@given(observations, memories)
def test_growth_respects_quota_and_budget(observed, memory):
    decided = sizes(decide(PLAN, observed, memory, NOW))
    present = {each.key: 0 for each in observed.groups}
    for each in observed.groups:
        present[each.key] = sum(max(0, z.ready) + max(0, z.starting) for z in each.zones)
    grown = {key for key, nodes in decided.items() if nodes > present[key]}
    shared = {"east", "west", "near"}
    if grown & shared:
        assert sum(nodes for key, nodes in decided.items() if key in shared) <= 8
    if grown:
        prices = {each.key: each.price_usd_micro_per_hour for each in PLAN.groups}
        assert sum(prices[key] * nodes for key, nodes in decided.items()) <= 9 * USD


@several
@given(observations, memories, st.randoms())
def test_the_order_of_what_is_observed_means_nothing(observed, memory, shuffle):
    once = {each.key: each for each in observed.groups}
    observed = dataclasses.replace(observed, groups=tuple(once.values()))
    zones = [
        dataclasses.replace(g, zones=tuple(shuffle.sample(g.zones, len(g.zones))))
        for g in observed.groups
    ]
    mixed = Observation(*(tuple(shuffle.sample(part, len(part))) for part in (
        zones, observed.notices, observed.failed_launches,
    )))  # fmt: skip
    one, other = decide(PLAN, observed, memory, NOW), decide(PLAN, mixed, memory, NOW)
    assert one.sizes == other.sizes
    assert one.reasons == other.reasons


@several
@given(observations, memories)
def test_the_same_look_twice_decides_the_same(observed, memory):
    first = decide(PLAN, observed, memory, NOW)
    again = decide(PLAN, observed, memory, NOW)
    assert first == again


nodes = st.integers(0, 5)


@several
@given(nodes, nodes, nodes, st.integers(0, 5), st.floats(0, 1))
def test_until_it_is_quiet_no_longer_the_same_look_gives_the_same_sizes(a, b, c, fallback, share):
    observed = seen(
        state("east", a, b),
        state("west", c),
        GroupState("fallback", 0, (ZoneCount("", fallback, 0),)),
    )
    memory = decide(plan(), observed, Memory(), 0.0).memory
    first = decide(plan(), observed, memory, HOUR)
    again = decide(plan(), observed, first.memory, HOUR)
    assert again.sizes == first.sizes
    later = HOUR + share * (again.quiet_until_s - HOUR) * 0.999
    assert decide(plan(), observed, again.memory, later).sizes == again.sizes


@several
@given(nodes, nodes, st.integers(4, 6), nodes)
def test_on_demand_does_not_grow_while_ready_spot_suffices(a, b, c, fallback):
    observed = seen(
        state("east", a, b),
        state("west", c),
        GroupState("fallback", 0, (ZoneCount("", fallback, 0),)),
    )
    memory = decide(plan(), observed, Memory(), 0.0).memory
    assert sizes(decide(plan(), observed, memory, 2000 * HOUR))["fallback"] <= fallback


@several
@given(
    st.floats(0, 100), st.floats(1, 10), st.lists(st.tuples(st.integers(0, 3), st.floats(0, 0.5)), min_size=1, max_size=3),
    st.integers(1, 6), st.floats(0, 1),
)  # fmt: skip
def test_a_dearer_shortage_is_never_expected_more_often(price, factor, zones, demand, whole):
    option = Option(
        domain="east", cells=1, price=0.3, start=0.01, detour=0.0, planned=99, room=99,
        present=tuple(held for held, _ in zones), open=(True,) * len(zones), chances=tuple(q for _, q in zones),
    )  # fmt: skip
    shares = [
        choose((option,), Need(
            demand=demand, reserve=0, most_extra=4, most_standing=4, existing=0, on_demand=1.0, on_demand_start=0.05, shortage=each,
            common=0.02, correlation=0.5, whole=whole, settled=False,
        )).share
        for each in (price, price * factor)
    ]  # fmt: skip
    assert shares[1] <= shares[0] + 1e-6


def test_a_thousand_duplicate_late_and_reordered_notices_change_nothing_in_the_end():
    calm = seen(state("west", 2, 2))
    fresh = seen(
        state("west", 2, 2),
        notices=tuple(Notice(f"i-{n}", "west", "a", NOW + 120) for n in range(2)),
    )
    noise = [Notice(f"i-{n % 2}", "west", "a", NOW + 120) for n in range(500)]
    noise += [Notice(f"old-{n}", "west", "b", NOW - 3600 - n) for n in range(500)]
    random.Random(7).shuffle(noise)
    loud = dataclasses.replace(calm, notices=tuple(noise))
    memory = decide(plan(), calm, Memory(), 0.0).memory
    assert decide(plan(), loud, memory, NOW).sizes == decide(plan(), fresh, memory, NOW).sizes
    told = memory
    for at in range(0, len(noise), 10):
        few = dataclasses.replace(calm, notices=tuple(noise[at : at + 10]))
        told = decide(plan(), few, told, NOW).memory
    once = decide(plan(), fresh, memory, NOW).memory
    gone = seen(state("west", 0, 2))
    assert (
        decide(plan(), gone, told, NOW + 200).sizes == decide(plan(), gone, once, NOW + 200).sizes
    )
