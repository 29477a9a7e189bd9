"""Whole parts per million, upper bounds that leave room, and routes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from allocator.assemble import max_nodes
from allocator.plan import PPM
from allocator.routing import in_ppm

weights = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.floats(1e-3, 1e3), min_size=1, max_size=12
)


@given(weights)
def test_shares_add_up_to_exactly_one_million_and_are_each_within_one_of_their_own(
    shares: dict[str, float],
) -> None:
    whole, total = in_ppm(shares), sum(shares.values())
    assert sum(whole.values()) == PPM
    assert all(abs(whole[key] - share / total * PPM) <= 1 for key, share in shares.items())


@given(weights)
def test_the_order_in_which_shares_come_does_not_matter(shares: dict[str, float]) -> None:
    assert in_ppm(dict(reversed(list(shares.items())))) == in_ppm(shares)


def test_equal_remainders_are_given_out_by_key() -> None:
    assert in_ppm({"c": 1.0, "a": 1.0, "b": 1.0}) == {"a": 333_334, "b": 333_333, "c": 333_333}


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_an_upper_bound_leaves_room_for_a_quarter_within_the_stock_and_rises_with_nodes(
    nodes: int, spare: int
) -> None:
    stock = nodes + spare
    assert max_nodes(nodes, stock) == min(nodes + max(1, -(-nodes // 4)), stock)
    assert max_nodes(nodes + 1, stock) >= max_nodes(nodes, stock) >= nodes


def test_a_bound_holds_what_runs_though_the_stock_has_shrunk() -> None:
    assert max_nodes(8, 4) == 8
