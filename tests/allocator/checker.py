"""Every promise of a plan, checked from its JSON by other means than the optimizer's: linear programs of HiGHS, sums.

Nothing of the program is imported: a wrong idea there must not be right here. The parts: checker_view (the plan's
numbers), checker_serving (demand, routing, losses), checker_limits (stock, quotas, spread), checker_money, checker_hedge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.allocator.checker_hedge import fallback_promises, hedge_promises
from tests.allocator.checker_limits import (
    count_promises,
    quota_promises,
    spread_promises,
    stock_promises,
)
from tests.allocator.checker_money import Prices, money_promises, price_promises, proof_promises
from tests.allocator.checker_serving import floor_promises, loss_promises, nominal_promises
from tests.allocator.checker_view import View, form_promises


def broken_promises(
    plan: Mapping[str, Any],
    *,
    stock: Mapping[str, int] | int,
    region_share: float = 1.0,
    cloud_share: float = 1.0,
    keep: float = 1.0,
    on_demand_floor: float = 0.0,
    min_regions: int = 1,
    min_clouds: int = 1,
    budget_usd: float | None = None,
    cell_usd: Mapping[str, float] | float = 0.0,
    quotas: Sequence[Mapping[str, Any]] = (),
    prices: Prices | None = None,
    switching_usd: float = 0.0,
    survive: str | None = None,
) -> list[str]:
    """Every promise that `plan` (as `Plan.to_dict()` gives it) breaks, in words; none is right.

    stock: nodes of each kind of machine, or by `aws-us-east-1-l4x2-spot` (..-on_demand), where a missing one is none.
    keep: what is left of the demand after a loss. cell_usd: per hour and cell in use, or by cell or cloud.
    quotas: cloud, region, market, gpus (None: any), unit (`gpus` or `nodes`) and cap.
    prices: USD by (cloud, region, instance type, market), the mean over zones; without it only the plan's own agree.
    survive: the level asked for; without it the plan's own word is taken.
    """
    try:
        view = View(json.loads(json.dumps(plan, allow_nan=False)))
    except (TypeError, ValueError) as error:
        return [f"the plan is not plain JSON: {error}"]
    broken = form_promises(view)
    if broken:
        return broken  # the sums below rest on these
    return [
        *nominal_promises(view),
        *loss_promises(view, keep=keep, asked=survive),
        *floor_promises(view, on_demand_floor),
        *stock_promises(view, stock),
        *quota_promises(view, quotas),
        *spread_promises(view, region_share=region_share, cloud_share=cloud_share),
        *count_promises(view, min_regions=min_regions, min_clouds=min_clouds),
        *money_promises(view, cell_usd=cell_usd, budget_usd=budget_usd),
        *price_promises(view, prices),
        *proof_promises(view, switching_usd),
        *hedge_promises(view),
        *fallback_promises(view),
    ]
