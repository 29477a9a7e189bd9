"""The optimizer's answers on tiny markets: by hand, and against every possible plan."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.mix import Problem, solve_mix
from allocator.optimize.search import GAP
from allocator.risk import CELL_USD_PER_HOUR
from tests.allocator.builders import both_markets, candidate, demand, problem
from tests.allocator.exhaustive import cheapest
from tests.allocator.markets import SHARE, asked, tiny

MICRO = 1_000_000
SEARCH = 2e-6
"""The part of the demand that the search may miss."""


def agrees(given: Problem) -> bool:
    """Whether the search and the enumeration say the same; returns whether there is a plan."""
    mix, best = solve_mix(given), cheapest(given)
    if mix is None:
        assert best is None, f"there is a plan for {best}"
        return False
    assert not mix.limit_reached
    loosest = cheapest(given, SEARCH)
    assert loosest is not None, "a plan that does not serve"
    assert loosest - 1 <= mix.objective
    if best is not None:
        assert mix.bound <= best + 1
        assert mix.objective <= best / (1 - GAP) + 1
    return True


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tiny(), st.floats(0.2, 12), st.floats(0.2, 12), asked())
def test_no_plan_of_all_is_cheaper_beyond_the_gap(pools, first, second, asked):
    agrees(problem(pools, demand(first, second), **asked))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(tiny(), st.floats(0.2, 4), st.sampled_from(["none", "region", "cloud"]), SHARE)
def test_nor_where_little_is_asked(pools, rate, survive, keep):
    agrees(problem(pools, demand(rate, rate / 3), survive=survive, degraded_share=keep))


def test_spot_that_runs_out_is_filled_up_on_demand():
    on_demand, spot = both_markets("aws-east-l4", (1.0,), usd=1, stock=2)
    assert solve_mix(problem([on_demand, spot], demand(3))).nodes == (1, 2)


def test_a_mix_serves_each_bucket_where_it_is_cheap():
    """Neither shape alone is cheap for both sizes."""
    short = candidate("aws-east-l4", (10.0, 0.1), usd=1, stock=20)
    long = candidate("aws-east-a100", (0.1, 10.0), usd=1, stock=20)
    assert solve_mix(problem([short, long], demand(20, 20))).nodes == (2, 2)


def test_two_degrees_of_one_machine_share_its_stock():
    single = candidate("aws-east-l4", (1.0,), usd=1, gpus=2, stock=3)
    double = candidate("aws-east-l4", (3.0,), usd=1, gpus=2, stock=3, degree=2)
    assert solve_mix(problem([single, double], demand(9))).nodes == (0, 3)
    assert solve_mix(problem([single, double], demand(9.1))) is None


def test_surviving_a_region_holds_everything_twice_and_a_cloud_in_two_clouds():
    pools = [
        candidate(f"{place}-l4", (1.0,), usd=usd, stock=8)
        for place, usd in (("aws-east", 1), ("aws-west", 1.01), ("gcp-north", 3))
    ]
    nodes = [
        solve_mix(problem(pools, demand(2), survive=level)).nodes
        for level in ("none", "region", "cloud")
    ]
    assert nodes == [(2, 0, 0), (2, 2, 0), (2, 0, 2)]


def test_half_of_the_demand_may_be_lost_with_a_region():
    pools = [candidate(f"aws-{place}-l4", (1.0,), usd=1, stock=8) for place in ("east", "west")]
    mix = solve_mix(problem(pools, demand(4), survive="region", degraded_share=0.5))
    assert mix.nodes == (2, 2)


def test_a_floor_on_demand_is_held_though_spot_is_cheaper():
    pools = both_markets("aws-east-l4", (1.0,), usd=1, stock=8)
    assert solve_mix(problem(pools, demand(4), on_demand_share=0.5)).nodes == (2, 2)


def test_the_cost_of_a_region_keeps_a_plan_together():
    """A node in a second region would be 5 cents cheaper; its cell costs three times as much."""
    here = candidate("aws-east-l4", (1.0,), usd=1, stock=8)
    there = candidate("aws-west-l4", (1.0,), usd=0.95, stock=1)
    mix = solve_mix(problem([here, there], demand(2)))
    assert mix.nodes == (2, 0)
    assert mix.objective == 2 * MICRO + round(CELL_USD_PER_HOUR["aws"] * MICRO)


def test_no_region_holds_more_than_its_share():
    pools = [
        candidate(f"aws-{place}-l4", (1.0,), usd=usd, stock=9)
        for place, usd in (("east", 1), ("north", 2), ("west", 3))
    ]
    assert solve_mix(problem(pools, demand(6), max_region_share=0.5)).nodes == (3, 3, 0)
    assert solve_mix(problem(pools, demand(6), max_region_share=0.34)).nodes == (2, 2, 2)


def test_regions_and_clouds_are_as_many_as_asked():
    pools = [
        candidate(f"{place}-l4", (1.0,), usd=usd, stock=9)
        for place, usd in (("aws-east", 1), ("aws-west", 1.2), ("gcp-north", 2))
    ]
    assert solve_mix(problem(pools, demand(5), min_regions=2)).nodes == (4, 1, 0)
    assert solve_mix(problem(pools, demand(5), min_clouds=2)).nodes == (4, 0, 1)


@pytest.mark.parametrize(
    ("quota", "nodes"),
    [
        ({"cloud": "aws", "unit": "gpus", "cap": 5}, (2, 4)),
        ({"cloud": "aws", "unit": "nodes", "cap": 3}, (3, 2)),
        ({"cloud": "aws", "unit": "nodes", "cap": 3, "market": "on_demand"}, (4, 0)),
        ({"cloud": "aws", "unit": "nodes", "cap": 3, "gpus": ["a100"]}, (4, 0)),
        ({"cloud": "aws", "unit": "nodes", "cap": 3, "region": "west"}, (4, 0)),
    ],
)
def test_a_quota_counts_gpus_or_nodes_of_what_it_names(quota, nodes):
    pools = [
        candidate("aws-east-l4", (1.0,), usd=1, gpus=2, stock=4),
        candidate("gcp-east-l4", (1.0,), usd=3, stock=4),
    ]
    assert solve_mix(problem(pools, demand(8), quotas=[quota])).nodes == nodes


def test_demand_beyond_all_stock_has_no_mix():
    pools = [candidate("aws-east-l4", (1.0,), usd=1, stock=4)]
    assert solve_mix(problem(pools, demand(4))) is not None
    assert solve_mix(problem(pools, demand(4.01))) is None


def test_a_size_that_nobody_serves_has_no_mix():
    assert solve_mix(problem([candidate("aws-east-l4", (1.0, 0.0), usd=1)], demand(1, 1))) is None


def test_an_empty_market_has_no_mix():
    assert solve_mix(problem([], demand(1))) is None


def test_a_budget_pays_nodes_and_cells():
    pools = [candidate("aws-east-l4", (1.0,), usd=2)]
    cell = CELL_USD_PER_HOUR["aws"]
    assert solve_mix(problem(pools, demand(2), budget_usd_per_hour=4 + cell - 0.01)) is None
    assert solve_mix(problem(pools, demand(2), budget_usd_per_hour=4 + cell)).nodes == (2,)


def test_what_spot_is_expected_to_cost_on_demand_counts():
    """The lower price loses where it has to be replaced more often."""
    risky = dataclasses.replace(candidate("aws-east-l4", (1.0,), usd=1), fallback_price=90_000)
    calm = candidate("aws-east-a100", (1.0,), usd=1.05)
    assert solve_mix(problem([risky, calm], demand(2))).nodes == (0, 2)
