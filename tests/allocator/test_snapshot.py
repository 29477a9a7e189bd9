"""Market snapshots: what is refused, and what the digest depends on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from allocator.errors import DataError
from allocator.plan import Count
from allocator.snapshot import Snapshot, read_snapshot
from tests.allocator.conftest import SNAPSHOT


def row(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cloud": "aws",
        "region": "us-east-1",
        "zones": ["use1-az1"],
        "instance_type": "g6.xlarge",
        "gpu": "L4",
        "gpus": 1,
        "vcpus": 4,
        "on_demand_usd": 0.8,
        "spot_usd": 0.3,
        "interruption_band": None,
        "note": "",
    }
    return made | changes


def read(folder: Path, *rows: Any, **head: Any) -> Snapshot:
    file = folder / "market.json"
    data = {"schema_version": 1, "as_of": "2026-06-18", "sources": [], "offerings": list(rows)}
    file.write_text(json.dumps(data | head))
    return read_snapshot(file)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spot_usd": -0.3}, "spot_usd"),
        ({"spot_usd": 0}, "spot_usd"),
        ({"spot_usd": 1e-7}, "spot_usd"),
        ({"on_demand_usd": float("nan")}, "on_demand_usd"),
        ({"on_demand_usd": float("inf")}, "on_demand_usd"),
        ({"on_demand_usd": "0.8"}, "on_demand_usd"),
        ({"gpus": 0}, "gpus"),
        ({"gpus": 0.5}, "gpus"),
        ({"cloud": "ibm"}, "cloud"),
        ({"region": ""}, "region"),
        ({"interruption_band": 5}, "interruption_band"),
        ({"surprise": 1}, "surprise"),
        ({"zones": []}, "zones"),
        ({"zones": ["use1-az2", "use1-az2"]}, "zones"),
        ({"zones": ["us-east-1a"]}, "zones"),
        ({"zones": [1]}, "zones.0"),
        ({"cloud": "gcp", "region": "us-east1", "zones": ["us-east4-a"]}, "zones"),
        ({"cloud": "azure", "region": "eastus", "zones": ["eastus-1"]}, "zones"),
    ],
)
def test_a_broken_row_is_refused_with_file_row_and_field(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, row(), row(**{"zones": ["use1-az2"]} | changes))
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith("snapshot market.json: row 2 (")
    assert f"{field}:" in said


def test_a_slip_in_a_field_s_name_is_told_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown key 'spot_us'; did you mean spot_usd or"):
        read(tmp_path, row(spot_us=0.3))


@pytest.mark.parametrize(
    "place",
    [
        {"zones": ["use1-az1", "use1-az6"]},
        {"cloud": "gcp", "region": "us-east1", "zones": ["us-east1-b", "us-east1-c"]},
        {"cloud": "gcp", "region": "us-east1", "zones": []},
        {"cloud": "azure", "region": "eastus", "zones": ["1", "3"]},
    ],
)
def test_zones_are_read_as_each_cloud_writes_them(tmp_path: Path, place: dict[str, Any]) -> None:
    (offering,) = read(tmp_path, row(**place)).offerings
    assert offering.zones == tuple(place["zones"])


def test_a_row_without_a_field_is_refused(tmp_path: Path) -> None:
    broken = row()
    del broken["gpu"]
    with pytest.raises(DataError, match=r"row 1 .*gpu: Field required"):
        read(tmp_path, broken)


def test_a_row_that_is_no_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1"):
        read(tmp_path, 3)


def test_the_same_offer_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"us-east-1 use1-az1 g6\.xlarge is there twice"):
        read(tmp_path, row(), row(spot_usd=0.4))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["us-east1-b", "us-east1-c"], ["us-east1-c", "us-east1-d"]),
        ([], ["us-east1-b"]),
        (["us-east1-b"], []),
    ],
)
def test_a_type_twice_in_one_zone_is_refused_whatever_the_other_zones(
    tmp_path: Path, one: list[str], other: list[str]
) -> None:
    place = {"cloud": "gcp", "region": "us-east1"}
    with pytest.raises(DataError, match=r"gcp us-east1 .*is there twice"):
        read(tmp_path, row(**place, zones=one), row(**place, zones=other))


def test_parts_of_unknown_age_and_what_was_left_out_are_kept(tmp_path: Path) -> None:
    sources = [
        {"cloud": "aws", "column": "spot", "as_of": "2026-07-01", "source": "a"},
        {"cloud": "azure", "column": "spot", "as_of": None, "source": "b"},
    ]
    made = read(tmp_path, row(), sources=sources, left_out={"aws: no price": 4})
    assert made.source.undated == ("azure spot",)
    assert made.left_out == (Count("aws: no price", 4),)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema_version": 2}'])
def test_a_file_that_is_no_snapshot_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "market.json").write_text(text)
    with pytest.raises(DataError, match=r"snapshot market\.json") as caught:
        read_snapshot(tmp_path / "market.json")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"snapshot market\.json: No such file"):
        read_snapshot(tmp_path / "market.json")


def test_prices_become_whole_micro_usd(tmp_path: Path) -> None:
    (offering,) = read(tmp_path, row(spot_usd=0.3000004)).offerings
    assert (offering.spot_usd_micro, offering.on_demand_usd_micro) == (300_000, 800_000)


def test_order_of_rows_and_zones_does_not_matter(tmp_path: Path) -> None:
    one, other = row(zones=["use1-az2", "use1-az1"]), row(region="us-west-2")
    assert read(tmp_path, one, other) == read(tmp_path, other, row(zones=["use1-az1", "use1-az2"]))


def test_a_price_changes_the_digest(tmp_path: Path) -> None:
    assert read(tmp_path, row()).source.digest != read(tmp_path, row(spot_usd=0.31)).source.digest


def test_the_shipped_snapshot_reads_and_keeps_its_digest_when_shuffled(tmp_path: Path) -> None:
    shipped = read_snapshot(SNAPSHOT)
    data = json.loads(SNAPSHOT.read_text())
    random.Random(7).shuffle(data["offerings"])
    (tmp_path / SNAPSHOT.name).write_text(json.dumps(data))
    assert read_snapshot(tmp_path / SNAPSHOT.name) == shipped
    assert {offering.cloud for offering in shipped.offerings} == {"aws", "azure", "gcp"}


def test_the_shipped_snapshot_marks_the_prices_that_were_raised() -> None:
    raised = [o for o in read_snapshot(SNAPSHOT).offerings if o.spot_assumed]
    assert {o.cloud for o in raised} == {"azure"}
    assert {o.spot_assumed for o in raised} == {"spot raised to 25 % of on demand"}
    assert len(raised) == 66


def test_no_shipped_spot_price_is_above_on_demand_or_under_the_floor_on_azure() -> None:
    for offering in read_snapshot(SNAPSHOT).offerings:
        spot, on_demand = offering.spot_usd_micro, offering.on_demand_usd_micro
        if spot and on_demand:
            assert spot < on_demand, offering
            assert offering.cloud != "azure" or spot >= 0.25 * on_demand - 1, offering
