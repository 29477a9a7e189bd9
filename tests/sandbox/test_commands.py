"""The emulated clouds' own command line: what it refuses is one line, what it sets is known to the market."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.clouds import PACKAGES
from sandbox.machines import Order, fill
from sandbox.market import SPOT, Market
from sandbox.world import Record, World
from tests.sandbox.foreign import MARKET

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state file beside a market with one AWS instance type, on spot in one zone only."""
    sold = {"cloud": "aws", "region": "us-east-1", "instance_type": "g6.xlarge", "gpu": "L4", "gpus": 1, "vcpus": 4,
            "on_demand_usd": 0.8}  # fmt: skip
    offers = [
        sold | {"zones": ["use1-az1"], "spot_usd": 0.3},
        sold | {"zones": ["use1-az2"], "spot_usd": None},
    ]
    (tmp_path / "market.json").write_text(json.dumps({"offerings": offers}))
    return tmp_path / "clouds.db"


def run(state: Path, *words: str) -> int:
    return main(["--state", str(state), *words])


def refused(state: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a command is refused with."""
    assert run(state, *words) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    return told.err


def test_stock_and_quota_take_what_the_last_named_market_sells(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market = str(state.with_name("market.json"))
    assert run(state, "--market", market, "stock", "aws/us-east-1/use1-az1/g6.xlarge", "3") == 0
    assert run(state, "stock", "aws/us-east-1/use1-az2/g6.xlarge", "on_demand", "2") == 0
    assert run(state, "quota", "aws/us-east-1/L-3819A6DF", "16") == 0
    assert run(state, "stock", "all", "5") == 0
    assert capsys.readouterr().out.splitlines() == [
        "stock/aws/us-east-1/use1-az1/g6.xlarge/spot = 3",
        "stock/aws/us-east-1/use1-az2/g6.xlarge/on_demand = 2",
        "quota/aws/us-east-1/L-3819A6DF = 16",
        "stock = 5",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stock", "aws/us-east-1/use1-az1/g6.xlarg", "0"), "did you mean aws/us-east-1/use1-az1/g6.xlarge"),
        (("stock", "aws/us-east-1/use1-az2/g6.xlarge", "0"), "did you mean aws/us-east-1/use1-az1/g6.xlarge"),
        (("quota", "aws/us-east-1/g-spot", "0"), "did you mean aws/us-east-1/L-"),
    ],
)  # fmt: skip
def test_a_key_that_nothing_is_sold_under_is_refused_with_the_nearest(
    state: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    told = refused(state, capsys, "--market", str(state.with_name("market.json")), *words)
    assert f"unknown '{words[1]}'" in told
    assert said in told


def test_without_a_market_stock_says_where_to_name_one(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "name a snapshot with --market" in refused(
        state, capsys, "stock", "aws/us-east-1/use1-az1/g6.xlarge", "0"
    )


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
@pytest.mark.parametrize("kind", ["spot", "on_demand"])
def test_every_cloud_names_the_quota_of_what_it_sells(cloud: str, kind: str) -> None:
    (package,) = [package for package in PACKAGES if package.cloud == cloud]
    assert all(package.family_of(kind, s.instance_type) for s in MARKET.sales if s.cloud == cloud)


@pytest.mark.parametrize("content", [None, "not json"])
def test_known_ids_that_cannot_be_read_are_one_line(
    state: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    known = state.with_name("known.json")
    if content:
        known.write_text(content)
    told = refused(state, capsys, "leftovers", "--tag", "a=b", "--known", str(known))
    assert f"known ids in {known}" in told


def test_a_state_file_that_is_no_database_is_named(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.write_text("no database, but long enough to be looked at")
    assert f"state file {state}: file is not a database" in refused(state, capsys, "status")


def test_a_reader_that_has_seen_enough_is_no_error(state: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--state", str(state), "status"],
        cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_status_can_show_what_carries_a_tag_alone(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market = Market.load(state.with_name("market.json"))
    world = World(state, market)
    for name in ("mine", "theirs"):
        group = Record(
            "aws", "autoscaling:AutoScalingGroup", name, "us-east-1", {"DesiredCapacity": 2}
        )
        group.tags = {"stack": name}
        fill(world, Order(world.put(group), 2, ("g6.xlarge",), (), SPOT, ""))
    world.close()
    assert run(state, "status", "--json", "--tag", "stack=mine") == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(g["group"], sum(g["machines"].values())) for g in facts["groups"]] == [("mine", 2)]
    assert facts["usd_per_hour"] == pytest.approx(0.6)
