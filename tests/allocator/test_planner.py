"""From a project's files to a Plan: complete, stable, and honest when there is none."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from allocator.errors import AllocatorError, DataError
from allocator.plan import PPM, Plan
from allocator.planner import plan_for, price_age
from allocator.spec import stack_config
from tests.allocator.builders import MARKET, ROOT, config, project


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_for(stack_config(ROOT, "sandbox"), ROOT)


def test_routing_sends_every_bucket_somewhere_completely(plan):
    sent = defaultdict(int)
    for route in plan.decisions.routing:
        sent[route.bucket] += route.share_ppm
    assert sent == dict.fromkeys(range(len(plan.decisions.buckets)), PPM)
    assert sum(cell.share_ppm for cell in plan.decisions.cells) == PPM


def test_requests_only_go_where_their_shape_runs_and_can_serve_them(plan):
    made = plan.decisions
    running = {(f"{p.cloud}-{p.region}", p.shape) for p in made.pools if p.nodes}
    rates = {shape.key: shape.requests_per_second for shape in made.shapes}
    for route in made.routing:
        assert (route.cell, route.shape) in running
        assert rates[route.shape][route.bucket] > 0


def test_every_spot_pool_has_an_empty_on_demand_stand_in_of_its_cloud(plan):
    by_key = {pool.key: pool for pool in plan.decisions.pools}
    spot = [pool for pool in plan.decisions.pools if pool.role == "spot"]
    assert {fallback.pool for fallback in plan.decisions.fallback} == {pool.key for pool in spot}
    for fallback in plan.decisions.fallback:
        stand = by_key[fallback.stands[0].pool]
        covered = by_key[fallback.pool]
        assert (stand.role, stand.nodes, stand.cloud) == ("fallback", 0, covered.cloud)
        assert stand.max_nodes >= covered.nodes
        assert stand.price_usd_micro_per_hour > covered.price_usd_micro_per_hour


def test_the_bill_is_that_of_the_pools_and_below_the_same_nodes_on_demand(plan):
    hourly = sum(pool.nodes * pool.price_usd_micro_per_hour for pool in plan.decisions.pools)
    assert plan.money.hourly_usd_micro == hourly == plan.proof.objective_usd_micro
    assert plan.money.same_nodes_on_demand_usd_micro > hourly
    assert 0 <= plan.proof.relative_gap <= 1e-3


def test_every_throughput_number_tells_its_origin(plan):
    for shape in plan.decisions.shapes:
        assert len(shape.origins) == len(shape.requests_per_second) == len(plan.decisions.buckets)
        assert all(shape.origins)


def test_a_plan_reads_back_as_it_was_also_when_numbers_come_as_floats(plan):
    through_state = json.loads(json.dumps(plan.to_dict()), parse_int=float)
    assert Plan.from_dict(through_state) == plan


def test_a_plan_with_a_changed_decision_is_refused(plan):
    data = plan.to_dict()
    data["decisions"]["pools"] = data["decisions"]["pools"][1:]
    with pytest.raises(ValueError, match="its decisions hash to"):
        Plan.from_dict(data)


def plan_digest(root: Path, seed: int = 0) -> str:
    """The digest as a process of its own finds it."""
    command = [
        sys.executable,
        "-m",
        "allocator",
        "plan",
        "--stack",
        "test",
        "--root",
        str(root),
        "--json",
    ]
    env = os.environ | {"PYTHONHASHSEED": str(seed)}
    printed = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    digest: str = json.loads(printed.stdout)["digest"]
    return digest


def test_ten_runs_of_any_row_order_and_hash_seed_are_one_plan(tmp_path):
    shipped = json.loads((ROOT / "stacks/snapshots/2026-08-03.json").read_text())["offerings"]
    stack = (ROOT / "stacks/Pulumi.sandbox.yaml").read_text().replace('"2026-08-03"', "small")
    digests = set()
    for seed in range(10):
        rows = random.Random(seed).sample(shipped, len(shipped))
        (project(tmp_path, rows=rows) / "stacks/Pulumi.test.yaml").write_text(stack)
        digests.add(plan_digest(tmp_path, seed))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service__model": "llama-3.1-9b"}, "service.model: unknown model 'llama-3.1-9b'; did you mean llama-3.1-8b"),
        ({"workload__histogram": "azure"}, "workload.histogram: unknown histogram 'azure'; "),
        ({"market__snapshot": "smal"}, "market.snapshot: unknown snapshot 'smal'; did you mean small?"),
        ({"service__slo": {"tpot_ms": 1}}, "no allowed GPU serves requests of .* within tpot_ms 1 and ttft_ms 2000"),
        ({"service__model": "llama-3.1-70b", "market__gpus": ["L40S"]}, "does not fit in memory"),
        ({"market__max_usd_per_gpu_hour": 0.1}, "no offer within market.* can serve requests of"),
        ({"workload__requests_per_second": 50_000}, "50000 requests/s exceed all stock within market.*: at most "),
        ({"limits__budget_usd_per_hour": 0.5}, "limits.budget_usd_per_hour 0.5 leaves no plan .*without it: "),
        ({"limits__max_region_share": 0.1}, "limits.max_region_share 0.1 leaves no plan"),
        ({"market__clouds": ["azure"], "service__slo": {"tpot_ms": 90, "ttft_ms": 9000}, "limits__max_cloud_share": 0.5}, "limits.max_cloud_share 0.5 leaves no plan"),
    ],
)  # fmt: skip
def test_without_a_plan_one_line_says_what_binds(tmp_path, changes, said):
    with pytest.raises(AllocatorError, match=said) as caught:
        plan_for(config(**changes), project(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_larger_stock_is_never_dearer(tmp_path):
    root = project(tmp_path)
    small, large = (
        plan_for(config(limits__nodes_per_pool=n, workload__requests_per_second=48), root).money
        for n in (4, 16)
    )
    assert large.hourly_usd_micro <= small.hourly_usd_micro


def test_a_dearer_market_is_never_cheaper(tmp_path):
    dearer = [row | {"spot_usd": row["spot_usd"] and row["spot_usd"] * 1.1} for row in MARKET]
    before = plan_for(config(), project(tmp_path)).money.hourly_usd_micro
    assert plan_for(config(), project(tmp_path, rows=dearer)).money.hourly_usd_micro >= before


def test_old_prices_are_told_and_too_old_ones_refused(plan):
    settings = config(market__warn_after_days=10, market__refuse_after_days=100)
    as_of = date.fromisoformat(plan.provenance.snapshot.as_of)
    assert price_age(plan, settings, as_of) == (0, "")
    days, warning = price_age(plan, settings, date.fromordinal(as_of.toordinal() + 11))
    assert (days, "11 days old" in warning) == (11, True)
    with pytest.raises(DataError, match=r"101 days old, market\.refuse_after_days is 100"):
        price_age(plan, settings, date.fromordinal(as_of.toordinal() + 101))
