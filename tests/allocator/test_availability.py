"""A target availability as a shortage price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.availability import shortage_price_of
from allocator.errors import DataError
from reactor.contract import Parameters

shares = st.floats(0, 0.999999)


def test_the_default_price_stands_for_a_target_of_995_in_a_thousand():
    assert shortage_price_of(0.995) == pytest.approx(Parameters().shortage_price)


@given(shares, shares)
def test_a_higher_target_never_has_a_lower_price(one, other):
    low, high = sorted((one, other))
    assert shortage_price_of(low) <= shortage_price_of(high)


@pytest.mark.parametrize("target", [-0.1, 1.0, 2.0, float("nan"), float("inf")])
def test_no_other_share_is_a_target(target):
    with pytest.raises(DataError, match="target availability must be 0 to"):
        shortage_price_of(target)
