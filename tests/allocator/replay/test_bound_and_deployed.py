"""The bound against the linear program that it solves in closed form; the deployed policy in small worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.replay.baselines import SpotHedge
from allocator.replay.bound import cost_bound, ready_at_most
from allocator.replay.deployed import Deployed
from allocator.replay.engine import replay
from allocator.solver import Program, solve_linear
from tests.allocator.replay.builders import world

counts = st.lists(st.integers(0, 3), min_size=12, max_size=12)


@settings(max_examples=25, deadline=None)
@given(counts, counts, st.integers(1, 4), st.integers(1, 2))
def test_the_bound_is_the_optimum_of_its_linear_program(a, b, target, starts):
    place = world(target=target, starts=starts, r1a=a, r2a=b)
    most = ready_at_most(place)
    steps = range(place.uncounted, place.steps)
    upper = [float(column[step]) for step in steps for column in most]
    rows = [
        (float(target), float("inf"), [3 * at, 3 * at + 1, 3 * at + 2], [1.0, 1.0, 1.0])
        for at in range(len(steps))
    ]
    program = Program(
        costs=np.array([0.25, 0.25, 1.0] * len(steps)),
        upper=np.array(
            [u for at in range(len(steps)) for u in (*upper[2 * at : 2 * at + 2], 99.0)]
        ),
        integer=np.zeros(3 * len(steps), dtype=bool),
        rows=rows,
    )
    assert cost_bound(place) == pytest.approx(
        solve_linear(program).objective / (target * len(steps))
    )


def deployed(place, **options) -> Deployed:
    return Deployed(place, cold_start_s=30.0, notice_s=0.0, **options)


def test_a_calm_market_is_served_by_spot_alone():
    place = world(target=2, r1a=[9] * 40, r2a=[9] * 40)
    result = replay(place, deployed(place))
    assert result.availability == 1.0
    assert result.cost == pytest.approx(0.25, abs=0.02)


def test_an_empty_market_is_served_on_demand_alone():
    place = world(target=2, r1a=[0] * 40, r2a=[0] * 40)
    result = replay(place, deployed(place))
    assert result.availability == 1.0
    assert result.cost == 1.0


def test_a_group_tries_its_zones_in_turn_within_one_step():
    place = world(target=1, r1a=[0] * 40, r1b=[9] * 40)
    result = replay(place, deployed(place))
    assert result.spot_hours > 0
    assert result.cost < 0.4


def test_quiet_steps_change_no_outcome():
    class Restless(Deployed):
        def answer(self, view):
            answer = super().answer(view)
            return type(answer)(answer.stops, answer.launches, answer.on_demand, 0)

    data = {"r1a": [3, 3, 0, 3] * 30, "r1b": [0, 2, 2] * 40, "r2a": [1] * 70 + [0] * 50}
    place = world(target=3, starts=3, notice=2, **data)
    quiet = Deployed(place, cold_start_s=90.0, notice_s=60.0)
    restless = Restless(place, cold_start_s=90.0, notice_s=60.0)
    assert replay(place, quiet) == replay(place, restless)


@settings(max_examples=20, deadline=None)
@given(counts, counts, counts, st.integers(1, 4), st.integers(0, 2))
def test_no_policy_undercuts_the_bound_at_its_availability(a, b, c, target, notice):
    place = world(target=target, notice=notice, r1a=a * 4, r1b=b * 4, r2a=c * 4)
    for policy in (deployed(place), deployed(place, zone_groups=True), SpotHedge(place, 2)):
        result = replay(place, policy)
        assert result.cost >= cost_bound(place, result.availability) - 1e-9
