"""Routing: every bucket whole, nobody busier than needed, one route per cell and shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.plan import PPM, Shape
from allocator.routing import Place, route
from tests.allocator.builders import demand

BOTH = Shape("h100-tp1", "h100", 1, (4.0, 2.0), ("model",) * 2)
SMALL = Shape("l4-tp1", "l4", 1, (3.0, 0.0), ("model",) * 2)
CELLS = st.sampled_from(["aws-east", "aws-west", "gcp-north"])


@st.composite
def places(draw: st.DrawFn) -> list[Place]:
    """Somebody serves the second bucket."""
    some = st.builds(Place, CELLS, st.sampled_from([BOTH, SMALL]), st.integers(0, 9))
    return [Place("aws-east", BOTH, draw(st.integers(1, 4))), *draw(st.lists(some, max_size=5))]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(places(), st.floats(0.1, 30), st.floats(0.1, 30))
def test_every_bucket_is_routed_whole_and_the_part_served_overloads_no_replica(places, one, two):
    buckets = demand(one, two)
    made = route(places, buckets)
    for number in range(len(buckets)):
        assert sum(way.shares_ppm[number] for way in made.routes) == PPM
    targets = [(way.cell, way.shape) for way in made.routes]
    assert targets == sorted(set(targets))
    rates = {shape.key: shape.requests_per_second for shape in (BOTH, SMALL)}
    for way in made.routes:
        replicas = sum(p.replicas for p in places if (p.cell, p.shape.key) == (way.cell, way.shape))
        busy = sum(
            bucket.requests_per_second * share / PPM / rate
            for bucket, share, rate in zip(buckets, way.shares_ppm, rates[way.shape], strict=True)
            if share
        )
        assert busy * made.served <= replicas * (1 + 1e-6) + 1e-4


@settings(max_examples=40, deadline=None, derandomize=True)
@given(places())
def test_the_order_and_the_grouping_of_places_do_not_matter(places):
    apart = [Place(p.cell, p.shape, 1) for p in places for _ in range(p.replicas)]
    assert route(apart[::-1], demand(5, 3)) == route(places, demand(5, 3))


def test_spot_and_on_demand_nodes_of_a_cell_share_a_route():
    twice = [Place("aws-east", BOTH, 2), Place("aws-east", BOTH, 1), Place("aws-west", BOTH, 1)]
    assert [(way.cell, way.shares_ppm) for way in route(twice, demand(1, 1)).routes] == [
        ("aws-east", (750_000, 750_000)),
        ("aws-west", (250_000, 250_000)),
    ]


@pytest.mark.parametrize(("replicas", "served"), [(1, 0.25), (2, 0.5), (4, 1.0), (9, 1.0)])
def test_too_few_replicas_serve_a_part_and_plenty_serve_all(replicas, served):
    made = route([Place("aws-east", BOTH, replicas)], demand(8, 4))
    assert made.served == pytest.approx(served)
