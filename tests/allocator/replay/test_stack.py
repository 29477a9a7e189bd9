"""A plan's own groups in a recorded market."""

from __future__ import annotations

import dataclasses
import json

import pytest

from allocator.__main__ import main
from allocator.errors import DataError
from allocator.plan import Hedge, Plan
from allocator.replay.engine import replay
from allocator.replay.report import run_stack
from allocator.replay.stack import build_stack, shipped_traces
from reactor.contract import Parameters
from tests.allocator.builders import ROOT
from tests.allocator.replay.builders import traces
from tests.infra.plans import AWS, AZURE, GCP, plan

REPLICA = 7200  # what one serves of the plan's workload in an hour


def made(*cells, demand: int = 2, reserve: int = 0) -> Plan:
    """A plan that has to serve so many replicas' worth in each cell's cloud."""
    whole = plan(*cells)
    hedge = tuple(
        Hedge(cell.cloud, demand * REPLICA, reserve * REPLICA) for cell in sorted(cells, key=str)
    )
    return dataclasses.replace(whole, decisions=dataclasses.replace(whole.decisions, hedge=hedge))


def stack(whole: Plan, **zones: list[int]):
    return build_stack(whole, traces(**zones), Parameters())


def test_where_spot_is_always_there_the_stack_costs_its_spot_price_and_is_always_up():
    calm = stack(made(AWS), r1a=[1] * 700, r1b=[1] * 700)
    outcome = replay(calm.world, calm.driver())
    assert outcome.availability == 1.0
    assert outcome.cost == pytest.approx(300 / 800, rel=0.05)


def test_where_spot_is_never_there_the_fallback_serves_at_the_on_demand_price():
    dry = stack(made(AWS), r1a=[0] * 700)
    outcome = replay(dry.world, dry.driver())
    assert (outcome.availability, outcome.spot_hours) == (1.0, 0)
    assert outcome.on_demand_hours > 0


def test_a_region_takes_its_namesake_and_the_others_take_turns():
    some = traces(**{"us-east-1a": [1], "us-west-2a": [1], "us-west-2b": [1]})
    some = dataclasses.replace(
        some, traces=tuple(dataclasses.replace(t, region=t.zone[:-1]) for t in some.traces)
    )
    found = build_stack(made(AWS, AZURE, GCP), some, Parameters()).sources
    assert [str(source) for source in found] == [
        "aws-us-east-1 as us-east-1",
        "azure-eastus as us-west-2",
        "gcp-us-central1 as us-east-1, starting at 50 %",
    ]


def test_zones_take_the_middling_recording_first_and_a_1_is_all_that_the_pool_may_hold():
    few = stack(made(GCP), r1a=[0] * 9, r1b=[1, 1, 0] * 3, r1c=[1] * 9)
    spot = few.places["gcp-us-central1-l4x1-tp1-spot"]
    assert len(spot) == 1  # one zone sells the machine
    assert {row[spot[0]] for row in few.world.capacity} == {4, 0}


def test_the_order_of_the_plan_s_pools_means_nothing():
    one = made(AWS, AZURE, GCP)
    pools = one.decisions.pools[::-1]
    other = dataclasses.replace(one, decisions=dataclasses.replace(one.decisions, pools=pools))
    market = {"r1a": [1, 0, 1] * 40, "r2a": [0, 1] * 60}
    outcomes = [
        replay(each.world, each.driver()) for each in (stack(one, **market), stack(other, **market))
    ]
    assert outcomes[0] == outcomes[1]


def test_a_plan_that_serves_nothing_is_refused():
    with pytest.raises(DataError, match="serves no demand"):
        stack(plan(AWS), r1a=[1])


def test_the_bound_is_not_above_what_the_stack_costs():
    whole = made(AWS, AZURE, GCP)
    mixed = stack(whole, r1a=[1, 1, 0] * 90, r1b=[0, 1, 1] * 90, r2a=[1, 0] * 135)
    result = run_stack(whole, mixed, Parameters())
    assert 0 < result.bound <= result.outcome.cost


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(made(AWS, GCP).to_dict()))
    return path


def test_on_the_command_line_it_has_the_keys_of_every_replay(file, capsys):
    folder = shipped_traces(ROOT)[0]
    assert main(["replay", "--plan", str(file), "--traces", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {
        "availability", "cost", "bound", "shortfall", "longest_outage_s", "preemptions", "failed_launches", "spot_hours",
        "on_demand_hours", "setting",
    }  # fmt: skip
    assert told["setting"]["regions"][0] == "aws-us-east-1 as us-east-1"
    assert main(["replay", "--plan", str(file), "--traces", str(folder)]) == 0
    assert "markets: aws-us-east-1 as us-east-1; gcp-us-central1 as us-" in capsys.readouterr().out


def test_explain_says_in_one_line_what_the_stack_would_have_had(file, capsys):
    assert main(["explain", str(file), "--root", str(ROOT)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("replay ")]
    assert len(lines) == 1
    assert "% of the time" in lines[0]


def test_without_shipped_traces_explain_says_nothing_of_a_replay(file, tmp_path, capsys):
    assert main(["explain", str(file), "--root", str(tmp_path)]) == 0
    assert "\nreplay" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plan", "nowhere.json"], "plan nowhere.json: not a plan"),
        (["--policy", "asg-mix"], "--policy does not go with --plan"),
        (["--target", "3"], "--target does not go with --plan"),
        (["--compare"], "--compare does not go with --plan"),
        (["--traces", "nowhere"], "nowhere"),
    ],
)
def test_what_does_not_go_with_a_plan_is_one_line(file, capsys, options, said):
    assert main(["replay", "--plan", str(file), *options]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
