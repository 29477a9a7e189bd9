"""Decisions that can be checked by hand."""

from __future__ import annotations

from reactor.contract import FailedLaunch, GroupState, Memory, Notice, Observation, Parameters
from reactor.policy import decide
from tests.reactor.builders import (
    HOUR,
    UNIT,
    USD,
    group,
    old_memory,
    plan,
    quota,
    running,
    seen,
    sizes,
    state,
)


def test_an_empty_fleet_asks_spot_and_covers_all_of_the_demand_on_demand_meanwhile():
    decided = sizes(decide(plan(), seen(), Memory(), 0.0))
    assert decided["east"] + decided["west"] >= 4
    assert decided["fallback"] == 4


def test_on_demand_stays_until_spot_is_ready_and_then_goes():
    waiting = decide(plan(), seen(state("west", starting=4), running("fallback", 4)), Memory(), 0.0)
    assert sizes(waiting)["fallback"] == 4
    memory = old_memory(state("west", 4))
    served = decide(plan(), seen(state("west", 4), running("fallback", 4)), memory, 50 * HOUR)
    assert sizes(served)["fallback"] == 0


def test_a_calm_fleet_is_left_alone():
    memory = old_memory(state("west", 2, 2))
    decided = decide(plan(), seen(state("west", 2, 2)), memory, 50 * HOUR)
    assert sizes(decided) == {"east": 0, "west": 4, "fallback": 0}
    assert decided.reasons == ()


def test_a_notice_raises_on_demand_and_spot_at_once_and_keeps_the_doomed_node_counted():
    memory = old_memory(state("west", 2, 2))
    notices = (
        Notice("i-1", "west", "a", 50 * HOUR + 120),
        Notice("i-2", "west", "a", 50 * HOUR + 120),
    )
    decided = decide(plan(), seen(state("west", 2, 2), notices=notices), memory, 50 * HOUR)
    assert sizes(decided)["fallback"] >= 2
    assert sizes(decided)["west"] >= 4
    assert sum(sizes(decided).values()) >= 4 + 2 + 2
    assert "2 under notice" in next(
        r.text for r in decided.reasons if r.group == "fallback" or "notice" in r.text
    )


def test_a_refusing_zone_rests_and_others_are_asked():
    memory = old_memory()
    failed = (FailedLaunch("east", "a", HOUR), FailedLaunch("east", "b", HOUR))
    decided = decide(plan(), seen(failed=failed), memory, HOUR)
    assert sizes(decided)["east"] == 0
    assert sizes(decided)["west"] >= 4


def test_where_every_zone_refused_the_longest_quiet_group_is_tried():
    failed = tuple(
        FailedLaunch(key, zone, HOUR - late)
        for key, late in (("east", 10), ("west", 20))
        for zone in ("a", "b")
    )
    decided = decide(plan(), seen(failed=failed), old_memory(), HOUR)
    assert sizes(decided)["west"] > 0
    assert sizes(decided)["fallback"] == 4


def test_a_lost_node_is_noticed_by_its_absence():
    memory = old_memory(state("west", 2, 2))
    decided = decide(plan(), seen(state("west", 2, 0)), memory, 50 * HOUR)
    entry = next(z for z in decided.memory.zones if (z.group, z.zone) == ("west", "b"))
    assert entry.bad_s == 50 * HOUR
    assert decided.memory.losses == decided.memory.whole_losses == 1
    assert sizes(decided)["fallback"] == 2


def test_nodes_that_the_policy_stopped_are_not_losses():
    memory = old_memory(state("west", 5, 5))
    fewer = decide(plan(), seen(state("west", 5, 5)), memory, 50 * HOUR)
    assert sizes(fewer)["west"] < 10
    left = sizes(fewer)["west"]
    after = decide(plan(), seen(state("west", left, 0)), fewer.memory, 50 * HOUR + 60)
    assert after.memory.losses == 0


def test_the_reserve_is_held_above_the_demand():
    memory = old_memory(state("west", 2, 2))
    decided = decide(plan(reserve_units=3 * UNIT), seen(state("west", 2, 2)), memory, 50 * HOUR)
    assert sizes(decided)["west"] + sizes(decided)["east"] >= 7
    assert sizes(decided)["fallback"] == 0


