"""The plan beside the one that runs: kept while it does, replaced when that pays or must be, changed in a safe order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allocator.candidates import Candidate
from allocator.errors import InfeasibleError
from allocator.inputs import Inputs
from allocator.plan import Plan, canonical_json
from allocator.planner import plan_from
from tests.allocator.builders import both_markets, candidate, demand, inputs, promises
from tests.allocator.checker import broken_promises
from tests.allocator.markets import asked, small

FEW = settings(max_examples=20, deadline=None, derandomize=True)
RATES = st.tuples(*[st.floats(0.2, 6)] * 3)
EAST, WEST, NORTH = "aws-east-l4x1-tp1-spot", "aws-west-l4x1-tp1-spot", "gcp-north-l4x1-tp1-spot"
THRESHOLD = 0.03


def market(east: float = 1.0, west: float = 1.02, north: float = 1.3, stock: int = 9) -> list[Candidate]:  # fmt: skip
    """One machine in three regions, at these spot prices."""
    places = {"aws-east": east, "aws-west": west, "gcp-north": north}
    return [
        pool
        for place, usd in places.items()
        for pool in both_markets(f"{place}-l4", (1.0,), usd=usd, stock=stock)
    ]


def planned(pools: Sequence[Candidate], rate: float = 6.0, deployed: Plan | None = None, **asked: Any) -> Plan:  # fmt: skip
    return plan_from(inputs(pools, demand(rate), **asked), deployed)


def nodes(plan: Plan) -> dict[str, int]:
    return {pool.key: pool.nodes for pool in plan.decisions.pools if pool.nodes}


def states(plan: Plan) -> dict[str, str]:
    return {pool.key: pool.state for pool in plan.decisions.pools if pool.role != "fallback"}


def steps(plan: Plan) -> list[tuple[int, str, int, int]]:
    """Changes of pools that may hold nodes: phase, pool, nodes before and after."""
    return [
        (change.phase, change.pool, change.nodes_before, change.nodes_after)
        for change in plan.changes
        if not change.pool.endswith("fallback")
    ]


@FEW
@given(small(), RATES, asked())
def test_nothing_new_keeps_the_plan_byte_for_byte(pools, rates, asked):
    given = inputs(pools, demand(*rates), **asked)
    plan = _plan(given)
    again = plan_from(given, Plan.from_dict(plan.to_dict()))
    assert canonical_json(again.to_dict()) == canonical_json(plan.to_dict())


@FEW
@given(small(), RATES, asked(), st.data())
def test_a_plan_in_place_of_another_keeps_every_promise_and_says_how_to_get_there(pools, rates, asked, data):  # fmt: skip
    """Prices, stock and demand move at will; what the plan lists as changes leads from one to the other."""
    before = _plan(inputs(pools, demand(*rates), **asked))
    moved = [
        dataclasses.replace(pool, price=price, members=(dataclasses.replace(pool.members[0], price_usd_micro_per_hour=price),),
                            on_demand_price=price if pool.market == "on_demand" else pool.on_demand_price)
        for pool in pools
        for price in [round(pool.price * data.draw(st.sampled_from([0.5, 1.0, 1.0, 1.4])))]
    ]  # fmt: skip
    factor = data.draw(st.sampled_from([0.5, 1.0, 1.3]))
    given = inputs(moved, demand(*(rate * factor for rate in rates)), **asked)
    after = _plan(given, before)
    if after is before:
        return
    assert (
        broken_promises(after.to_dict(), **promises(given, switching_usd=_switching(after))) == []
    )
    _leads(before, after)


def _plan(given: Inputs, deployed: Plan | None = None) -> Plan:
    try:
        return plan_from(given, deployed)
    except InfeasibleError:
        assume(False)
        raise


def _switching(plan: Plan) -> float:
    """What the objective holds beyond the bill: not promised here, only that it is no saving and small."""
    money = plan.money
    cost = money.hourly_usd_micro + money.expected_fallback_usd_micro
    extra = (plan.proof.objective_usd_micro - cost) / 1e6
    assert -1e-4 <= extra <= 0.02 * sum(change.nodes_before + change.nodes_after for change in plan.changes) + 1e-4  # fmt: skip
    return extra


def _leads(before: Plan, after: Plan) -> None:
    old = {pool.key: pool.nodes for pool in before.decisions.pools}
    new = {pool.key: pool.nodes for pool in after.decisions.pools}
    assert list(after.changes) == sorted(after.changes, key=lambda c: (c.phase, c.pool))
    now = dict(old)
    for change in after.changes:
        assert now.get(change.pool, 0) == change.nodes_before
        assert (change.phase == 1) == (change.nodes_after > change.nodes_before or change.pool not in old)  # fmt: skip
        assert (change.phase == 3) == (change.pool not in new)
        now[change.pool] = change.nodes_after
        if change.phase == 3:
            assert now.pop(change.pool) == 0
    assert now == new
    running = {key for key, count in old.items() if count}
    assert running <= new.keys(), "a pool with nodes retires before it goes"


@pytest.mark.parametrize(
    ("prices", "kept"),
    [
        ({"east": 1.04}, True),
        ({"east": 1.1}, False),
        ({"east": 1.3}, False),
        ({"west": 0.99}, True),
        ({"west": 0.8}, False),
        ({"north": 0.9}, False),
    ],
)
def test_a_plan_stays_unless_another_saves_more_than_the_threshold(prices, kept):
    before = planned(market())
    assert nodes(before) == {EAST: 6}
    after = planned(market(**prices), deployed=before)
    assert (after == before) is kept, (nodes(after), after.money.hourly_usd_micro)
    if not kept:
        saved = 1 - after.proof.objective_usd_micro / _cost(market(**prices), before)
        assert saved > THRESHOLD


def _cost(pools: Sequence[Candidate], plan: Plan) -> float:
    """What the nodes of a plan cost at other prices, micro-USD per hour."""
    given = {c.key: c for c in inputs(pools, demand(6.0)).candidates}
    held = nodes(plan)
    return plan.money.cells_usd_micro + sum(
        n * (given[key].price + given[key].fallback_price) for key, n in held.items()
    )


def test_a_plan_without_a_threshold_follows_every_saving_that_pays_the_switch():
    before = planned(market())
    after = planned(market(west=0.9), deployed=before, switch_threshold=0.0)
    assert nodes(after) == {WEST: 6}


@pytest.mark.parametrize("usd", [2.0, 100.0])
def test_a_switch_that_costs_more_than_it_saves_is_not_made(usd):
    """Twelve nodes to stop or start, 2 USD each over a day: a dollar an hour, more than the 60 cents saved."""
    before = planned(market())
    assert (
        planned(market(west=0.9), deployed=before, switch_threshold=0.0, switch_usd=usd) == before
    )


def test_demand_that_is_no_longer_met_replaces_the_plan_and_keeps_what_runs():
    before = planned(market())
    after = planned(market(), rate=8.0, deployed=before)
    assert nodes(after) == {EAST: 8}
    assert steps(after) == [(1, EAST, 6, 8)]


def test_a_little_less_demand_keeps_the_plan_and_much_less_shrinks_it():
    before = planned(market(stock=40), rate=36.0)
    assert planned(market(stock=40), rate=35.5, deployed=before) == before
    after = planned(market(stock=40), rate=20.0, deployed=before)
    assert steps(after) == [(2, EAST, 36, 20)]


def test_a_policy_that_asks_more_replaces_the_plan():
    before = planned(market())
    after = planned(market(), deployed=before, survive="region")
    assert nodes(after) == {EAST: 3, WEST: 3, NORTH: 3}
    assert steps(after) == [(1, WEST, 0, 3), (1, NORTH, 0, 3), (2, EAST, 6, 3)]


def test_a_limit_that_the_plan_breaks_replaces_it():
    before = planned(market())
    after = planned(market(), deployed=before, max_region_share=0.5)
    assert nodes(after) == {EAST: 3, WEST: 3}
    assert steps(after) == [(1, WEST, 0, 3), (2, EAST, 6, 3)]


def test_a_pool_that_is_no_longer_wanted_retires_stays_and_goes_with_the_next_change():
    first = planned(market())
    second = planned(market(west=0.5), deployed=first)
    assert states(second) == {EAST: "retiring", WEST: "active"}
    assert steps(second) == [(1, WEST, 0, 6), (2, EAST, 6, 0)]
    assert planned(market(west=0.5), deployed=second) == second, "nothing else changes"
    third = planned(market(west=0.5), rate=8.0, deployed=second)
    assert states(third) == {WEST: "active"}
    assert (1, WEST, 6, 8) in steps(third)
    assert (3, EAST, 0, 0) in steps(third)


def test_a_pool_that_was_retiring_is_taken_back():
    second = planned(market(west=0.5), deployed=planned(market()))
    third = planned(market(west=2.0), deployed=second)
    assert states(third) == {EAST: "active", WEST: "retiring"}
    assert steps(third) == [(1, EAST, 0, 6), (2, WEST, 6, 0)]


def test_the_stand_ins_of_a_pool_that_retires_go_last():
    second = planned(market(west=0.5), deployed=planned(market()))
    assert second.changes[-1].pool == EAST.replace("spot", "fallback")
    assert second.changes[-1].phase == 3


def test_machines_that_are_not_sold_any_more_retire_and_the_plan_still_fits_together():
    before = planned([*market(), *both_markets("aws-east-a100", (9.0,), usd=1.0)])
    assert nodes(before) == {"aws-east-a100x1-tp1-spot": 1}
    given = inputs(market(), demand(6.0))
    after = plan_from(given, before)
    assert states(after) == {"aws-east-a100x1-tp1-spot": "retiring", EAST: "active"}
    assert (
        broken_promises(after.to_dict(), **promises(given, switching_usd=_switching(after))) == []
    )
    assert plan_from(given, after) == after


def test_growth_comes_before_anything_shrinks():
    before = planned(market(stock=4), survive="region")
    after = planned(market(east=3.0, stock=9), deployed=before)
    order = [change.phase for change in after.changes]
    assert order == sorted(order)
    assert {1, 2} <= set(order)


def test_other_weights_or_another_engine_are_a_new_plan_on_the_same_nodes():
    given = inputs(market(), demand(6.0))
    before = plan_from(given)
    newer = dataclasses.replace(given, engine=dataclasses.replace(given.engine, image="newer:1"))
    after = plan_from(newer, before)
    assert after.decisions.engine.image == "newer:1"
    assert nodes(after) == nodes(before)
    assert steps(after) == []


def test_faster_machines_are_a_new_plan():
    before = planned([candidate("aws-east-l4", (1.0,), usd=1, stock=9)])
    after = planned([candidate("aws-east-l4", (1.01,), usd=1, stock=9)], deployed=before)
    assert after.decisions.shapes[0].requests_per_second == (1.01,)
