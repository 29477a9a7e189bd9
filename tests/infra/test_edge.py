"""The edge: origins, weights, endpoint."""

from __future__ import annotations

import dataclasses

import pytest

from infra.edge.front_door import weight
from tests.infra import plans
from tests.infra.declared import Declared, declared, settings


def test_origins_are_the_cells_addresses_weighted_by_their_shares(three_clouds: Declared) -> None:
    origins = {
        o.name: (o.inputs["hostName"], o.inputs["weight"]) for o in three_clouds.of("AFDOrigin")
    }
    assert origins == {
        "aws-us-east-1": ("aws-us-east-1.elb.example", 600),
        "gcp-us-central1": ("192.0.2.7", 300),
        "azure-eastus": ("192.0.2.7", 100),
    }


@pytest.mark.parametrize(
    ("share_ppm", "expected"), [(0, 1), (400, 1), (1_500, 2), (333_333, 333), (1_000_000, 1000)]
)
def test_weights_are_shares_in_thousandths_and_at_least_one(share_ppm: int, expected: int) -> None:
    assert weight(share_ppm) == expected


def test_weights_are_not_outdone_by_latency(three_clouds: Declared) -> None:
    balancing = three_clouds.one("AFDOriginGroup").inputs["loadBalancingSettings"]
    assert balancing["additionalLatencyInMilliseconds"] == 1000
    assert balancing["successfulSamplesRequired"] <= balancing["sampleSize"]


def test_a_dead_cell_is_noticed_within_seconds(three_clouds: Declared) -> None:
    probe = three_clouds.one("AFDOriginGroup").inputs["healthProbeSettings"]
    assert probe["probePath"] == "/health"
    assert probe["probeIntervalInSeconds"] <= 30


def test_answers_may_take_as_long_as_the_edge_allows(three_clouds: Declared) -> None:
    assert three_clouds.one("Profile").inputs["originResponseTimeoutSeconds"] == 240


def test_the_route_waits_for_every_origin(three_clouds: Declared) -> None:
    awaited = " ".join(three_clouds.one("Route", "edge").depends_on)
    assert awaited.count(":AFDOrigin::") == 3


def test_clients_use_https_at_the_edges_name(three_clouds: Declared) -> None:
    assert three_clouds.endpoint == "https://skyblend-test.z01.azurefd.example"
    assert three_clouds.one("Route", "edge").inputs["supportedProtocols"] == ["Https"]


def test_without_an_edge_the_endpoint_is_the_cells_own_address() -> None:
    found = declared(plans.plan(plans.AWS), settings({"edge": "none"}))
    assert found.endpoint == "http://aws-us-east-1.elb.example:8000"
    assert not [r for r in found.resources if r.type.startswith("azure-native:")]


def test_without_an_edge_the_largest_cell_is_the_endpoint() -> None:
    small = dataclasses.replace(plans.GCP, share_ppm=1)
    large = dataclasses.replace(plans.AWS, share_ppm=999_999)
    found = declared(plans.plan(small, large), settings({"edge": "none"}))
    assert found.endpoint == "http://aws-us-east-1.elb.example:8000"
