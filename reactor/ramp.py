"""The demand that nodes started now will meet: today's, raised by what the same time of yesterday went on to rise.

A day that repeats is met a cold start ahead. One that does not costs little: a rise that fails to come is held for the look
ahead only, a few minutes, and demand is never expected above what yesterday reached nor below what it is.
"""

from __future__ import annotations

import math

from reactor.contract import DemandSeen

DAY_S = 86400.0
_MOST_REMEMBERED = 300


def remember_demand(seen: tuple[DemandSeen, ...], units: int, now: float) -> tuple[DemandSeen, ...]:
    """The changes of demand over the last day, oldest first, with the one before them."""
    if not seen or (units != seen[-1].units and now > seen[-1].at_s):
        seen = (*seen, DemandSeen(now, units))
    gone = sum([later.at_s <= now - DAY_S for later in seen[1:]])
    return seen[gone:][-_MOST_REMEMBERED:]


def expected_demand(
    seen: tuple[DemandSeen, ...], units: int, now: float, ahead_s: float
) -> tuple[int, float]:
    """The demand to be ready for within `ahead_s`, and until when that holds by itself."""
    then = now - DAY_S
    moves = [at for each in seen for at in (each.at_s + DAY_S - ahead_s, each.at_s + DAY_S)]
    until_s = min([at for at in moves if at > now], default=math.inf)
    before = [each.units for each in seen if each.at_s <= then]
    if not before:
        return units, until_s
    peak = max([before[-1], *(d.units for d in seen if then < d.at_s <= then + ahead_s)])
    return max(units, min(peak, units + peak - before[-1])), until_s
