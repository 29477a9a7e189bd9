"""A plan for people: the tables, and below them what it costs, survives, gave up, fills and changes."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
from rich.console import Console

from allocator.explain import render
from allocator.facts import facts, fits, shares
from allocator.plan import Baseline, Change, Plan, Relaxed
from allocator.planner import plan_from
from tests.allocator.builders import both_markets, demand, inputs

EAST, WEST, NORTH = "aws-east-l4x1-tp1-spot", "aws-west-l4x1-tp1-spot", "gcp-north-l4x1-tp1-spot"


def planned(rate: float = 6.0, *, stock: int = 9, deployed: Plan | None = None, **asked: Any) -> Plan:  # fmt: skip
    """A plan over one machine in three regions, the first the cheapest."""
    pools = [
        pool
        for place, usd in (("aws-east", 1.0), ("aws-west", 1.1), ("gcp-north", 1.2))
        for pool in both_markets(f"{place}-l4", (1.0,), usd=usd, stock=stock)
    ]
    return plan_from(inputs(pools, demand(rate), **asked), deployed)


def printed(plan: Plan) -> str:
    console = Console(file=io.StringIO(), width=160, no_color=True)
    render(plan, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def told(plan: Plan, name: str) -> list[str]:
    return [value for key, value in facts(plan) if key == name]


def test_spot_pools_have_a_line_with_nodes_price_and_share_and_one_with_their_stand_ins():
    head, fallback = printed(planned(survive="region")).split("\n\n")[:2]
    for key in (EAST, WEST, NORTH):
        row = next(line for line in head.splitlines() if line.startswith(key)).split()
        assert row[2:5] == ["3", "4", "3"]  # nodes, at most, replicas
        assert row[-2:] == ["33.3", "%"]
        assert f"\n{key}" in fallback
    assert "l4x1 3.00" in next(line for line in fallback.splitlines() if line.startswith(EAST))


def test_retiring_pools_stand_below_the_active_ones():
    before = planned(rate=9, stock=5)
    only_west = both_markets("aws-west-l4", (1.0,), usd=0.5, stock=12)
    after = plan_from(inputs(only_west, demand(9.0)), before)
    lines = printed(after).split("\n\n")[0].splitlines()
    rows = {line.split()[0]: number for number, line in enumerate(lines)}
    assert rows[WEST] < rows[EAST]
    assert "retiring" in lines[rows[EAST]]


def test_requests_are_shared_out_completely():
    plan = planned(rate=7.5, survive="region")
    assert sum(shares(plan).values()) == pytest.approx(1)


def test_the_saving_compares_nodes_with_nodes():
    assert planned(stock=20).money.saving_percent == pytest.approx(100 * (1 - 1 / 3))
    assert "67 % on nodes against the same nodes on demand ($18.00/h)" in told(planned(stock=20), "saving")  # fmt: skip


def test_the_cost_tells_nodes_and_regions_apart():
    (cost,) = told(planned(stock=20), "cost")
    assert cost.startswith("$6.15/h (nodes $6.00/h; router, balancer and NAT of 1 region $0.15/h)")


def test_a_baseline_is_a_line_with_its_name_and_how_this_plan_compares():
    plan = planned(stock=20)
    rows = (Baseline("dear", 12_302_000, "w"), Baseline("cheap", 3_075_500, "w"), Baseline("none", None, "w"))  # fmt: skip
    plan = dataclasses.replace(plan, money=dataclasses.replace(plan.money, baselines=rows))
    assert told(plan, "baseline") == [
        "dear: $12.30/h, this plan is 50 % below it; w",
        "cheap: $3.08/h, this plan is 100 % above it; w",
        "none: cannot serve the demand; w",
    ]


def test_what_fits_is_told_for_the_worst_loss_and_before():
    plan = planned(survive="region")
    assert fits(plan, plan.decisions.routing) == pytest.approx(9 / 6, rel=1e-4)
    (said,) = told(plan, "survives")
    assert said == "any one region: worst case aws-east lost, 100 % of the demand still fits (150 % before)"  # fmt: skip


def test_a_plan_that_holds_nothing_for_a_loss_says_so():
    assert told(planned(), "survives") == [
        "nothing is held for the loss of a region (policy.survive none)"
    ]


def test_what_was_given_up_is_told_and_only_then():
    plan = planned()
    assert told(plan, "relaxed") == []
    given = (Relaxed("min_regions", "3", "2"),)
    plan = dataclasses.replace(plan, decisions=dataclasses.replace(plan.decisions, relaxed=given))
    assert told(plan, "relaxed") == ["min_regions: asked 3, given 2"]


def test_a_stock_that_is_all_bought_and_the_use_of_a_quota_are_told():
    quotas = [{"cloud": "aws", "unit": "nodes", "cap": 20}]
    plan = planned(stock=4, quotas=quotas)
    assert f"{EAST} fills nodes_per_pool (assumed stock): 4 nodes" in told(plan, "limit")
    assert told(plan, "quota") == ["quota1-aws: 6 of 20 used"]


def test_a_first_plan_has_its_start_as_change():
    assert "first deployment: 6 nodes in 1 pool" in told(planned(stock=20), "changes")


def test_changes_come_in_the_order_they_are_made():
    steps = (Change(1, "a", 1, 3), Change(1, "empty", 0, 0), Change(2, "b", 4, 0), Change(3, "c", 0, 0))  # fmt: skip
    plan = dataclasses.replace(planned(), changes=steps)
    assert told(plan, "changes") == [
        "grow: a 1 -> 3", "then shrink: b 4 -> 0", "make 1 empty pool", "remove 1 empty pool",
    ]  # fmt: skip
