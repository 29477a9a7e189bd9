"""The check of plans finds a right plan right, and every promise that is broken on purpose."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.allocator.checker import broken_promises
from tests.allocator.checker_edits import (
    CLOUD_LOSSES,
    FORM,
    HEDGE,
    LIMITING,
    LOSSES,
    MONEY,
    SERVING,
    Edit,
    found,
    without,
)
from tests.allocator.checker_plan import (
    EAST,
    EAST_SPOT,
    GCP,
    H100,
    L4,
    L4_TP2,
    LIMITS,
    PRICES,
    WEST,
    WEST_SPOT,
    WEST_SPOT_TP2,
    clouds_survive,
    loss,
    nothing_survives,
    plan,
    pool,
    route,
    shape,
)
from tests.allocator.checker_serving import served
from tests.allocator.checker_view import View


@pytest.mark.parametrize("made", [plan(), clouds_survive(), nothing_survives()])
def test_a_right_plan_breaks_no_promise_within_the_tightest_limits(made: dict[str, Any]) -> None:
    assert broken_promises(made, **LIMITS | {"survive": made["decisions"]["survive"]}) == []


def test_a_retiring_pool_stays_without_being_counted_on() -> None:
    """Not even sold any more."""
    made = plan()
    leaving = pool(f"{GCP}-h100x4-tp2-spot", nodes=0, members={"a3.4": 9.0}, on_demand=20.0)
    made["decisions"]["pools"].append(leaving | {"state": "retiring"})
    assert broken_promises(made, **LIMITS) == []
    found(made, leaving["key"])["shape"] = "of-old"
    assert broken_promises(made, **LIMITS) == []


def test_without_limits_only_stock_and_the_plan_itself_are_held_to_account() -> None:
    assert broken_promises(plan(), stock=2, cell_usd=0.2) == []


def test_spot_that_is_not_sold_on_demand_needs_no_fallback() -> None:
    made = plan()
    for key in (WEST_SPOT, WEST_SPOT_TP2):
        without(key.replace("spot", "fallback"))(made)
        found(made, key)["on_demand_usd_micro_per_hour"] = 0
    del made["decisions"]["fallback"][1:]
    made["money"]["same_nodes_on_demand_usd_micro"] = 31_600_000  # there what spot costs
    prices = PRICES | {("aws", "us-west-2", "g6.2", "on_demand"): None}
    assert broken_promises(made, **LIMITS | {"prices": prices}) == []


def test_another_shape_may_stand_in_with_less_of_a_node() -> None:
    made = plan()
    stand = {"pool": f"{EAST}-h100x2-tp2-fallback", "nodes_ppm": 357_143}
    made["decisions"]["fallback"][2]["stands"].append(stand)
    assert broken_promises(made, **LIMITS) == []


def test_a_route_that_carries_nothing_may_lead_nowhere() -> None:
    made = plan()
    made["decisions"]["routing"].append(route("aws-eu-west-1", H100, 0, 0))
    assert broken_promises(made, **LIMITS) == []


def test_shares_that_whole_ppm_round_up_by_one_overload_nothing() -> None:
    made = plan()
    found(made, EAST_SPOT)["nodes"] = 0
    found(made, WEST_SPOT_TP2)["nodes"] = 0
    routes = made["decisions"]["routing"] = [
        route(WEST, L4, 333_334, 0),
        route(GCP, H100, 666_666, 1_000_000),
    ]
    found(made, WEST_SPOT)["replicas_per_node"] = 1  # 2 req/s of 6: exactly a third
    made["decisions"]["buckets"][0]["requests_per_second"] = 6.0
    assert not [line for line in broken_promises(made, **LIMITS) if line.startswith(f"{WEST} {L4}")]
    routes[0]["shares_ppm"][0] += 20
    assert f"{WEST} {L4} is loaded 1.000062 with 1 replicas" in broken_promises(made, **LIMITS)


@pytest.mark.parametrize(
    ("rates", "part"),
    [((8.0, 4.0), 1.0), ((4.0, 2.0), 1.0), ((1.0, 1.0), 0.5), ((2.0, 0.0), 0.0)],
)
def test_the_part_served_is_what_three_replicas_can_do(
    rates: tuple[float, ...], part: float
) -> None:
    made = plan()
    made["decisions"]["shapes"] = [shape(H100, *rates), shape(L4, 0.0, 0.0), shape(L4_TP2, 0.0, 0.0)]  # fmt: skip
    view = View(made)
    assert served(view, view.serving) == pytest.approx(part, abs=1e-7)


def test_the_part_served_gives_each_shape_what_it_is_best_at() -> None:
    """By hand, 8 and 8 req/s: the l4 do 4 of the small ones, h100 does 4 large ones. l4-tp2 (5 or 1) gives the sixth
    of its time to small ones: 4 + 5/6 of each 8."""
    made = plan()
    for part in made["decisions"]["buckets"]:
        part["requests_per_second"] = 8.0
    view = View(made)
    on_aws = [p for p in view.serving if p["cloud"] == "aws"]
    assert served(view, on_aws) == pytest.approx(29 / 48, abs=1e-7)


@pytest.mark.parametrize(("edit", "words"), SERVING + LOSSES + LIMITING + MONEY + HEDGE + FORM)
def test_a_broken_promise_is_named(edit: Edit, words: str) -> None:
    made = plan()
    edit(made)
    broken = broken_promises(made, **LIMITS)
    assert any(words in line for line in broken), broken


@pytest.mark.parametrize(("edit", "words"), CLOUD_LOSSES)
def test_a_broken_promise_about_a_cloud_is_named(edit: Edit, words: str) -> None:
    made = clouds_survive()
    edit(made)
    broken = broken_promises(made, **LIMITS | {"survive": "cloud"})
    assert any(words in line for line in broken), broken


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"stock": 0}, f"stock of {EAST}-h100x2-spot is 0, the plan has 1"),
        ({"stock": 1}, f"stock of {WEST}-l4x2-spot is 1, the plan has 2"),
        ({"region_share": 0.49}, f"{GCP} has 0.497041 of the capacity, allowed is 0.49"),
        ({"cloud_share": 0.5}, "aws has 0.502959 of the capacity, allowed is 0.5"),
        ({"budget_usd": 26.1}, "budget is 26.1 USD per hour, the plan costs 26.2"),
        ({"cell_usd": {"aws": 0.2, "gcp": 0.3}}, "money: cells is 600000 micro-USD, should be 700000"),
        ({"cell_usd": {"aws": 0.2, "gcp": 0.2, EAST: 0.0}}, "money: cells is 600000 micro-USD, should be 400000"),
        ({"min_regions": 4}, "3 regions in use, promised are 4"),
        ({"min_clouds": 3}, "2 clouds in use, promised are 3"),
        ({"switching_usd": 0.5}, "objective is 26340000 micro-USD, the plan costs 26840000"),
        ({"survive": "cloud"}, "survives region, asked was cloud"),
        ({"prices": PRICES | {("aws", "us-east-1", "p5.2", "spot"): 3.5}}, f"{EAST_SPOT}: p5.2 costs 4000000, the market says 3.5 USD"),
        ({"quotas": [{"cloud": "gcp", "region": None, "market": "on_demand", "gpus": ["H100"], "unit": "gpus", "cap": 3}]}, "'cap': 3} is used up to 4"),
        ({"quotas": [{"cloud": "aws", "region": None, "market": "spot", "gpus": ["L4"], "unit": "nodes", "cap": 1}]}, "'cap': 1} is used up to 2"),
    ],
)  # fmt: skip
def test_a_tighter_limit_breaks_the_plan(limits: dict[str, Any], words: str) -> None:
    broken = broken_promises(plan(), **LIMITS | limits)
    assert any(words in line for line in broken), broken


@pytest.mark.parametrize(
    "quota",
    [
        {"cloud": "gcp", "region": "us-west-2", "market": None, "gpus": None, "unit": "nodes", "cap": 0},
        {"cloud": "aws", "region": None, "market": "on_demand", "gpus": None, "unit": "nodes", "cap": 0},
        {"cloud": "aws", "region": None, "market": None, "gpus": ["B200"], "unit": "nodes", "cap": 0},
    ],
)  # fmt: skip
def test_a_quota_of_something_else_is_not_used(quota: dict[str, Any]) -> None:
    assert broken_promises(plan(), **LIMITS | {"quotas": [quota]}) == []


def test_less_may_be_kept_where_less_is_promised() -> None:
    """Without east, the loss of gcp leaves 2 l4 and 1 l4-tp2: half of the large bucket."""
    made = plan()
    made["decisions"]["routing"][0] = route(GCP, H100, 500_000, 900_000)
    made["decisions"]["routing"].pop()
    found(made, EAST_SPOT)["nodes"] = 0
    left = [route(WEST, L4, 1_000_000, 0), route(WEST, L4_TP2, 0, 1_000_000)]
    made["decisions"]["losses"] = [
        loss(WEST, route(GCP, H100, 1_000_000, 1_000_000)),
        loss(GCP, *left) | {"served_ppm": 500_000},
    ]

    def losses(keep: float) -> list[str]:
        broken = broken_promises(made, **LIMITS | {"keep": keep})
        return [line for line in broken if line.startswith("after the loss")]

    assert losses(0.5) == []
    assert losses(0.6) == [
        f"after the loss of {GCP} the pools serve 0.500000, promised is 0.6",
        f"after the loss of {GCP} the plan says 0.500000 is served, promised is 0.6",
    ]
    made["decisions"]["losses"][1]["served_ppm"] = 500_100
    assert losses(0.5) == [
        f"after the loss of {GCP} {WEST} {L4_TP2} is loaded 1.000200 with 1 replicas"
    ]


def test_the_check_uses_nothing_of_the_program() -> None:
    for file in Path(__file__).parent.glob("checker*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                own = name.startswith("tests.allocator.checker_")
                known = name.split(".")[0] in {"numpy", "scipy", *sys.stdlib_module_names}
                assert own or known, f"{file.name} imports {name}"
