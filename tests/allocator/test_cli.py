"""`python -m allocator`, as a person and as a program use it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from allocator.plan import Plan
from tests.allocator.builders import ROOT

STACK = ("plan", "--stack", "dev")


def allocator(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "allocator", *words]
    return subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def plan_json() -> str:
    done = allocator(*STACK, "--json")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json_is_the_plan_and_nothing_else(plan_json):
    plan = Plan.from_dict(json.loads(plan_json))
    assert plan.decisions.engine.model == "NousResearch/Meta-Llama-3.1-8B-Instruct"


def test_the_table_names_pools_cost_saving_proof_and_what_was_dropped(plan_json):
    plan = Plan.from_dict(json.loads(plan_json))
    printed = allocator(*STACK).stdout
    for pool in plan.decisions.pools:
        assert pool.role == "fallback" or pool.key in printed
    for word in ("cost", "saving", "proof", "prices", "throughput", "dropped", plan.digest):
        assert f"\n{word}" in printed or word == plan.digest in printed
    assert printed.replace("é", "e").isascii()  # no boxes, no colours; Mélange keeps its name


def test_assumed_prices_and_prices_of_unknown_age_are_marked():
    printed = allocator("plan", "--stack", "sandbox").stdout
    assert "oldest of 2026-06-18 (azure spot: age unknown)" in printed
    assert "*          price assumed: spot raised to 25 % of on demand" in printed
    marked = [line for line in printed.splitlines()[1:] if "* " in line and "tp" in line]
    assert marked
    assert all(line.startswith("azure-") and "-spot" in line for line in marked)
    assert "not in the snapshot: aws: no price 10" in printed


def test_a_plan_computed_before_is_shown_again_with_its_replay(plan_json):
    shown = allocator("explain", "-", stdin=plan_json).stdout
    plan, replayed = shown.split("\nreplay ")
    assert f"{plan}\n" == allocator(*STACK).stdout
    assert replayed.count("\n") == 1


def test_explain_with_a_stack_also_says_why_each_pool_is_there(plan_json):
    plan = Plan.from_dict(json.loads(plan_json))
    done = allocator("explain", "-", "--stack", "dev", stdin=plan_json)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == allocator(*STACK, "--explain").stdout
    for pool in plan.decisions.pools:
        assert pool.nodes == 0 or f"\n{pool.key}: {pool.nodes} node" in done.stdout
    assert "\n  without it  +$" in done.stdout


def test_explain_of_a_plan_made_from_other_settings_warns(plan_json):
    words = ("--stack", "dev", "--set", "workload.requests_per_second=5", "--json")
    done = allocator("explain", "-", *words, stdin=plan_json)
    assert done.stderr.startswith("warning: the plan was made from other settings")
    shown = json.loads(done.stdout)
    assert shown["plan"] == json.loads(plan_json)
    assert {"pool", "why", "limited_by", "dearer_usd_micro_per_hour", "moved"} == set(shown["why"][0])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--stack", "nope"), "unknown stack 'nope'"),
        ((*STACK, "--set", "workload.requests_per_second=0"), "should be greater than 0, is 0"),
        (
            (*STACK, "--set", "market.refuse_after_days=1", "--today", "2026-06-20"),
            "2 days old, market.refuse_after_days is 1",
        ),
        (("explain", "nothing.json"), "plan nothing.json: not a plan of this program"),
        (("explain", "-"), "plan -: not a plan of this program"),
        (("explain", "-", "--set", "a.b=1"), "name it with --stack"),
        (("what-if", "--stack", "devv"), "unknown stack 'devv'; did you mean dev?"),
    ],
)
def test_an_error_is_one_line_on_standard_error_and_exit_code_one(words, said):
    done = allocator(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_importing_the_allocator_brings_neither_pulumi_nor_a_cloud():
    code = "import sys, allocator.planner; print([m for m in sys.modules if m.split('.')[0] in {'pulumi', 'pulumi_aws', 'pandas', 'botocore'}])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "[]\n"
