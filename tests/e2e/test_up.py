"""The main job, from `up` over a changed rate to `destroy`, as a person at the terminal sees it."""

from __future__ import annotations

import json
import re

import pytest

from allocator.plan import Plan
from tests.e2e.conftest import Clone

STACK = ("--stack", "sandbox")
DOUBLED = ("--set", "workload.requests_per_second=128")
SIZES = {"maxSize", "weight", "backends", "content", "source", "sku", "filter"}
"""Bounds, shares, published plans, and which resource groups tell of their machines' health."""


@pytest.fixture(scope="module")
def up(clone: Clone) -> str:
    """What `make up` printed."""
    return clone.run("tools.stack", "up", *STACK)


@pytest.fixture(scope="module")
def plan(clone: Clone, up: str) -> Plan:
    return Plan.from_dict(clone.pulumi("stack", "output", "plan", "--json", *STACK))


def test_up_ends_with_plan_cost_saving_endpoint_and_number_of_resources(up: str, plan: Plan):
    report = up[up.index("pool ") :]
    for pool in plan.decisions.pools:
        assert pool.role == "fallback" or re.search(rf"^{re.escape(pool.key)} ", report, re.M)
    assert f"${plan.money.hourly_usd_micro / 1e6:.2f}/h" in report
    assert re.search(r"^saving +\d+ % on nodes against the same nodes on demand", report, re.M)
    assert re.search(r"^endpoint +https://[\w.-]+\.azurefd\.net$", report, re.M)
    assert int(re.search(r"^resources +(\d+)$", report, re.M)[1]) > 50


def test_every_cloud_is_used_and_its_groups_have_their_machines(clone: Clone, plan: Plan):
    groups = clone.status()["groups"]
    assert {group["cloud"] for group in groups} == {"aws", "azure", "gcp"}
    assert all(sum(group["machines"].values()) == group["wanted"] for group in groups)
    sizes = {pool.key: 0 for pool in plan.decisions.pools}
    for group in groups:
        sizes[max((key for key in sizes if group["group"].startswith(key)), key=len)] += group[
            "wanted"
        ]
    for pool in plan.decisions.pools:  # the reactor holds what is planned, and at most the bound
        assert pool.nodes <= sizes[pool.key] <= pool.max_nodes, pool.key
        assert pool.role != "fallback" or sizes[pool.key] == 0


def test_the_exported_plan_is_the_one_the_allocator_prints_without_pulumi(clone: Clone, plan: Plan):
    alone = Plan.from_dict(json.loads(clone.run("allocator", "plan", *STACK, "--json")))
    assert alone == plan
    assert clone.pulumi("stack", "output", "plan_digest", "--json", *STACK) == alone.digest


UNCHANGED = r"Resources:\s+\d+ unchanged\s+(Duration: \S+\s+)?"


def test_a_second_preview_changes_nothing_and_a_refresh_takes_up_sizes_alone(clone: Clone, up: str):
    def summary(word: str) -> str:
        printed = clone.run("tools.stack", word, *STACK)
        return printed[printed.index("Resources:") :]

    assert re.fullmatch(UNCHANGED, summary("preview"))
    summary("refresh")
    assert re.fullmatch(UNCHANGED, summary("refresh"))
    # azure-native writes the size that it has read into the inputs, and takes it out again with the next update, whose
    # request names none
    steps = _steps(clone.run("tools.stack", "preview", *STACK))
    assert {(kind.rsplit(":", 1)[-1], rest) for _, kind, _, _, rest in steps} <= {
        ("VirtualMachineScaleSet", " [diff: ~sku]")
    }


def _steps(printed: str) -> list[tuple[str, ...]]:
    """Sign, type, name, word and the rest of every line of a preview that changes something of a cloud's."""
    line = r"^ +(\S+) +(\S+:\S+:\S+) (\S+) (create|update|delete|replace)\b(.*)$"
    found: list[tuple[str, ...]] = re.findall(line, printed, re.M)
    return found


def test_a_doubled_rate_changes_bounds_weights_and_published_plans_and_replaces_nothing(
    clone: Clone, up: str
):
    printed = clone.run("tools.stack", "preview", *STACK, *DOUBLED)
    steps = _steps(printed)
    replaced = {step[2] for step in steps if step[3] in ("delete", "replace")}
    assert replaced == {step[2] for step in steps if _is_blob_of_a_plan(*step[1:3])}
    updates = [step for step in steps if step[3] == "update"]
    assert updates
    for _, kind, name, _, rest in updates:
        changed = set(
            re.search(r"\[diff: (.*)\]", rest)[1].replace("~", "").replace("+", "").split(",")
        )
        assert changed <= SIZES, (kind, name, changed)


def _is_blob_of_a_plan(kind: str, name: str) -> bool:
    """The one thing that the provider replaces where others update it: what a blob holds."""
    return kind == "azure-native:storage:Blob" and name.endswith("-plan")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("market.gpus=[L5]", "unknown GPU 'L5'; did you mean L4"),
        ("market.regions=[aws-us-eest-1]", "unknown region 'aws-us-eest-1'; did you mean aws-us-"),
        ("service.model=llama-3.1-9b", "unknown model 'llama-3.1-9b'; did you mean llama-3.1-8b"),
        ("workload.histogram=azure2023", "unknown histogram 'azure2023'; did you mean azure2023_co"),
        ("workload.requests_per_second=0", "workload.requests_per_second: should be greater than 0, is 0"),
        ("service.slo.tpot_ms=1", "no allowed GPU serves requests of"),
        ("workload.requests_per_second=900000", "no plan for 900000 requests/s within the limits"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_leaves_the_state_alone(
    clone: Clone, up: str, override: str, said: str
):
    before = clone.pulumi("stack", "export", *STACK)
    printed = clone.run("tools.stack", "up", *STACK, "--set", override, code=1)
    told = printed[printed.index("Diagnostics:") :]
    errors = [line for line in told.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in printed
    assert clone.pulumi("stack", "export", *STACK) == before


def test_up_says_which_groups_a_dry_market_leaves_short(fresh: Clone):
    fresh.run("sandbox", "--state", str(fresh.state / "clouds.db"), "stock", "all", "0")
    printed = fresh.run("tools.stack", "up", "--stack", "dev")
    short = [
        f"{group['group']} runs 0 of {group['wanted']} machines: the market has no more"
        for group in fresh.status()["groups"]
        if group["wanted"]
    ]
    assert short
    assert re.findall(r"^short +(.*)$", printed, re.M) == short


def test_destroy_leaves_clouds_and_state_empty(clone: Clone, up: str):
    clone.run("tools.stack", "destroy", *STACK)
    assert clone.status() == {"resources": {}, "groups": [], "usd_per_hour": 0}
    assert clone.pulumi("stack", "export", *STACK)["deployment"].get("resources", []) == []
