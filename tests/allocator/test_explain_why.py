"""Why a pool is there: what limits it, and what would replace it at which price."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
from rich.console import Console

from allocator.inputs import Inputs
from allocator.planner import plan_from
from allocator.why import Moved, Reason, made_from_other, reasons, render_reason
from tests.allocator.builders import both_markets, demand, inputs

PLACES = (("aws-east", 1.0), ("aws-west", 1.1), ("gcp-north", 1.2))
EAST, WEST, NORTH = "aws-east-l4x1-tp1-spot", "aws-west-l4x1-tp1-spot", "gcp-north-l4x1-tp1-spot"


def given(rate: float = 6.0, *, places: int = 3, stock: int = 9, **asked: Any) -> Inputs:
    """One machine in up to three regions, the first the cheapest."""
    pools = [
        pool
        for place, usd in PLACES[:places]
        for pool in both_markets(f"{place}-l4", (1.0,), usd=usd, stock=stock)
    ]
    return inputs(pools, demand(rate), **asked)


def told(of: Inputs) -> dict[str, Reason]:
    return {reason.pool: reason for reason in reasons(plan_from(of), of)}


def limits(of: Inputs, pool: str = EAST) -> tuple[str, ...]:
    return told(of)[pool].limited_by


def test_a_pool_is_replaced_by_the_next_cheapest_at_the_difference():
    of = given()
    east, west = (next(c for c in of.candidates if c.key == key) for key in (EAST, WEST))
    (reason,) = told(of).values()
    assert reason.moved == (
        Moved("l4x1", "aws-west", "spot", 6),
        Moved("l4x1", "aws-east", "spot", -6),
    )
    each = west.price + west.fallback_price - east.price - east.fallback_price
    assert reason.dearer_usd_micro_per_hour == 6 * each


def test_without_its_machines_there_may_be_no_plan():
    of = given(places=1)
    plan = plan_from(of)
    assert [m.market for m in told(of)[EAST].moved] == ["on_demand", "spot"]
    of = dataclasses.replace(of, candidates=tuple(c for c in of.candidates if c.market == "spot"))
    reason = told(of)[EAST]
    assert (reason.dearer_usd_micro_per_hour, reason.moved) == (None, ())
    assert "without it  no plan within the limits was found" in shown(reason, plan)


def test_a_given_up_demand_stays_given_up_for_the_replacement():
    of = given(places=2, min_regions=3, relax=[{"limit": "min_regions", "to": 1}], stock=20)
    plan = plan_from(of)
    assert plan.decisions.relaxed
    assert all(reason.dearer_usd_micro_per_hour is not None for reason in reasons(plan, of))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"stock": 4}, "stock: all 4 nodes (limits.nodes_per_pool, assumed) are bought"),
        ({"max_region_share": 0.5}, "spread: aws-east holds 50 % of the capacity, limits.max_region_share is 0.5"),
        ({"max_cloud_share": 0.5}, "spread: aws holds 50 % of the capacity, limits.max_cloud_share is 0.5"),
        ({"budget_usd_per_hour": 6.5}, "budget: $6.00/h on nodes, limits.budget_usd_per_hour is 6.5"),
        ({"survive": "region"}, "survival: with aws-east lost 100 % of the demand still fits, less than a node to spare (policy.survive region)"),
        ({"quotas": [{"cloud": "aws", "region": "east", "cap": 3}]}, "quota: 3 of 3 gpus of aws east are used (limits.quotas)"),
    ],
)  # fmt: skip
def test_the_limit_that_allows_no_further_node_is_named(asked, said):
    assert limits(given(**asked)) == (said,)


def test_where_nothing_limits_the_demand_is_simply_met():
    of = given()
    assert limits(of) == ()
    assert "limited by  nothing: the demand is met" in shown(told(of)[EAST], plan_from(of))


def test_the_price_is_ranked_among_all_offers():
    (reason,) = told(given()).values()
    assert reason.why.endswith("number 1 of 6 offers by that")


def test_the_lines_name_pool_share_price_and_replacement():
    of = given()
    printed = shown(told(of)[EAST], plan_from(of))
    assert f"{EAST}: 6 nodes, $6.00/h, 100.0 % of requests\n  why" in printed
    assert "%): 6 x l4x1 in aws-west instead" in printed


def test_a_plan_of_other_settings_prices_or_traffic_is_recognised():
    of = given()
    plan = plan_from(of)
    assert not made_from_other(plan, of)
    for part in ("snapshot", "workload"):
        source = dataclasses.replace(getattr(of.provenance, part), digest="1" * 64)
        newer = dataclasses.replace(of.provenance, **{part: source})
        assert made_from_other(plan, dataclasses.replace(of, provenance=newer))


def shown(reason: Reason, plan: Any) -> str:
    console = Console(file=io.StringIO(), width=160, no_color=True)
    render_reason(reason, plan, console)
    return console.file.getvalue()  # type: ignore[attr-defined]
