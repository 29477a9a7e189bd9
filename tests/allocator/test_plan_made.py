"""Whole plans from the shipped files: promises kept, digest stable, money right."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from allocator.errors import DataError
from allocator.inputs import read_inputs
from allocator.plan import HOURS_PER_MONTH, PPM, Plan
from allocator.planner import plan_for, price_age
from allocator.risk import CELL_USD_PER_HOUR
from allocator.spec import override_section, stack_config
from tests.allocator.builders import promises
from tests.allocator.checker import broken_promises
from tests.allocator.conftest import PROJECT, SNAPSHOT

DIGEST = """
import sys
from pathlib import Path
from allocator.planner import plan_for
from allocator.spec import stack_config
root = Path(sys.argv[1])
print(plan_for(stack_config(root, "dev"), root).digest)
"""


@cache
def shipped(stack: str) -> Plan:
    return plan_for(stack_config(PROJECT, stack), PROJECT)


def planned(config: dict[str, Any], *overrides: str) -> Plan:
    for override in overrides:
        override_section(config, override)
    return plan_for(config, PROJECT)


@pytest.mark.parametrize("stack", ["dev", "staging", "sandbox", "prod"])
def test_a_shipped_stack_s_plan_keeps_every_promise(stack: str) -> None:
    given = read_inputs(stack_config(PROJECT, stack), PROJECT)
    assert broken_promises(shipped(stack).to_dict(), **promises(given)) == []


def test_the_sandbox_s_plan_has_pools_on_all_three_clouds() -> None:
    assert {pool.cloud for pool in shipped("sandbox").decisions.pools if pool.nodes} == {
        "aws",
        "azure",
        "gcp",
    }


@pytest.mark.parametrize("stack", ["dev", "staging", "sandbox", "prod"])
def test_the_proof_is_within_a_tenth_of_a_percent_and_adds_up(stack: str) -> None:
    plan = shipped(stack)
    assert plan.proof.bound_usd_micro <= plan.proof.objective_usd_micro
    assert plan.proof.relative_gap <= 1e-3
    assert not plan.proof.limit_reached
    money = plan.money
    cost = money.hourly_usd_micro + money.expected_fallback_usd_micro
    assert abs(plan.proof.objective_usd_micro - cost) <= len(plan.decisions.pools)


def test_money_is_the_sum_of_nodes_and_prices() -> None:
    plan = shipped("sandbox")
    running = [pool for pool in plan.decisions.pools if pool.nodes]
    nodes = sum(pool.nodes * pool.price_usd_micro_per_hour for pool in running)
    cells = {f"{pool.cloud}-{pool.region}": pool.cloud for pool in running}.values()
    hourly = nodes + sum(round(CELL_USD_PER_HOUR[cloud] * 1e6) for cloud in cells)
    assert plan.money.hourly_usd_micro == hourly
    assert plan.money.monthly_usd_micro == hourly * HOURS_PER_MONTH
    assert plan.money.same_nodes_on_demand_usd_micro >= nodes
    tokens = sum(
        b.requests_per_second * (b.input_tokens + b.output_tokens) for b in plan.decisions.buckets
    )
    assert plan.money.per_million_tokens_usd_micro == pytest.approx(
        hourly / (tokens * 3600) * 1e6, abs=1
    )


def test_the_first_stand_in_of_a_spot_pool_is_the_same_machine_where_it_is_sold_on_demand() -> None:
    pools = {pool.key: pool for pool in shipped("sandbox").decisions.pools}
    covered = {entry.pool: entry.stands for entry in shipped("sandbox").decisions.fallback}
    assert set(covered) == {key for key, pool in pools.items() if pool.role == "spot"}
    sold = {c.key for c in read_inputs(stack_config(PROJECT, "sandbox"), PROJECT).candidates}
    twins = {key: key.removesuffix("spot") for key in covered}
    of_the_same = [key for key, twin in twins.items() if f"{twin}base" in sold]
    assert of_the_same
    for key in of_the_same:
        first = covered[key][0]
        assert (first.pool, first.nodes_ppm) == (f"{twins[key]}fallback", PPM)
        assert pools[first.pool].max_nodes >= pools[key].nodes


def test_max_leaves_room_above_the_nodes_of_every_running_pool_within_its_stock() -> None:
    stock = stack_config(PROJECT, "prod")["limits"]["nodes_per_pool"]
    for pool in shipped("prod").decisions.pools:
        assert pool.nodes < pool.max_nodes <= stock or pool.nodes == stock, pool.key


def test_shares_of_cells_and_of_every_bucket_add_up_exactly() -> None:
    made = shipped("prod").decisions
    assert sum(cell.share_ppm for cell in made.cells) == PPM
    for number in range(len(made.buckets)):
        assert sum(route.shares_ppm[number] for route in made.routing) == PPM


def test_a_cell_knows_every_zone_of_its_region_whatever_the_pools() -> None:
    zones: dict[str, set[str]] = {}
    for offer in json.loads(SNAPSHOT.read_text())["offerings"]:
        zones.setdefault(f"{offer['cloud']}-{offer['region']}", set()).update(offer["zones"])
    for cell in shipped("prod").decisions.cells:
        used = {
            zone
            for pool in shipped("prod").decisions.pools
            if (pool.cloud, pool.region) == (cell.cloud, cell.region)
            for member in pool.members
            for zone in member.zones
        }
        assert used <= set(cell.zones) <= zones[cell.key]


def test_keys_are_unique_and_sorted() -> None:
    made = shipped("prod").decisions
    for keys in (
        [p.key for p in made.pools],
        [c.key for c in made.cells],
        [s.key for s in made.shapes],
    ):
        assert keys == sorted(set(keys))


def test_a_plan_survives_the_trip_through_json_where_every_number_is_a_float() -> None:
    plan = shipped("sandbox")

    def floats(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: floats(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [floats(item) for item in value]
        return float(value) if type(value) is int else value

    data = json.loads(json.dumps(floats(plan.to_dict())))
    assert Plan.from_dict(data) == plan


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_digest_is_the_same_in_another_process_with_other_hashing_and_shuffled_rows(
    root: Path, seed: str
) -> None:
    file = root / "stacks/snapshots" / SNAPSHOT.name
    data = json.loads(file.read_text())
    random.Random(seed).shuffle(data["offerings"])
    file.write_text(json.dumps(data))
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, str(root)],
        cwd=PROJECT, env=os.environ | {"PYTHONHASHSEED": seed}, text=True, capture_output=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == shipped("dev").digest


def test_ten_runs_give_one_digest(config: dict[str, Any]) -> None:
    assert {plan_for(config, PROJECT).digest for _ in range(10)} == {shipped("dev").digest}


@pytest.mark.parametrize(
    ("stack", "refused"), [("dev", False), ("sandbox", False), ("staging", True), ("prod", True)]
)
def test_only_staging_and_prod_refuse_old_prices(stack: str, refused: bool) -> None:
    config, years_later = stack_config(PROJECT, stack), date(2030, 1, 1)
    if refused:
        with pytest.raises(DataError, match=r"market\.refuse_after_days is 365"):
            price_age(shipped("dev"), config, years_later)
    else:
        days, warning = price_age(shipped("dev"), config, years_later)
        assert warning == f"prices of snapshot 2026-08-03 are {days} days old"


def test_prices_of_a_later_day_are_told_and_count_as_new(config: dict[str, Any]) -> None:
    assert price_age(shipped("dev"), config, date(2026, 1, 1)) == (
        0,
        "prices of snapshot 2026-08-03 are of 2026-06-18, after today (2026-01-01)",
    )


def test_a_higher_rate_never_costs_less(config: dict[str, Any]) -> None:
    plans = [planned(config, f"workload.requests_per_second={rate}") for rate in (2, 8, 32, 128)]
    for few, many in itertools.pairwise(plans):
        assert few.proof.bound_usd_micro <= many.proof.objective_usd_micro


def test_a_looser_slo_or_more_regions_never_cost_more(config: dict[str, Any]) -> None:
    tight = planned(config, "workload.requests_per_second=32", "service.slo.tpot_ms=40")
    loose = planned(config, "service.slo.tpot_ms=120")
    wide = planned(config, "market.regions=['*']")
    assert loose.proof.bound_usd_micro <= tight.proof.objective_usd_micro
    assert wide.proof.bound_usd_micro <= loose.proof.objective_usd_micro


def test_the_age_of_prices_is_told_and_refused_by_the_stack_s_own_limits(
    config: dict[str, Any],
) -> None:
    plan = shipped("dev")
    override_section(config, "market.warn_after_days=10")
    override_section(config, "market.refuse_after_days=20")
    assert price_age(plan, config, date(2026, 6, 20)) == (2, "")
    assert price_age(plan, config, date(2026, 6, 30)) == (
        12,
        "prices of snapshot 2026-08-03 are 12 days old",
    )
    with pytest.raises(DataError, match=r"22 days old, market\.refuse_after_days is 20"):
        price_age(plan, config, date(2026, 7, 10))


def test_the_inputs_of_a_plan_are_named_with_their_digests() -> None:
    origin = shipped("sandbox").provenance
    assert (origin.snapshot.name, origin.snapshot.as_of) == ("2026-08-03", "2026-06-18")
    assert origin.workload.name == stack_config(PROJECT, "sandbox")["workload"]["histogram"]
    assert all(len(source.digest) == 64 for source in (origin.snapshot, origin.workload))
    assert origin.snapshot.undated == ("azure spot",)
    shipped_file = json.loads(SNAPSHOT.read_text())
    assert origin.offers == 2 * len(shipped_file["offerings"])
    assert {count.reason: count.offers for count in origin.left_out} == shipped_file["left_out"]
    assert all(count.offers > 0 and count.reason for count in origin.dropped)
    assert sum(count.offers for count in origin.dropped) < origin.offers
