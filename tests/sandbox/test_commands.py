"""The emulated clouds' own command line: what it refuses is one line, what it sets is known to the market."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import logs
from sandbox.__main__ import main
from sandbox.clouds import PACKAGES
from sandbox.machines import MACHINE, Order, fill
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


@pytest.fixture
def bought(state: Path) -> list[str]:
    """Ids of two spot machines of a group that carries stack=mine, in us-east-1."""
    market = state.with_name("market.json")
    world = World(state, Market.load(market))
    of = Record("aws", "autoscaling:AutoScalingGroup", "mine", "us-east-1", {"DesiredCapacity": 2})
    of.tags = {"stack": "mine"}
    fill(world, Order(world.put(of), 2, ("g6.xlarge",), (), SPOT, ""))
    ids = [m.id for m in world.all("aws", MACHINE)]
    world.close()
    assert run(state, "--market", str(market), "status") == 0
    return ids


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (("--tag", "stack=mine"), 2),
        (("--tag", "stack=other"), 0),
        (("--region", "us-east-1", "--count", "1"), 1),
        (("--zone", "use1-az2"), 0),
        (("--cloud", "gcp"), 0),
    ],
)
def test_take_chooses_by_tag_and_place_and_tells_what_it_took(
    state: Path, capsys: pytest.CaptureFixture[str], bought: list[str], words: tuple[str, ...], taken: int
) -> None:  # fmt: skip
    capsys.readouterr()
    assert run(state, "take", *words, "--lead", "9") == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == bought[:taken]
    assert run(state, "take") == 0  # the rest: what is taken already is not taken again
    assert len(capsys.readouterr().out.splitlines()) == 2 - taken
    assert run(state, "status") == 0
    assert "2 being taken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "set_"),
    [
        (("errors", "0.3"), [f"fault/{cloud}/errors = 0.3" for cloud in ("aws", "gcp", "azure")]),
        (("throttles", "gcp=1"), ["fault/gcp/throttles = 1"]),
        (("dead", "aws"), ["fault/aws/dead = 1"]),
        (("dead", "aws/us-east-1"), ["fault/aws/dead/us-east-1 = 1"]),
        (("function", "azure//subscriptions/s/x"), ["fault/azure/function//subscriptions/s/x = 1"]),
        (("kill", "aws/SetDesiredCapacity=3"), ["fault/aws/kill/SetDesiredCapacity = 3"]),
        (("copies", "3"), ["bus/copies = 3"]),
    ],
)
def test_faults_are_set_as_they_are_told_and_taken_back_together(
    state: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], set_: list[str]
) -> None:
    assert run(state, "fault", *words) == 0
    assert capsys.readouterr().out.splitlines() == set_
    assert run(state, "fault", "none") == 0
    world = World(state, Market([]))
    assert (world.settings("fault/"), world.settings("bus/")) == ({}, {})
    world.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("errors", "1.5"), "fault errors: '1.5' is not a number from 0 to 1"),
        (("delay_ms", "soon"), "fault delay_ms: 'soon' is not a number from 0 to inf"),
        (("copies", ""), "fault copies: '' is not a number"),
        (("dead", "awz"), "unknown 'awz'; did you mean aws"),
    ],
)
def test_faults_that_make_no_sense_are_refused(
    state: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert said in refused(state, capsys, "fault", *words)


def test_zones_follow_recordings_by_name_and_unknown_zones_and_files_are_refused(
    state: Path, capsys: pytest.CaptureFixture[str], bought: list[str]
) -> None:
    capsys.readouterr()
    file = state.with_name("zone.json")
    file.write_text('{"metadata": {"gap_seconds": 60}, "data": [0]}')
    assert run(state, "trace", f"aws/us-east-1/use1-az1={file}") == 0
    assert "did you mean aws/us-east-1/use1-az1" in refused(
        state, capsys, "trace", f"aws/us-east-1/use1-az9={file}"
    )
    assert "trace nowhere" in refused(state, capsys, "trace", "aws/us-east-1/use1-az1=nowhere")
    assert run(state, "trace", "aws/us-east-1/use1-az1=") == 0


def test_stock_of_a_whole_zone_or_region_can_be_set_and_reset(
    state: Path, capsys: pytest.CaptureFixture[str], bought: list[str]
) -> None:
    capsys.readouterr()
    for place in ("aws/us-east-1", "aws/us-east-1/use1-az1"):
        assert run(state, "stock", place, "0") == 0
        assert run(state, "stock", place, "reset") == 0
    world = World(state, Market([]))
    assert world.settings("stock/") == {}
    world.close()


def test_logs_show_what_functions_said_by_cloud_and_name(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(state, Market([]))
    logs.write(world, "aws", "one", "hello")
    logs.write(world, "gcp", "two", "there")
    world.close()
    assert run(state, "logs", "--cloud", "gcp") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split()[1:] == ["gcp", "two", "there"]
    assert run(state, "logs", "--name", "one") == 0
    assert capsys.readouterr().out.endswith(" aws   one  hello\n")
