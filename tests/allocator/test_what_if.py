"""What-if: alternatives side by side, each of them a plan or one line about why there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.__main__ import main
from tests.allocator import builders


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a stack on the small market."""
    folder = builders.project(tmp_path)
    sections = {
        f"skyblend:{name}": value
        for name, value in builders.config(service__slo={"tpot_ms": 60, "ttft_ms": 20_000}).items()
    }
    (folder / "stacks/Pulumi.small.yaml").write_text(json.dumps({"config": sections}))
    return folder


def asked(root: Path, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["what-if", "--stack", "small", "--root", str(root), *words]) == code
    printed = capsys.readouterr()
    return printed.err if code else printed.out


def outcomes(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict]:
    return {found["name"]: found for found in json.loads(asked(root, capsys, "--json", *words))}


def cost(outcome: dict) -> int:
    return outcome["plan"]["money"]["hourly_usd_micro"]


def test_a_rate_as_a_factor_is_that_rate(root, capsys):
    found = outcomes(root, capsys, "--what-if", "rate=1.5x", "--what-if", "rate=24")
    assert list(found) == ["now", "rate=1.5x", "rate=24"]
    assert cost(found["rate=1.5x"]) == cost(found["rate=24"]) >= cost(found["now"])


def test_without_a_gpu_a_cloud_or_a_region_nothing_of_it_is_bought(root, capsys):
    words = [w for n in ("L40S", "azure", "aws-us-east-1") for w in ("--without", n)]
    found = outcomes(root, capsys, *words)
    for name, outcome in list(found.items())[1:]:
        gone = name.removeprefix("without ")
        pools = outcome["plan"]["decisions"]["pools"]
        assert all(gone not in (p["gpu"], p["cloud"], f"{p['cloud']}-{p['region']}") for p in pools)


def test_less_to_survive_costs_no_more(root, capsys):
    found = outcomes(root, capsys, "--survive", "region", "--survive", "cloud")
    assert cost(found["now"]) <= cost(found["survive region"]) <= cost(found["survive cloud"])


def test_options_keep_their_order_whatever_their_kind(root, capsys):
    words = (
        "--slo",
        "tpot_ms=70",
        "--without",
        "azure",
        "--what-if",
        "rate=8",
        "--survive",
        "region",
    )
    found = outcomes(root, capsys, *words)
    assert list(found) == ["now", "tpot_ms=70", "without azure", "rate=8", "survive region"]


def test_a_name_is_known_in_any_case_of_letters(root, capsys):
    assert "without L40S" in outcomes(root, capsys, "--without", "l40s")


@pytest.mark.parametrize("word", ["nodes_per_pool=0.5x", "limits.nodes_per_pool=8"])
def test_any_number_of_the_stack_may_be_multiplied_and_a_section_left_unsaid(root, capsys, word):
    found = outcomes(root, capsys, "--what-if", word, "--set", "workload.requests_per_second=200")
    most = max(pool["nodes"] for pool in found[word]["plan"]["decisions"]["pools"])
    assert most == 8


def test_pools_that_differ_are_counted_and_listed(root, capsys):
    printed = asked(root, capsys, "--without", "L40S", "--what-if", "headroom=0.8")
    counts = next(line for line in printed.splitlines() if line.startswith("pools that differ"))
    now, without, same = counts.split()[-3:]
    listed = [line for line in printed.splitlines() if " -> " in line]
    assert (now, without, same) == ("0", str(len(listed)), "0")
    assert "\nheadroom=0.8\n  the same nodes\n" in printed


def test_an_alternative_without_a_plan_says_why_and_the_others_stand(root, capsys):
    printed = asked(root, capsys, "--slo", "tpot_ms=0.5", "--what-if", "min_clouds=3", "--without", "aws",
                    "--set", "limits.min_clouds=2", "--what-if", "rate=2x")  # fmt: skip
    assert "\ntpot_ms=0.5\n  no allowed GPU serves requests of" in printed
    assert "rate=2x" in printed.splitlines()[0]
    row = next(line for line in printed.splitlines() if line.startswith("nodes"))
    assert row.split()[2] == "-"


def test_long_names_are_told_in_full(root, capsys):
    words = [w for n in range(1, 9) for w in ("--what-if", f"workload.requests_per_second={n + 8}")]
    printed = asked(root, capsys, *words)
    assert printed.isascii()
    assert "workload.requests_per_second=16\n" in printed


def test_without_a_question_the_usual_ones_are_answered(root, capsys):
    head = asked(root, capsys, "--set", "policy.survive=none").splitlines()[0]
    for name in ("now", "rate=0.5x", "rate=2x", "survive region", "without"):
        assert name in head
    head = asked(root, capsys, "--set", "policy.survive=region").splitlines()[0]
    assert "survive none" in head
    assert "survive cloud" in head


def test_old_prices_are_told(root, capsys):
    words = ("--stack", "small", "--root", str(root), "--what-if", "rate=8")
    assert main(["what-if", *words, "--today", "2027-08-01"]) == 0
    assert capsys.readouterr().err.startswith("warning: prices of snapshot small are 365 days old")
    words = (*words, "--set", "market.refuse_after_days=9", "--today", "2027-08-01")
    assert main(["what-if", *words]) == 1
    assert "market.refuse_after_days is 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--what-if", "rate"), "cannot read --what-if 'rate'; write rate=1.5x"),
        (("--what-if", "rate=fast"), "cannot read rate 'fast'; write 1.5x or 96"),
        (("--what-if", "rate=-3"), "rate=-3: config skyblend:workload.requests_per_second: should be greater than 0"),
        (("--what-if", "tpot=3"), "--what-if: unknown key 'tpot'; did you mean tpot_ms"),
        (("--what-if", "limits.nodes_per_pol=3"), "unknown key 'nodes_per_pol'; did you mean nodes_per_pool"),
        (("--what-if", "budget_usd_per_hour=2x"), "cannot take 2x of limits.budget_usd_per_hour"),
        (("--what-if", "histogram=azure"), "unknown histogram 'azure'; did you mean azure2023_co"),
        (("--slo", "tpot=3"), "--slo: unknown key 'tpot'; did you mean tpot_ms"),
        (("--slo", "40"), "cannot read --slo '40'; write tpot_ms=40"),
        (("--slo", "rate=9"), "--slo: unknown key 'rate'"),
        (("--without", "L40"), "unknown GPU, cloud or region 'L40'; did you mean L40S"),
        (("--survive", "regions"), "--survive: unknown level 'regions'; did you mean region"),
        (("--set", "workload.requests_per_second=0"), "should be greater than 0, is 0"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_one_line(root, capsys, words, said):
    error = asked(root, capsys, *words, code=1)
    assert said in error
    assert len(error.splitlines()) == 1
