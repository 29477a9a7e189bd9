"""Regions that sell alike are interchangeable: the first by name is taken, and nothing else changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from allocator.ties import first_regions
from tests.allocator.builders import candidate

REGIONS = "abcd"
ALIKE = [candidate(f"azure-{region}-s", (1.0,), usd=2) for region in REGIONS]
DEARER = [candidate(f"azure-{region}-s", (1.0,), usd=2 + n) for n, region in enumerate(REGIONS)]


@given(st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_loads_go_to_the_first_regions_the_largest_first(nodes):
    assert first_regions(ALIKE, nodes) == tuple(sorted(nodes, reverse=True))


@given(st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_a_region_with_another_price_keeps_its_load(nodes):
    assert first_regions(DEARER, nodes) == tuple(nodes)


def test_a_load_of_two_machines_moves_only_where_both_are_sold_alike():
    pools = [
        *ALIKE[:3],
        candidate("azure-b-t", (1.0,), usd=5),
        candidate("azure-c-t", (1.0,), usd=5),
    ]
    assert first_regions(pools, [0, 0, 2, 0, 1]) == (0, 2, 0, 1, 0)


def test_clouds_do_not_take_each_others_loads():
    pools = [candidate("aws-a-s", (1.0,), usd=2), candidate("azure-b-s", (1.0,), usd=2)]
    assert first_regions(pools, [0, 3]) == (0, 3)


def test_a_smaller_stock_is_not_alike():
    pools = [candidate("azure-a-s", (1.0,), usd=2, stock=1), candidate("azure-b-s", (1.0,), usd=2)]
    assert first_regions(pools, [0, 1]) == (0, 1)
