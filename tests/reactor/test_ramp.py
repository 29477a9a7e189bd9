"""A rise of demand that yesterday brought is met a cold start ahead."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reactor.contract import DemandSeen, Memory
from reactor.policy import decide
from reactor.ramp import DAY_S, expected_demand, remember_demand
from tests.reactor.builders import HOUR, UNIT, plan, seen, sizes, state

YESTERDAY = (DemandSeen(0.0, 2), DemandSeen(9 * HOUR, 5), DemandSeen(20 * HOUR, 2))
EIGHT, NINE = DAY_S + 8 * HOUR, DAY_S + 9 * HOUR


def test_a_rise_is_expected_as_long_ahead_as_nodes_need_and_no_longer():
    assert expected_demand(YESTERDAY, 2, EIGHT, 300)[0] == 2
    assert expected_demand(YESTERDAY, 2, NINE - 300, 300)[0] == 5
    assert expected_demand(YESTERDAY, 2, NINE, 300)[0] == 2


def test_a_fall_is_never_expected():
    assert expected_demand(YESTERDAY, 5, DAY_S + 20 * HOUR - 10, 300)[0] == 5


def test_a_lower_day_rises_by_as_much_and_a_higher_one_no_further_than_yesterday():
    assert expected_demand(YESTERDAY, 1, NINE - 10, 300)[0] == 4
    assert expected_demand(YESTERDAY, 4, NINE - 10, 300)[0] == 5
    assert expected_demand(YESTERDAY, 9, NINE - 10, 300)[0] == 9


def test_without_a_day_of_memory_nothing_is_expected():
    assert expected_demand((), 2, NINE, 300)[0] == 2
    assert expected_demand(YESTERDAY, 2, 9 * HOUR - 10, 300)[0] == 2


changes = st.lists(st.tuples(st.floats(1, 3000), st.integers(0, 9)), max_size=400)


@given(changes)
def test_memory_keeps_a_day_and_what_was_before_it_and_stays_small(steps):
    now, demands = 0.0, ()
    for wait, units in steps:
        now += wait
        demands = remember_demand(demands, units, now)
    assert len(demands) <= 300
    assert all(one.at_s < other.at_s for one, other in pairwise(demands))
    assert all(each.at_s > now - DAY_S for each in demands[1:])
    if demands:
        assert demands[-1].units == steps[-1][1]


@given(changes, st.floats(0, 2000), st.floats(0, 1))
def test_until_it_moves_the_expected_demand_stays(steps, ahead, share):
    now, demands = 0.0, ()
    for wait, units in steps:
        now += wait
        demands = remember_demand(demands, units, now)
    units = demands[-1].units if demands else 3
    expected, until = expected_demand(demands, units, now, ahead)
    later = now + share * 0.999 * (min(until, 1e9) - now)
    assert expected_demand(demands, units, later, ahead)[0] == expected


def test_the_fleet_grows_ahead_of_the_rise_and_the_memory_survives_the_store():
    fleet = seen(state("west", 1, 1))
    low, high = plan(demand=2), plan(demand=4)
    memory = decide(low, fleet, Memory(), 0.0).memory
    memory = decide(high, fleet, memory, 9 * HOUR).memory
    memory = decide(low, fleet, memory, 20 * HOUR).memory
    memory = Memory.from_dict(memory.to_dict())
    early = decide(low, fleet, memory, EIGHT)
    assert sum(sizes(early).values()) == 2
    assert early.quiet_until_s < NINE - 180
    ahead = decide(low, fleet, memory, NINE - 180)
    assert sum(sizes(ahead).values()) >= 4


def test_a_late_look_changes_no_history():
    memory = decide(plan(demand=2), seen(), Memory(), HOUR).memory
    late = decide(dataclasses.replace(plan(), demand_units=9 * UNIT), seen(), memory, HOUR - 60)
    assert late.memory.demands == memory.demands
