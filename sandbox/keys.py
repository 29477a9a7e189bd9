"""The names under which stock and quota can be set by hand: what the market sells, and the quotas it counts against."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from sandbox.clouds import PACKAGES
from sandbox.market import ON_DEMAND, SPOT, Market


def stock_keys(market: Market, kind: str) -> set[str]:
    """CLOUD/REGION/ZONE/TYPE of all that is sold, on spot or on demand; also CLOUD/REGION/ZONE and CLOUD/REGION."""
    parts = [
        (sale.cloud, sale.region, sale.zone, sale.instance_type)
        for sale in market.sales
        if sale.price(kind) is not None
    ]
    return {"/".join(one[:depth]) for one in parts for depth in (2, 3, 4)}


def quota_keys(market: Market) -> set[str]:
    """CLOUD/REGION/FAMILY of every quota that a machine on sale counts against."""
    family_of = {package.cloud: package.family_of for package in PACKAGES}
    return {
        f"{sale.cloud}/{sale.region}/{family_of[sale.cloud](kind, sale.instance_type)}"
        for sale in market.sales
        for kind in (SPOT, ON_DEMAND)
    }


def unknown(key: str, keys: Iterable[str]) -> str:
    """Why a key is refused, with the three nearest."""
    return f"unknown {key!r}; did you mean {', '.join(get_close_matches(key, keys, cutoff=0))}"
