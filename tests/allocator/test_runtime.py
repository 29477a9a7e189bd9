"""What the reactors of one cloud get of a plan."""

from __future__ import annotations

import dataclasses
import json

from allocator.plan import Budget, Decisions, Fallback, Hedge, Plan, QuotaGroup, Stand, Weight
from allocator.runtime import published, runtime_plan
from reactor.published import Published
from tests.infra.plans import AWS, AZURE, plan, pool


def changed(**decisions: object) -> Plan:
    made = plan()
    old: Decisions = made.decisions
    return dataclasses.replace(made, decisions=dataclasses.replace(old, **decisions))


def test_a_cloud_gets_its_own_groups_demand_and_budget_and_no_others():
    made = changed(
        hedge=(Hedge("aws", 9000, 5000), Hedge("gcp", 1, 1)),
        budgets=(Budget("aws", 5_000_000), Budget("gcp", 1)),
    )
    runtime = runtime_plan(made, "aws")
    assert {group.cloud for group in runtime.groups} == {"aws"}
    assert (runtime.demand_units, runtime.reserve_units) == (9000, 5000)
    assert runtime.budget_usd_micro_per_hour == 5_000_000
    assert runtime.digest == made.digest


def test_what_the_plan_holds_is_never_more_than_its_nodes_add_up_to():
    nodes = 2 * 2 * 3600  # as planned, in whole units
    runtime = runtime_plan(changed(hedge=(Hedge("aws", nodes - 100, 101),)), "aws")
    assert (runtime.demand_units, runtime.reserve_units) == (nodes - 100, 100)


def test_a_node_counts_what_its_replicas_serve_of_the_workload_in_an_hour():
    two = pool(AWS, replicas_per_node=2)
    (group,) = runtime_plan(plan(AWS, pools=(two,)), "aws").groups
    assert group.units_per_node == 2 * 2 * 3600  # replicas x requests per second x seconds


def test_on_azure_every_instance_type_is_a_group_and_together_they_stay_within_the_pool():
    spot = pool(AZURE)
    runtime = runtime_plan(plan(AZURE, pools=(spot,)), "azure")
    first, second = runtime.groups
    assert (first.planned_nodes, second.planned_nodes) == (spot.nodes, 0)
    assert second.price_usd_micro_per_hour > first.price_usd_micro_per_hour
    (quota,) = runtime.quota_groups
    assert quota.cap == spot.max_nodes
    assert [weight.group for weight in quota.weights] == [first.key, second.key]


def test_stand_ins_and_quotas_name_groups():
    spot, fallback = pool(AZURE), pool(AZURE, "fallback")
    made = changed(
        cells=(AZURE,), pools=(spot, fallback),
        fallback=(Fallback(spot.key, (Stand(fallback.key, 1_000_000),)),),
        quota_groups=(QuotaGroup("q", 9, (Weight(spot.key, 4),)),),
    )  # fmt: skip
    runtime = runtime_plan(made, "azure")
    known = {group.key for group in runtime.groups}
    stood_in_for = next(group for group in runtime.groups if group.role == "spot")
    assert stood_in_for.fallback
    assert set(stood_in_for.fallback) < known
    named = next(quota for quota in runtime.quota_groups if quota.key == "q")
    assert {(weight.group in known, weight.per_node) for weight in named.weights} == {(True, 4)}


def test_the_published_text_is_what_the_reactor_reads_and_equal_for_equal_plans():
    made = plan(AWS)
    ids = {group.key: f"id of {group.key}" for group in runtime_plan(made, "aws").groups}
    text = published(made, "aws", ids, ("skyblend-stack", "test"))
    read = Published.from_json(text)
    assert {target.group: target.resource for target in read.targets} == ids
    assert read.stack == "test"
    reordered = dict(reversed(ids.items()))
    assert published(made, "aws", reordered, ("skyblend-stack", "test")) == text
    assert json.loads(text)["plan"]["digest"] == made.digest
