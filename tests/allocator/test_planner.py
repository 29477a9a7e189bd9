"""From a project's files to a Plan: complete, stable, and honest when there is none."""

from __future__ import annotations

import pytest

from allocator.errors import AllocatorError
from allocator.plan import PPM, Plan
from allocator.planner import plan_for
from allocator.spec import stack_config
from tests.allocator.builders import MARKET, ROOT, config, project


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_for(stack_config(ROOT, "sandbox"), ROOT)


def test_every_throughput_number_tells_its_origin(plan):
    for shape in plan.decisions.shapes:
        assert len(shape.origins) == len(shape.requests_per_second) == len(plan.decisions.buckets)
        assert all(shape.origins)


def test_a_plan_with_a_changed_decision_is_refused(plan):
    data = plan.to_dict()
    data["decisions"]["pools"] = data["decisions"]["pools"][1:]
    with pytest.raises(ValueError, match="its decisions hash to"):
        Plan.from_dict(data)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service__model": "llama-3.1-9b"}, "service.model: unknown model 'llama-3.1-9b'; did you mean llama-3.1-8b"),
        ({"workload__histogram": "azure"}, "workload.histogram: unknown histogram 'azure'; "),
        ({"market__snapshot": "smal"}, "market.snapshot: unknown snapshot 'smal'; did you mean small?"),
        ({"service__slo": {"tpot_ms": 1}}, "no allowed GPU serves requests of .* within tpot_ms 1 and ttft_ms 2000"),
        ({"service__model": "llama-3.1-70b", "market__gpus": ["L40S"]}, "weights do not fit in memory"),
        ({"market__max_usd_per_gpu_hour": 0.1}, "no offer within market.* can serve requests of"),
        ({"workload__requests_per_second": 50_000}, "no plan for 50000 requests/s within the limits"),
        ({"limits__budget_usd_per_hour": 0.5}, "any one of these makes one: limits.budget_usd_per_hour 0.5 -> 3.01$"),
        ({"limits__max_region_share": 0.1}, "any one of these makes one: limits.max_region_share 0.1 -> 0.25"),
        ({"market__clouds": ["azure"], "service__slo": {"tpot_ms": 90, "ttft_ms": 9000}, "limits__max_cloud_share": 0.5}, "any one of these makes one: limits.max_cloud_share 0.5 -> 1$"),
    ],
)  # fmt: skip
def test_without_a_plan_one_line_says_what_binds(tmp_path, changes, said):
    with pytest.raises(AllocatorError, match=said) as caught:
        plan_for(config(**changes), project(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_larger_stock_is_never_dearer(tmp_path):
    root = project(tmp_path)
    small, large = (
        plan_for(config(limits__nodes_per_pool=n, workload__requests_per_second=48), root).proof
        for n in (4, 16)
    )
    assert large.bound_usd_micro <= small.objective_usd_micro


def test_a_dearer_market_is_never_cheaper(tmp_path):
    dearer = [row | {"spot_usd": row["spot_usd"] and row["spot_usd"] * 1.1} for row in MARKET]
    before = plan_for(config(), project(tmp_path)).proof
    after = plan_for(config(), project(tmp_path, rows=dearer)).proof
    assert before.bound_usd_micro <= after.objective_usd_micro


@pytest.mark.parametrize("rate", [1, 8, 24])
def test_every_pool_with_nodes_lies_in_a_cell_of_the_plan(rate):
    sections = stack_config(ROOT, "staging", (f"workload.requests_per_second={rate}",))
    made = plan_for(sections, ROOT).decisions
    cells = {cell.key for cell in made.cells}
    assert {f"{pool.cloud}-{pool.region}" for pool in made.pools} == cells
    assert sum(cell.share_ppm for cell in made.cells) == PPM
