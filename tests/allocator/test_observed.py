"""What the reactors saw, in the next plan."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from allocator.errors import AllocatorError
from allocator.observed import Observed
from allocator.plan import Plan, Source
from allocator.planner import plan_for, plan_from
from tests.allocator.builders import candidate, config, demand, inputs, project
from tests.allocator.test_deployed import EAST, market, nodes, planned, states


def observed(tmp_path: Path, *clouds: dict[str, Any], **changes: Any) -> Path:
    """A project whose stacks name such a file."""
    root = project(tmp_path)
    (root / "stacks/observed").mkdir(exist_ok=True)
    body = {"schema_version": 1, "fetched": "2026-11-01T00:00:00Z", "clouds": clouds} | changes
    (root / "stacks/observed/now.json").write_text(json.dumps(body))
    return root


def planned_with(root: Path, **changes: Any) -> Plan:
    slow = {"tpot_ms": 90, "ttft_ms": 9000}
    return plan_for(
        config(
            market__observed="now", service__slo=slow, workload__requests_per_second=48, **changes
        ),
        root,
    )


def spot_nodes(plan: Plan) -> dict[str, int]:
    return {pool.key: pool.nodes for pool in plan.decisions.pools if pool.role == "spot"}


def test_a_pool_that_was_dry_gets_no_more_than_it_had(tmp_path):
    root = observed(tmp_path)
    before = spot_nodes(planned_with(root))
    dry = max(before, key=lambda key: before[key])
    cloud = dry.partition("-")[0]
    root = observed(
        tmp_path,
        {"cloud": cloud, "groups": [], "dry": [{"group": f"{dry}/some-type", "nodes": 1}]},
    )
    after = planned_with(root)
    assert spot_nodes(after).get(dry, 0) <= 1 < before[dry]
    assert after.provenance.observed is not None
    assert after.provenance.observed.name == "now"


def test_a_cloud_that_does_not_answer_gets_nothing_and_the_drops_say_so(tmp_path):
    root = observed(tmp_path, unreachable=["aws"])
    plan = planned_with(root, limits__min_clouds=1)
    assert "aws" not in {pool.cloud for pool in plan.decisions.pools}
    assert any(c.reason == "cloud does not answer" for c in plan.provenance.dropped)


def test_degrees_of_one_machine_share_what_was_left_of_it():
    one, two = (
        candidate("aws-east-l4", (1.0,), usd=1, stock=9, gpus=2, degree=degree) for degree in (1, 2)
    )
    seen = Observed(Source("o", "", "2026-11-01"), {one.key: 2, two.key: 1}, {}, ())
    assert [c.stock_nodes for c in seen.within([one, two])] == [3, 3]
    nothing = Observed(Source("o", "", "2026-11-01"), {one.key: 0}, {}, ())
    assert nothing.within([one, two]) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 2}, "observed now.json: schema_version"),
        ({"fetched": 3}, "observed now.json: fetched"),
        ({"clouds": [{"cloud": "aws", "groups": [], "dry": [{"group": "g", "nodes": -1}]}]}, "nodes"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_one_line(tmp_path, changes, said):
    with pytest.raises(AllocatorError, match=said) as caught:
        planned_with(observed(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_a_retiring_pool_stays_until_it_has_been_seen_empty():
    first = planned(market())
    second = planned(market(east=3.0), deployed=first)
    assert states(second)[EAST] == "retiring"
    given = inputs(market(east=3.0, west=2.5), demand(9.0))
    for there, kept in (({EAST: 1}, True), ({EAST: 0}, False)):
        seen = Observed(Source("o", "", "2026-11-01"), {}, there, ())
        third = plan_from(dataclasses.replace(given, observed=seen), second)
        assert nodes(third) != nodes(second)
        assert (EAST in states(third)) == kept
