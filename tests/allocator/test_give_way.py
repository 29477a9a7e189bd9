"""Demands that contradict each other: what binds, the smallest change that helps, and what is given up in which order."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from allocator.candidates import Candidate
from allocator.errors import AllocatorError, DataError, InfeasibleError, SpecError
from allocator.mix import Problem, solve_mix
from allocator.plan import Plan, Relaxed
from allocator.planner import plan_for, plan_from
from tests.allocator.builders import (
    MARKET,
    both_markets,
    candidate,
    config,
    demand,
    inputs,
    problem,
    project,
    promises,
)
from tests.allocator.checker import broken_promises
from tests.allocator.exhaustive import cheapest


@pytest.fixture(autouse=True)
def nothing_of_the_solver_is_printed(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


def market(stock: int = 3) -> list[Candidate]:
    """One machine in three regions of two clouds, on both markets."""
    places = {"aws-east": 1.0, "aws-west": 1.1, "gcp-north": 1.2}
    return [
        pool
        for place, usd in places.items()
        for pool in both_markets(f"{place}-l4", (1.0,), usd=usd, stock=stock)
    ]


def quota(cap: int, **rest: Any) -> list[dict[str, Any]]:
    return [{"cloud": "aws", "unit": "nodes", "cap": cap, **rest}]


def said(pools: list[Candidate], rate: float, **asked: Any) -> str:
    with pytest.raises(InfeasibleError) as caught:
        plan_from(inputs(pools, demand(rate), **asked))
    text = str(caught.value)
    assert "\n" not in text
    return text


def helps(text: str) -> dict[str, float | str]:
    """Each change that the message names, by the limit's key."""
    _, _, named = text.partition("any one of these makes one: ")
    found = re.findall(r"(?:limits|policy)\.(\w+)(?: \([^)]*\))? \S+ -> (\w[\w.]*)", named)
    return {key: float(to) if to[0].isdigit() else to for key, to in found}


CASES: list[tuple[str, float, dict[str, Any], float]] = [
    ("budget_usd_per_hour", 4, {"budget_usd_per_hour": 3.0}, 0.97),
    ("max_region_share", 4, {"max_region_share": 0.2}, 0.97),
    ("max_cloud_share", 4, {"max_cloud_share": 0.3}, 0.97),
    ("min_regions", 4, {"min_regions": 5}, 4),
    ("min_clouds", 4, {"min_clouds": 3}, 2),
    ("on_demand_share", 12, {"on_demand_share": 0.9}, 1.03),
    ("degraded_share", 30, {"survive": "region", "degraded_share": 1.0}, 1.03),
    ("quotas", 16, {"quotas": quota(2)}, 0.97),
    ("nodes_per_pool", 30, {}, 0.97),
]
"""Limit, demand, what is asked, and the part of the named change (a value for whole ones) that is clearly too little."""


@pytest.mark.parametrize(("limit", "rate", "asked", "less"), CASES, ids=[case[0] for case in CASES])
def test_the_change_that_is_named_makes_a_plan_and_a_smaller_one_does_not(
    limit: str, rate: float, asked: dict[str, Any], less: float
) -> None:
    stock = 3 if limit == "nodes_per_pool" else 6
    pools = market(stock)
    if limit == "on_demand_share":
        pools = [dataclasses.replace(p, stock_nodes=3) if p.market == "on_demand" else p for p in pools]  # fmt: skip
    asked = asked | {"nodes_per_pool": stock}
    named = helps(said(pools, rate, **asked))
    assert limit in named, named
    value = float(named[limit])
    assert solve_mix(_with(pools, rate, asked, limit, value)) is not None
    whole = limit in ("min_regions", "min_clouds", "quotas", "nodes_per_pool")
    smaller = value + (1 if limit.startswith("min_") else -1) if whole else value * less
    assert solve_mix(_with(pools, rate, asked, limit, smaller)) is None


def _with(
    pools: list[Candidate], rate: float, asked: Mapping[str, Any], limit: str, value: float
) -> Problem:
    if limit == "nodes_per_pool":
        pools = [dataclasses.replace(pool, stock_nodes=int(value)) for pool in pools]
        return problem(pools, demand(rate), **asked)
    if limit == "quotas":
        return problem(pools, demand(rate), **asked | {"quotas": quota(int(value))})
    whole = limit.startswith("min_")
    return problem(pools, demand(rate), **asked | {limit: int(value) if whole else value})


def test_each_change_alone_is_confirmed_by_trying_every_plan() -> None:
    pools = [
        candidate(f"{place}-l4", (1.0,), usd=1, stock=2) for place in ("aws-east", "gcp-north")
    ]
    asked = {"budget_usd_per_hour": 2.0, "survive": "region"}
    named = helps(said(pools, 2.0, **asked))
    assert named.keys() == {"budget_usd_per_hour"}, "either alone is too dear still"
    for key, to in named.items():
        assert cheapest(problem(pools, demand(2.0), **asked | {key: to})) is not None


def test_the_milder_level_of_survival_is_named() -> None:
    one_cloud = market()[:4]
    assert helps(said(one_cloud, 2.0, survive="cloud"))["survive"] == "region"
    one_region = market()[:2]
    assert helps(said(one_region, 2.0, survive="region"))["survive"] == "none"


def test_where_no_limit_alone_is_to_blame_the_rate_that_fits_is_told() -> None:
    text = said(market(stock=3), 40.0, nodes_per_pool=3, budget_usd_per_hour=5.0)
    assert "at most 3." in text or "at most 4" in text, text
    assert "budget_usd_per_hour 5" in text


