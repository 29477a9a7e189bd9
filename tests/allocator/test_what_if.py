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


def test_an_alternative_without_a_plan_says_why_and_the_others_stand(root, capsys):
    printed = asked(root, capsys, "--what-if", "tpot_ms=0.5", "--what-if", "rate=2x")
    assert "tpot_ms=0.5: no allowed GPU serves requests of" in printed
    assert "rate=2x" in printed.splitlines()[0]


def test_without_a_question_the_usual_ones_are_answered(root, capsys):
    head = asked(root, capsys).splitlines()[0]
    for name in ("now", "rate=0.5x", "rate=2x", "survive region", "without"):
        assert name in head


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--what-if", "rate"), "cannot read what-if 'rate'; write rate=1.5x"),
        (("--what-if", "rate=fast"), "cannot read rate 'fast'; write 1.5x or 96"),
        (("--what-if", "tpot=3"), "unknown what-if 'tpot'; did you mean tpot_ms"),
        (("--without", "L40"), "unknown GPU, cloud or region 'L40'; did you mean L40S"),
        (("--survive", "regions"), "unknown survival level 'regions'; did you mean region"),
    ],
)
def test_a_question_that_cannot_be_read_is_one_line(root, capsys, words, said):
    error = asked(root, capsys, *words, code=1)
    assert said in error
    assert len(error.splitlines()) == 1
