"""What holds for every plan, whatever the market and the limits: promises, bounds, order of costs, invariance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allocator.candidates import Candidate
from allocator.errors import InfeasibleError
from allocator.mix import Problem, solve_mix
from allocator.optimize.search import GAP
from allocator.plan import Plan
from allocator.planner import plan_from
from allocator.risk import CELL_USD_PER_HOUR
from allocator.stand_ins import with_fallback_spend
from tests.allocator.builders import demand, inputs, problem, promises
from tests.allocator.checker import broken_promises
from tests.allocator.markets import SURVIVE, asked, small

FEW = settings(max_examples=25, deadline=None, derandomize=True)
RATES = st.tuples(*[st.floats(0.2, 6)] * 3)


def never_dearer(loose: Problem, tight: Problem) -> None:
    """Whoever may do more pays no more, to within what is proven."""
    dear = solve_mix(tight)
    if dear is not None:
        cheap = solve_mix(loose)
        assert cheap is not None
        assert cheap.bound <= dear.objective + 1


@FEW
@given(small(), RATES, asked())
def test_a_plan_keeps_every_promise_or_one_line_says_why_there_is_none(pools, rates, asked):
    made = inputs(pools, demand(*rates), **asked)
    if solve_mix(problem(made.candidates, made.buckets, **asked)) is None:
        with pytest.raises(InfeasibleError, match=r"\Ano plan .*[^\n]\Z"):
            plan_from(made)
        return
    plan = plan_from(made)
    assert broken_promises(plan.to_dict(), **promises(made)) == []
    assert Plan.from_dict(plan.to_dict()) == plan


@FEW
@given(small(), RATES, asked())
def test_the_bound_is_within_the_gap_unless_the_plan_says_otherwise(pools, rates, asked):
    mix = solve_mix(problem(pools, demand(*rates), **asked))
    assume(mix is not None)
    assert 0 <= mix.bound <= mix.objective
    assert mix.limit_reached or mix.bound >= mix.objective * (1 - GAP) - 1


@FEW
@given(small(), RATES, asked(), st.floats(1, 3))
def test_more_demand_is_never_cheaper(pools, rates, asked, factor):
    more = demand(*(rate * factor for rate in rates))
    never_dearer(problem(pools, demand(*rates), **asked), problem(pools, more, **asked))


@FEW
@given(small(), RATES, asked(), st.integers(0, 50))
def test_a_higher_price_is_never_cheaper(pools, rates, asked, number):
    chosen = pools[number % len(pools)]
    dearer = [
        dataclasses.replace(p, price=round(p.price * 1.5)) if p is chosen else p for p in pools
    ]
    never_dearer(problem(pools, demand(*rates), **asked), problem(dearer, demand(*rates), **asked))


@FEW
@given(small(), RATES, asked(), st.integers(0, 50))
def test_a_larger_stock_is_never_dearer(pools, rates, asked, number):
    chosen = pools[number % len(pools)].stock
    more = [
        dataclasses.replace(p, stock_nodes=p.stock_nodes + 3) if p.stock == chosen else p
        for p in pools
    ]
    never_dearer(problem(more, demand(*rates), **asked), problem(pools, demand(*rates), **asked))


@FEW
@given(small(), RATES, asked(), st.data())
def test_another_offer_is_never_dearer(pools, rates, asked, data):
    fewer = data.draw(st.lists(st.sampled_from(pools), min_size=1, unique_by=lambda p: p.key))
    fewer = [pool for pool in pools if pool in fewer]
    never_dearer(problem(pools, demand(*rates), **asked), problem(fewer, demand(*rates), **asked))


@FEW
@given(small(), RATES, asked())
def test_surviving_more_is_never_cheaper(pools, rates, asked):
    none, region, cloud = (
        problem(pools, demand(*rates), **asked | {"survive": level}) for level in SURVIVE
    )
    never_dearer(none, region)
    never_dearer(region, cloud)


@FEW
@given(small(), RATES, asked(), st.data())
def test_one_limit_less_is_never_dearer(pools, rates, asked, data):
    assume(len(asked) > 1)
    dropped = data.draw(st.sampled_from(sorted(asked.keys() - {"survive"})))
    looser = {key: value for key, value in asked.items() if key != dropped}
    if dropped == "degraded_share":
        asked, looser = looser, asked  # less has to be left
    never_dearer(problem(pools, demand(*rates), **looser), problem(pools, demand(*rates), **asked))


@FEW
@given(small(), RATES, asked(), st.randoms(use_true_random=False))
def test_the_order_in_which_offers_come_does_not_matter(pools, rates, asked, rng):
    shuffled = pools.copy()
    rng.shuffle(shuffled)
    one, other = _plan(pools, rates, asked), _plan(shuffled, rates, asked)
    assume(one is not None)
    assert one == other


def _plan(pools: Sequence[Candidate], rates: Sequence[float], asked: dict[str, Any]) -> Plan | None:
    try:
        return plan_from(inputs(pools, demand(*rates), **asked))
    except InfeasibleError:
        return None


@FEW
@given(small(), RATES, asked())
def test_twice_the_prices_buy_the_same_nodes_for_twice_the_money(pools, rates, asked):
    before = solve_mix(problem(pools, demand(*rates), **asked))
    assume(before is not None)
    budget = asked.get("budget_usd_per_hour")
    twice = [dataclasses.replace(pool, price=2 * pool.price) for pool in pools]
    with mock.patch.dict(CELL_USD_PER_HOUR, {k: 2 * usd for k, usd in CELL_USD_PER_HOUR.items()}):
        wider = asked | ({} if budget is None else {"budget_usd_per_hour": 2 * budget})
        after = solve_mix(problem(twice, demand(*rates), **wider))
    assert after.nodes == before.nodes
    assert after.objective == pytest.approx(2 * before.objective, abs=2)


@FEW
@given(small(), RATES, asked())
def test_twice_the_demand_for_machines_twice_as_fast_costs_the_same(pools, rates, asked):
    def faster(pool: Candidate) -> Candidate:
        served = tuple(2 * rate for rate in pool.shape.requests_per_second)
        return dataclasses.replace(
            pool, shape=dataclasses.replace(pool.shape, requests_per_second=served)
        )

    once = problem(pools, demand(*rates), **asked)
    twice = problem([faster(p) for p in pools], demand(*(2 * r for r in rates)), **asked)
    never_dearer(once, twice)
    never_dearer(twice, once)


@FEW
@given(small(), RATES, asked())
def test_what_spot_is_expected_to_cost_on_demand_is_never_a_saving(pools, rates, asked):
    buckets = demand(*rates)
    priced = with_fallback_spend(pools, buckets)
    never_dearer(problem(pools, buckets, **asked), problem(priced, buckets, **asked))