def test_limits_that_contradict_each_other_at_any_rate_are_all_named() -> None:
    text = said(market()[:4], 2.0, min_clouds=2, max_cloud_share=0.5)
    assert text.startswith("no plan within the limits at any rate, and no one limit alone")
    assert "max_cloud_share 0.5" in text
    assert "min_clouds 2" in text


def relaxed(
    rate: float, relax: list[dict[str, Any]], pools: list[Candidate] | None = None, **asked: Any
) -> tuple[Plan, tuple[Relaxed, ...]]:
    given = inputs(pools or market(), demand(rate), relax=relax, **asked)
    plan = plan_from(given)
    names = {"max_region_share": "region_share", "max_cloud_share": "cloud_share", "degraded_share": "keep",
             "on_demand_share": "on_demand_floor", "budget_usd_per_hour": "budget_usd"}  # fmt: skip
    held = {
        names.get(step.limit, step.limit): _value(step.given) for step in plan.decisions.relaxed
    }
    assert broken_promises(plan.to_dict(), **promises(given) | held) == []
    return plan, plan.decisions.relaxed


def _value(given: str) -> float | str:
    return float(given) if given[0].isdigit() else given


def test_what_need_not_be_given_up_is_not() -> None:
    _, steps = relaxed(2.0, [{"limit": "survive", "to": "none"}], survive="region")
    assert steps == ()


def test_of_a_step_only_as_much_is_given_up_as_is_needed() -> None:
    _, steps = relaxed(6.0, [{"limit": "max_region_share", "to": 1.0}], max_region_share=0.2)
    (step,) = steps
    assert (step.limit, step.asked) == ("max_region_share", "0.2")
    assert 1 / 3 <= float(step.given) <= 0.35


def test_steps_are_taken_in_the_spec_s_order_and_each_is_recorded() -> None:
    """Ten requests/s for 2 USD an hour, twelve nodes in one cloud and six in the other: neither limit can be kept."""
    orders = [
        [{"limit": "survive", "to": "none"}, {"limit": "budget_usd_per_hour", "to": 90.0}],
        [{"limit": "budget_usd_per_hour", "to": 90.0}, {"limit": "survive", "to": "none"}],
    ]
    asked = {"survive": "cloud", "budget_usd_per_hour": 2.0}
    for order in orders:
        _, steps = relaxed(10.0, order, **asked)
        assert [step.limit for step in steps] == [step["limit"] for step in order]
    _, steps = relaxed(10.0, orders[1], **asked)
    assert steps[0].given == "90"
    assert (steps[1].asked, steps[1].given) == ("cloud", "none")


def test_survival_is_weakened_step_by_step() -> None:
    order = [{"limit": "survive", "to": "region"}, {"limit": "survive", "to": "none"}]
    _, steps = relaxed(4.0, order, pools=market()[:4], survive="cloud")
    assert [(step.asked, step.given) for step in steps] == [("cloud", "region")]


def test_a_step_that_loosens_nothing_is_not_recorded() -> None:
    order = [
        {"limit": "min_regions", "to": 1},
        {"limit": "degraded_share", "to": 0.9},
        {"limit": "budget_usd_per_hour", "to": 1.0},
        {"limit": "budget_usd_per_hour", "to": 50.0},
    ]
    _, steps = relaxed(4.0, order, budget_usd_per_hour=2.0)
    assert [step.limit for step in steps] == ["budget_usd_per_hour"]


def test_steps_that_do_not_suffice_end_in_the_reason() -> None:
    given = inputs(market(), demand(90.0), survive="region", relax=[{"limit": "survive", "to": "none"}])  # fmt: skip
    with pytest.raises(InfeasibleError, match="no plan for 90 requests/s within the limits"):
        plan_from(given)


def row_with(**price: Any) -> list[dict[str, Any]]:
    return [MARKET[0] | price, *MARKET[1:]]


@pytest.mark.parametrize(
    ("rows", "changes", "error"),
    [
        ([], {}, AllocatorError),
        (row_with(spot_usd=float("nan")), {}, DataError),
        (row_with(spot_usd=-0.5), {}, DataError),
        (row_with(on_demand_usd=float("inf")), {}, DataError),
        (row_with(gpus=0), {}, DataError),
        (None, {"limits__budget_usd_per_hour": float("nan")}, SpecError),
        (None, {"limits__max_region_share": -0.1}, SpecError),
        (None, {"policy__degraded_share": 0}, SpecError),
        (None, {"policy__survive": "zone"}, SpecError),
        (None, {"policy__relax": [{"limit": "nodes", "to": 3}]}, SpecError),
        (None, {"policy__relax": [{"limit": "survive", "to": "all"}]}, SpecError),
        (None, {"limits__quotas": [{"cloud": "aws", "cap": -1}]}, SpecError),
        (None, {"limits__quotas": [{"cap": 1}]}, SpecError),
        (None, {"limits__quotas": [{"cloud": "aws", "cap": 0}], "market__clouds": ["aws"]}, InfeasibleError),
        (None, {"limits__min_clouds": 3, "market__clouds": ["aws", "gcp"]}, InfeasibleError),
        (None, {"limits__budget_usd_per_hour": 0.01}, InfeasibleError),
        (None, {"workload__requests_per_second": 1_000_000}, InfeasibleError),
        (None, {"policy__on_demand_share": 1.0, "market__max_usd_per_gpu_hour": 1.6}, AllocatorError),
    ],
)  # fmt: skip
def test_what_makes_no_plan_is_one_line(tmp_path, rows, changes, error):
    root = project(tmp_path, rows=rows)
    with pytest.raises(error) as caught:
        plan_for(config(**changes), root)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_plan_that_is_made_prints_nothing_either(tmp_path):
    assert json.dumps(plan_for(config(), project(tmp_path)).to_dict())