def test_larger_nodes_count_by_their_units():
    groups = (
        group("east", units_per_node=2 * UNIT),
        group("fallback", "fallback"),
        group("west", max_nodes=0),
    )
    decided = decide(plan(*groups), seen(state("east", 1, 1)), Memory(), 0.0)
    assert sizes(decided)["fallback"] == 0


def test_fallback_goes_where_the_shortest_pool_names_it():
    groups = (
        group("east", planned_nodes=4, fallback=("near", "far")),
        group("far", "fallback", price_usd_micro_per_hour=USD // 2),
        group("near", "fallback", max_nodes=3),
    )
    observed = Observation((state("east"), running("far", 0), running("near", 0)))
    decided = sizes(decide(plan(*groups), observed, Memory(), 0.0))
    assert (decided["near"], decided["far"]) == (3, 1)


def test_base_nodes_serve_first():
    groups = (group("base", "base", planned_nodes=3), group("east"), group("fallback", "fallback"))
    observed = Observation((running("base", 3), state("east", 1), running("fallback", 0)))
    decided = sizes(decide(plan(*groups), observed, Memory(), 0.0))
    assert decided["base"] == 3
    assert decided["fallback"] == 0


def test_a_retiring_group_goes_when_others_serve_and_not_before():
    groups = (group("east"), group("old", state="retiring"), group("fallback", "fallback"))
    early = Observation((state("east", starting=4), state("old", 2, 2), running("fallback", 0)))
    late = Observation((state("east", 2, 2), state("old", 2, 2), running("fallback", 0)))
    assert sizes(decide(plan(*groups), early, Memory(), 0.0))["old"] == 4
    assert sizes(decide(plan(*groups), late, Memory(), 0.0))["old"] == 0


def test_growth_stops_at_maximum_quota_and_budget():
    narrow = plan(
        group("east", max_nodes=3), group("west", max_nodes=0), group("fallback", "fallback")
    )
    assert sizes(decide(narrow, seen(), Memory(), 0.0))["east"] == 3
    shared = plan(quota_groups=(quota(5, "east", "west", "fallback"),))
    assert sum(sizes(decide(shared, seen(), Memory(), 0.0)).values()) == 5
    poor = plan(budget_usd_micro_per_hour=2 * USD)
    cost = decide(poor, seen(), Memory(), 0.0)
    total = sum(
        nodes * (USD if key == "fallback" else 300_000) for key, nodes in sizes(cost).items()
    )
    assert total <= 2 * USD
    assert any("cut by budget" in reason.text for reason in cost.reasons)


def test_a_group_that_could_not_be_observed_is_left_alone_and_remembered():
    memory = old_memory(state("west", 4))
    without = Observation((state("east", 4), GroupState("fallback", 0, ())))
    decided = decide(plan(), without, memory, HOUR)
    assert "west" not in sizes(decided)
    assert [z for z in decided.memory.zones if z.group == "west"] == [
        z for z in memory.zones if z.group == "west"
    ]


def test_a_young_zone_is_hedged_and_an_old_one_is_not():
    demanding = plan(parameters=Parameters(shortage_price=200.0, common_shortage=1.0))
    observed = seen(state("west", 4))
    young = decide(demanding, observed, Memory(), 0.0)
    old = decide(demanding, observed, old_memory(state("west", 4)), 2000 * HOUR)
    assert sum(sizes(young).values()) > sum(sizes(old).values())


def test_with_notice_longer_than_the_cold_start_nothing_is_hedged():
    quick = (
        group("east", cold_start_s=60.0),
        group("west", cold_start_s=60.0),
        group("fallback", "fallback"),
    )
    decided = decide(plan(*quick), seen(state("west", 4)), Memory(), 0.0)
    assert sizes(decided) == {"east": 0, "west": 4, "fallback": 0}


def test_where_the_plan_holds_a_reserve_nothing_on_demand_stands_by():
    held = seen(state("east", 3, 0))  # one young zone: all may go at once
    alone = decide(plan(demand=3), held, Memory(), 0.0)
    reserved = decide(plan(demand=3, reserve_units=UNIT), held, Memory(), 0.0)
    assert sizes(alone)["fallback"] >= sizes(reserved)["fallback"] == 0
