"""Reading traces and cutting them into steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.errors import DataError
from allocator.replay.traces import read_traces, region_of
from allocator.replay.world import Setting, build_world, lowest_ahead
from tests.allocator.replay.builders import traces


def write(folder: Path, name: str, data: object, gap: object = 60) -> None:
    (folder / name).write_text(json.dumps({"metadata": {"gap_seconds": gap}, "data": data}))


def test_zones_are_read_in_the_order_of_their_names(tmp_path):
    write(tmp_path, "us-west-2b_v100_1.json", [1, 0])
    write(tmp_path, "us-east-1a_v100_1.json", [0, 1])
    found = read_traces(tmp_path)
    assert [(t.zone, t.region, t.counts) for t in found.traces] == [
        ("us-east-1a", "us-east-1", (0, 1)),
        ("us-west-2b", "us-west-2", (1, 0)),
    ]


@pytest.mark.parametrize(
    ("zone", "region"),
    [
        ("us-east-1a", "us-east-1"),
        ("ap-southeast-2c", "ap-southeast-2"),
        ("us-central1-a", "us-central1"),
        ("eastus2-1", "eastus2"),
        ("somewhere", "somewhere"),
    ],
)
def test_regions_follow_from_the_zones_of_three_clouds(zone, region):
    assert region_of(zone) == region


@pytest.mark.parametrize(
    ("data", "gap", "said"),
    [
        ([], 60, "at least one number"),
        ([1, -1], 60, r"data\[1\] must be a whole number of machines, 0 or more, is -1"),
        ([1, 0.5], 60, r"data\[1\]"),
        ([True], 60, r"data\[0\]"),
        ([1, None], 60, r"data\[1\]"),
        ([float("nan")], 60, r"data\[0\]"),
        ({}, 60, "must be a list"),
        ([1], 0, "gap_seconds must be a positive number"),
        ([1], "x", "gap_seconds must be a positive number"),
    ],
)
def test_a_broken_trace_is_refused_in_one_line(tmp_path, data, gap, said):
    write(tmp_path, "us-east-1a_v100_1.json", data, gap)
    with pytest.raises(DataError, match=said) as caught:
        read_traces(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "nonsense", '{"metadata": {}}', '{"data": [1]}', "[" * 5000]
)
def test_a_file_that_is_no_trace_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "us-east-1a_v100_1.json").write_text(content)
    with pytest.raises(DataError) as caught:
        read_traces(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="no file named like"):
        read_traces(tmp_path)
    with pytest.raises(DataError, match="nowhere"):
        read_traces(tmp_path / "nowhere")


def test_several_machine_types_have_to_be_told_apart(tmp_path):
    write(tmp_path, "us-east-1a_v100_1.json", [1])
    write(tmp_path, "us-east-1a_k80_8.json", [0])
    with pytest.raises(DataError, match=r"--machine k80_8\|v100_1"):
        read_traces(tmp_path)
    assert read_traces(tmp_path, machine="k80_8").traces[0].counts == (0,)
    with pytest.raises(DataError, match="did you mean"):
        read_traces(tmp_path, machine="k80_4")


def test_ragged_traces_are_cut_to_the_shortest():
    place = build_world(traces(r1a=[1, 1, 1], r1b=[1]), Setting(cold_start_s=30))
    assert place.steps == 1


def test_a_zone_has_the_value_of_the_last_tick():
    place = build_world(traces(r1a=[1, 0]), Setting(cold_start_s=15))
    assert place.capacity == ((4,), (4,), (0,), (0,))


def test_a_notice_looks_ahead_by_whole_steps():
    place = build_world(traces(r1a=[1, 1, 0]), Setting(cold_start_s=30, notice_s=59))
    assert place.warned == ((4,), (0,), (0,))


def test_demand_changes_at_its_times():
    place = build_world(traces(r1a=[1] * 4), Setting(cold_start_s=30, demand=((0, 1), (60, 5))))
    assert place.demand == (1, 1, 5, 5)


@pytest.mark.parametrize("ahead", [0, 1, 2, 3, 5, 9])
def test_the_lowest_value_ahead_is_the_minimum_of_the_window(ahead):
    column = [5, 3, 4, 1, 2, 6, 0, 7]
    assert lowest_ahead(column, ahead) == [min(column[i : i + ahead + 1]) for i in range(8)]


@pytest.mark.parametrize(
    "setting",
    [
        {"target": 0}, {"cold_start_s": 0}, {"notice_s": -1}, {"spot_prices": (0.0,)}, {"capacity_per_tick": 0},
        {"spot_prices": (0.1, 0.2, 0.3)}, {"demand": ((0, -1),)}, {"cold_start_s": float("nan")},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(setting):
    with pytest.raises(DataError):
        build_world(traces(r1a=[1], r1b=[1]), Setting(**setting))
