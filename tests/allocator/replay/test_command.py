"""`python -m allocator replay` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.__main__ import main

ZONES = {
    "us-east-1a": [1, 0] * 60,
    "us-east-1b": [0, 1, 1] * 40,
    "us-west-2a": [1] * 100 + [0] * 20,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    traces = tmp_path / "traces"
    traces.mkdir()
    for zone, data in ZONES.items():
        text = json.dumps({"metadata": {"gap_seconds": 300}, "data": data})
        (traces / f"{zone}_v100_1.json").write_text(text)
    return traces


def run(capsys, *arguments: object) -> str:
    assert main(["replay", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refuse(capsys, *arguments: object) -> str:
    assert main(["replay", *map(str, arguments)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize(
    "policy", ["skyblend", "spothedge", "on-demand", "even-spread", "round-robin", "asg-mix"]
)
def test_every_policy_reports_the_same_keys(folder, capsys, policy):
    told = json.loads(run(capsys, "--traces", folder, "--policy", policy, "--json"))
    assert set(told) == {
        "availability", "cost", "bound", "shortfall", "longest_outage_s", "preemptions", "failed_launches", "spot_hours",
        "on_demand_hours", "setting",
    }  # fmt: skip
    assert told["setting"]["policy"].startswith(policy)
    assert told["bound"] <= told["cost"] + 1e-9


def test_on_demand_alone_costs_one_and_is_always_there(folder, capsys):
    told = json.loads(run(capsys, "--traces", folder, "--policy", "on-demand", "--json"))
    assert (told["availability"], told["cost"]) == (1.0, 1.0)


def test_the_deployed_policy_is_cheaper_than_on_demand_and_better_than_spot_alone(folder, capsys):
    ours = json.loads(run(capsys, "--traces", folder, "--json"))
    spot = json.loads(run(capsys, "--traces", folder, "--policy", "round-robin", "--json"))
    assert ours["cost"] < 1
    assert ours["availability"] > spot["availability"]


def test_a_replay_repeats_to_the_digit(folder, capsys):
    one = run(capsys, "--traces", folder, "--json", "--groups", "zone")
    assert one == run(capsys, "--traces", folder, "--json", "--groups", "zone")


def test_the_comparison_names_every_policy_and_the_bound(folder, capsys):
    text = run(capsys, "--traces", folder, "--compare")
    for name in (
        "on-demand",
        "even-spread+0",
        "round-robin+2",
        "asg-mix",
        "spothedge+2, instant retry",
        "skyblend, zone groups",
    ):
        assert f"| {name} " in text
    assert "bound at availability 1" in text


def test_a_demand_file_replaces_the_target(folder, tmp_path, capsys):
    rates = tmp_path / "rates.csv"
    rates.write_text("seconds,replicas\n0,1\n9000,3\n")
    told = json.loads(
        run(capsys, "--traces", folder, "--policy", "on-demand", "--demand", rates, "--json")
    )
    assert told["cost"] == pytest.approx(1.0, abs=0.01)
    assert told["setting"]["demand_changes"] == 2


def test_prices_come_from_the_snapshot_where_it_sells_the_machine(folder, tmp_path, capsys):
    market = tmp_path / "market.json"
    row = {
        "cloud": "aws", "region": "us-east-1", "zones": ["use1-az1"], "instance_type": "p3.2xlarge", "gpu": "V100", "gpus": 1, "vcpus": 8,
        "on_demand_usd": 4.0, "spot_usd": 1.0, "interruption_band": 1, "note": "",
    }  # fmt: skip
    head = {"schema_version": 1, "as_of": "2026-01-01", "sources": [], "offerings": [row]}
    market.write_text(json.dumps(head))
    words = ["replay", "--traces", str(folder), "--snapshot", str(market), "--spot-price", "0.5"]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["setting"]["spot_price"] == [0.25, 0.25, 0.5]
    assert said.err.count("\n") == 1
    assert "does not sell v100_1 on both markets in us-west-2: spot at 0.5 of on-demand" in said.err


def test_a_target_availability_is_a_shortage_price(folder, capsys):
    told = json.loads(run(capsys, "--traces", folder, "--target-availability", 0.97, "--json"))
    assert told["setting"]["shortage_price"] == pytest.approx(10)


def test_a_plot_is_one_html_file(folder, tmp_path, capsys):
    drawn = tmp_path / "plot.html"
    run(capsys, "--traces", folder, "--plot", drawn)
    text = drawn.read_text()
    assert text.count("<svg") == 2
    assert "skyblend" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--policy", "spothege"], "did you mean spothedge"),
        (["--policy", "spothedge", "--extra", -1], "--extra must be 0 to 100"),
        (["--extra", 1], "--extra belongs to"),
        (["--instant-retry"], "--instant-retry belongs to spothedge"),
        (["--policy", "asg-mix", "--groups", "zone"], "--groups zone belongs to skyblend"),
        (["--target", 0], "target must be"),
        (["--cold-start", "nan"], "cold start must be"),
        (["--cold-start", 0], "cold start must be"),
        (["--notice", -1], "notice must be"),
        (["--spot-price", 0], "spot price is"),
        (["--capacity-per-tick", 0], "capacity per tick must be"),
        (["--shortage-price", "inf"], "--shortage-price must be"),
        (["--target-availability", 1], "target availability must be"),
        (["--target-availability", 0.9, "--shortage-price", 3], "are one setting"),
        (["elsewhere"], "--traces needs one folder"),
        (["--machine", "v100_8"], "unknown machine type"),
        (["--demand", "nowhere.csv"], "nowhere.csv"),
        (["--plot", "picture.gif"], "must end in .html or .png"),
        (["--plot", "nowhere/picture.html"], "No such file"),
    ],
)  # fmt: skip
def test_impossible_options_are_one_line(folder, capsys, options, said):
    assert said in refuse(capsys, "--traces", folder, *options)


@pytest.mark.parametrize(
    "text", ["", "seconds,replicas\n", "0,1.5\n", "0\n", "x,y\nz,1\n", "0,-1\n", "0,1,2\n"]
)
def test_a_broken_demand_file_is_one_line(folder, tmp_path, capsys, text):
    rates = tmp_path / "rates.csv"
    rates.write_text(text)
    assert "rates.csv" in refuse(capsys, "--traces", folder, "--demand", rates)


def test_png_without_its_library_is_one_line(folder, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "needs matplotlib" in refuse(capsys, "--traces", folder, "--plot", "picture.png")
