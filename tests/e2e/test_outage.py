"""An outage on a deployed stack, played whole: real engine, real function package, real watchers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Clone

DEV = ("--stack", "dev")


@pytest.fixture(scope="module")
def deployed(clone: Clone) -> Clone:
    clone.run("tools.stack", "up", *DEV)
    return clone


def outage(clone: Clone, *options: str) -> dict[str, Any]:
    printed = clone.run(
        "drills", "outage", *DEV, "--state", str(clone.state / "clouds.db"), "--speed", "60",
        "--dry-s", "400", "--json", *options,
    )  # fmt: skip
    summary: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return summary


@pytest.fixture(scope="module")
def calm(deployed: Clone) -> dict[str, Any]:
    return outage(deployed)


def test_on_demand_takes_over_and_goes_when_spot_is_back(calm: dict[str, Any]):
    assert calm["restored_s"] is not None
    assert calm["fallback_peak_nodes"] >= 1
    assert calm["fallback_released_s"] is not None
    assert calm["errors"] == 0


def test_every_notice_is_answered_and_sizes_are_set_a_few_times_only(calm: dict[str, Any]):
    assert calm["notice_to_resize_ms"]["p99"] is not None
    assert 2 <= calm["set_calls"] <= 20


def test_with_failing_calls_repeated_events_and_no_order_it_ends_the_same(
    deployed: Clone, calm: dict[str, Any]
):
    stormy = outage(deployed, "--errors", "0.3", "--copies", "3", "--jitter-ms", "20000")
    assert stormy["fallback_released_s"] is not None
    assert stormy["set_calls"] <= 60


def test_without_reactors_nothing_takes_over(deployed: Clone, calm: dict[str, Any]):
    alone = outage(deployed, "--reactor", "off")
    assert alone["fallback_peak_nodes"] == 0
    assert alone["min_capacity_ratio"] <= calm["min_capacity_ratio"]
    assert alone["notice_to_resize_ms"]["p50"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--region", "us-nowhere-1"), "no group of stack dev is in us-nowhere-1; it has aws-us-"),
        (("--stack", "prod"), "stack prod is not deployed on the emulated clouds; make up"),
        (("--plot", "x.gif"), "--plot x.gif: must end in .png or .svg"),
    ],
)
def test_bad_options_are_one_line(deployed: Clone, options: tuple[str, ...], said: str):
    state = ("--state", str(deployed.state / "clouds.db"))
    printed = deployed.run("drills", "outage", *DEV, *state, *options, code=1)
    assert printed.startswith(f"error: {said}")
    assert printed.count("\n") == 1


def test_without_a_world_there_is_no_drill(clone: Clone, tmp_path: Path):
    printed = clone.run("drills", "outage", "--state", str(tmp_path / "none.db"), code=1)
    assert printed == f"error: no emulated clouds in {tmp_path / 'none.db'}; make up\n"
