"""How managed instance groups of the emulated Google Cloud come to their size: stock, quota, shape, updates."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sandbox.kind import Context
from sandbox.machines import machines_of, quota_name
from sandbox.refusal import Refusal
from sandbox.world import Record
from tests.sandbox.gcp_builders import (
    GROUP,
    REGION,
    ZONES,
    context,
    create,
    group,
    group_inputs,
    template,
    update,
)


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return context(tmp_path)


def spread(ctx: Context, record: Record) -> Counter[str]:
    return Counter(machine.body["zone"] for machine in machines_of(ctx.world, record))


def set_stock(ctx: Context, zone: str, machine_type: str, count: int) -> None:
    ctx.world.set_setting(f"stock/gcp/{REGION}/{zone}/{machine_type}/spot", str(count))


def error_codes(record: Record) -> set[str]:
    return {item["error"]["code"] for item in record.live["errors"]}


def test_a_balanced_group_fills_its_zones_alike(ctx: Context) -> None:
    assert spread(ctx, group(ctx)) == {ZONES[0]: 2, ZONES[1]: 2}


def test_a_balanced_group_tolerates_a_dry_zone(ctx: Context) -> None:
    set_stock(ctx, ZONES[0], "g2-standard-4", 0)
    record = group(ctx)
    assert spread(ctx, record) == {ZONES[1]: 4}
    assert record.live["errors"] == []


def test_an_even_group_stalls_at_a_dry_zone(ctx: Context) -> None:
    set_stock(ctx, ZONES[0], "g2-standard-4", 0)
    record = group(ctx, distributionPolicyTargetShape="EVEN")
    assert spread(ctx, record) == {ZONES[1]: 1}
    assert error_codes(record) == {"ZONE_RESOURCE_POOL_EXHAUSTED"}


def test_a_single_zone_group_stays_in_its_zone(ctx: Context) -> None:
    set_stock(ctx, ZONES[1], "g2-standard-4", 3)
    record = group(ctx, distributionPolicyTargetShape="ANY_SINGLE_ZONE", targetSize=2)
    assert spread(ctx, record) == {ZONES[0]: 2}


def test_no_stock_is_no_error_of_the_call_but_an_item_of_list_errors(ctx: Context) -> None:
    for zone in ZONES:
        set_stock(ctx, zone, "g2-standard-4", 1)
    record = group(ctx)
    assert spread(ctx, record) == {ZONES[0]: 1, ZONES[1]: 1}
    assert record.body["targetSize"] == 4
    (item,) = record.live["errors"]
    assert item["error"]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    assert "does not have enough resources available" in item["error"]["message"]
    assert item["instanceActionDetails"]["action"] == "CREATING"


def test_a_provider_that_waits_fails_when_machines_do_not_come(ctx: Context) -> None:
    for zone in ZONES:
        set_stock(ctx, zone, "g2-standard-4", 0)
    with pytest.raises(Refusal, match="0 of 4 are running"):
        group(ctx, waitForInstances=True)
    assert ctx.world.all("gcp", GROUP.name) == []


def test_spot_machines_count_against_the_preemptible_quota(ctx: Context) -> None:
    ctx.world.set_setting(quota_name("gcp", REGION, "PREEMPTIBLE_NVIDIA_L4_GPUS"), "8")
    record = group(ctx)
    assert len(machines_of(ctx.world, record)) == 2
    assert error_codes(record) == {"QUOTA_EXCEEDED"}


def test_the_flexibility_policy_overrides_the_template_in_order_of_rank(ctx: Context) -> None:
    for zone in ZONES:
        set_stock(ctx, zone, "g2-standard-8", 1)
    selections = [
        {"name": "a", "machineTypes": ["g2-standard-4"], "rank": 2},
        {"name": "b", "machineTypes": ["g2-standard-8"], "rank": 1},
    ]
    record = group(ctx, instanceFlexibilityPolicy={"instanceSelections": selections})
    bought = Counter(m.body["instance_type"] for m in machines_of(ctx.world, record))
    assert bought == {"g2-standard-8": 2, "g2-standard-4": 2}


def test_an_unsold_machine_type_is_reported_and_nothing_runs(ctx: Context) -> None:
    record = create(ctx, GROUP, **group_inputs(template(ctx, machineType="g2-standard-96")))
    assert machines_of(ctx.world, record) == []
    assert error_codes(record) == {"RESOURCE_NOT_FOUND"}


def test_a_standard_template_buys_on_demand(ctx: Context) -> None:
    standard = template(ctx, scheduling={"onHostMaintenance": "TERMINATE"})
    record = create(ctx, GROUP, **group_inputs(standard))
    assert {m.body["market"] for m in machines_of(ctx.world, record)} == {"on_demand"}


def test_a_size_left_out_is_zero_at_first_and_kept_later(ctx: Context) -> None:
    inputs = group_inputs(template(ctx))
    del inputs["targetSize"]
    record = create(ctx, GROUP, **inputs)
    assert record.body["targetSize"] == 0
    record.body["targetSize"] = 3
    ctx.world.put(record)
    update(ctx, GROUP, record, inputs, namedPorts=[{"name": "serve", "port": 8000}])
    assert len(machines_of(ctx.world, record)) == record.body["targetSize"] == 3


def test_a_new_size_in_the_program_resizes_both_ways(ctx: Context) -> None:
    inputs = group_inputs(template(ctx))
    record = create(ctx, GROUP, **inputs)
    for size in (6, 1, 0):
        update(ctx, GROUP, record, inputs, targetSize=size)
        assert len(machines_of(ctx.world, record)) == size


def test_an_update_of_another_field_keeps_a_size_that_others_set(ctx: Context) -> None:
    inputs = group_inputs(template(ctx))
    record = create(ctx, GROUP, **inputs)
    record.body["targetSize"] = 7
    ctx.world.put(record)
    update(ctx, GROUP, record, inputs, standbyPolicy={"mode": "MANUAL"})
    assert len(machines_of(ctx.world, record)) == 7


@pytest.mark.parametrize(("kind", "replaced"), [("PROACTIVE", True), ("OPPORTUNISTIC", False)])
def test_a_new_template_replaces_machines_if_the_policy_is_proactive(
    ctx: Context, kind: str, *, replaced: bool
) -> None:
    policy = {"type": kind, "minimalAction": "REPLACE"}
    inputs = group_inputs(template(ctx), updatePolicy=policy)
    record = create(ctx, GROUP, **inputs)
    before = {machine.id for machine in machines_of(ctx.world, record)}
    newer = template(ctx, "newer").live["selfLink"]
    update(ctx, GROUP, record, inputs, versions=[{"instanceTemplate": newer}])
    after = {machine.id for machine in machines_of(ctx.world, record)}
    assert len(after) == 4
    assert (before & after == set()) is replaced
