"""A snapshot is made from published price tables, cleaned as it says."""

from __future__ import annotations

import json

import pytest

from allocator.snapshot import read_snapshot
from tools import prices

HEAD = "cloud,region,zone,instance_type,gpu,gpu_count,gpu_mem_gib_total,vcpus,mem_gib,on_demand_usd_hr,spot_usd_hr,note,source"
AWS = """aws,us-east-1,use1-az1,g6.xlarge,L4,1,24,4,16,0.8,0.3,,s
aws,us-east-1,use1-az2,g6.xlarge,L4,1,24,4,16,0.8,0.8,spot_equals_on_demand,s
aws,us-east-1,use1-az4,p4d.24xlarge,A100,8,320,96,1152,21.9,,no_spot_price_published,s
aws,us-east-1,use1-az1,p5e.48xlarge,H200,8,1128,192,2048,,,no_spot_price_published;on_demand_missing_in_source,s"""
GCP = """gcp,us-central1,a|c,g2-standard-4,L4,1,24,4,16,0.7,0.28,,s
gcp,us-central1,a,a3-highgpu-1g,H100,1,80,26,234,11.0,6.0,,s
gcp,us-central1,,a3-highgpu-8g,H100,8,640,208,1872,88.0,40.0,zones_unknown,s
gcp,us-central1,a,nvidia-tesla-t4 (accelerator only),T4,1,16,0,0,0.35,0.1,add n1 host,s
gcp,us-central1,a,n1-standard-4+1xT4,T4,1,16,4,15,0.54,0.18,sum of accelerator + n1-standard-4,s"""
AZURE = """azure,eastus,,Standard_NC4as_T4_v3,T4,1,16,4,28,0.526,0.06,,s
azure,eastus,,Standard_NV36ads_A10_v5,A10,1,24,36,440,3.2,1.6,,s
azure,eastus,,Standard_NC40ads_H100_v5,H100,1,94,40,320,6.98,6.98,spot_equals_on_demand_in_source;od_differs_skypilot=6.98,s
azure,eastus,,Standard_NV6ads_A10_v5,A10,0.167,4,6,55,0.454,0.1,,s
azure,westeurope,,Standard_NC4as_T4_v3,T4,1,16,4,28,0.6,,no_spot_in_sources,s"""
BANDS = """cloud,region,instance_type,interruption_band_month,band_index,avg_savings_pct
aws,us-east-1,g6.xlarge,5-10%,1,60"""


@pytest.fixture
def snapshot(tmp_path):
    for cloud, rows in (("aws", AWS), ("gcp", GCP), ("azure", AZURE)):
        (tmp_path / f"{cloud}.csv").write_text(f"{HEAD}\n{rows}\n")
    (tmp_path / "aws_interruption.csv").write_text(BANDS + "\n")
    return prices.build(tmp_path)


def offers(snapshot, kind):
    return [o for o in snapshot["offerings"] if o["instance_type"] == kind]


def test_spot_at_the_on_demand_price_is_no_offer(snapshot):
    spot = {o["zones"][0]: o["spot_usd"] for o in offers(snapshot, "g6.xlarge")}
    assert spot == {"use1-az1": 0.3, "use1-az2": None}
    assert offers(snapshot, "Standard_NC40ads_H100_v5")[0]["spot_usd"] is None


def test_stale_azure_spot_is_raised_to_a_quarter_and_says_so(snapshot):
    raised, unknown = offers(snapshot, "Standard_NC4as_T4_v3")
    assert raised["spot_usd"] == pytest.approx(0.526 / 4)
    assert (raised["spot_assumed"], raised["note"]) == (
        "spot raised to 25 % of on demand",
        "published: 0.06",
    )
    assert (unknown["spot_usd"], unknown["note"]) == (None, "no spot price published")
    (as_published,) = offers(snapshot, "Standard_NV36ads_A10_v5")
    assert (as_published["spot_usd"], as_published.get("spot_assumed")) == (1.6, None)


def test_the_age_of_azure_s_spot_prices_is_unknown_and_not_that_of_the_rest(snapshot):
    undated = [(s["cloud"], s["column"]) for s in snapshot["sources"] if s["as_of"] is None]
    assert undated == [("azure", "spot")]
    assert snapshot["as_of"] == "2026-06-18"


def test_small_a3_machines_are_sold_as_spot_alone(snapshot):
    (small,), (whole,) = offers(snapshot, "a3-highgpu-1g"), offers(snapshot, "a3-highgpu-8g")
    assert (small["on_demand_usd"], small["spot_usd"]) == (None, 6.0)
    assert whole["on_demand_usd"] == 88.0


def test_gpus_have_one_name_on_all_clouds(snapshot):
    assert offers(snapshot, "p4d.24xlarge")[0]["gpu"] == "A100-40GB"
    assert offers(snapshot, "Standard_NC40ads_H100_v5")[0]["gpu"] == "H100-NVL"
    assert offers(snapshot, "a3-highgpu-8g")[0]["gpu"] == "H100"


def test_zones_are_the_clouds_own_names(snapshot):
    assert offers(snapshot, "g2-standard-4")[0]["zones"] == ["us-central1-a", "us-central1-c"]
    assert offers(snapshot, "a3-highgpu-8g")[0]["zones"] == []


def test_what_is_left_out_is_counted_in_offers(snapshot):
    assert snapshot["left_out"] == {
        "aws: no price": 2,
        "azure: fraction of a GPU": 2,
        "gcp: accelerator attached to a general machine": 2,
        "gcp: accelerator without a host": 2,
        "gcp: not sold on demand": 1,
    }


def test_interruption_bands_join_by_type_and_region(snapshot):
    assert {o["interruption_band"] for o in offers(snapshot, "g6.xlarge")} == {1}
    assert offers(snapshot, "p4d.24xlarge")[0]["interruption_band"] is None


def test_the_written_file_reads_back_one_offer_a_line(snapshot, tmp_path):
    file = tmp_path / "made.json"
    prices.write(snapshot, file)
    assert json.loads(file.read_text()) == snapshot
    assert len(read_snapshot(file).offerings) == len(snapshot["offerings"])
    lines = [line for line in file.read_text().splitlines() if '"instance_type"' in line]
    assert len(lines) == len(snapshot["offerings"])
