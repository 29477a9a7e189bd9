"""A target availability as the price of a missing replica-hour, which is what the hedge policy weighs."""

from __future__ import annotations

import math

from allocator.errors import DataError

_STANDING_PRICE = 0.30
"""What a further replica on spot costs by the hour, in on-demand prices."""
_MOST = 0.999999


def shortage_price_of(availability: float) -> float:
    """The shortage price (on-demand prices of the replica, per hour) at which so large a share of time is worth paying for.

    By the newsvendor's critical ratio: one more replica at 0.3 pays while it is missing more than a share 1 - a of the time,
    if being without costs 0.3 / (1 - a). So 0.97 is 10, 0.995 the default 60, 0.999 is 300. What a market then gives is
    measured in bench/replay: the policy holds no more than `most_extra`, and hedges a market of common shortage less.
    Raises DataError outside 0 to 0.999999.
    """
    if not (math.isfinite(availability) and 0 <= availability <= _MOST):
        raise DataError(f"target availability must be 0 to {_MOST}, is {availability}")
    return _STANDING_PRICE / (1 - availability)
