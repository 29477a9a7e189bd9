"""What the emulated clouds sell: instance types per zone, with prices, sizes and whether spot exists.

Read from a snapshot file of real prices. Stock and quota are counts of machines and of vCPUs; both have a default
and can be set by hand (`python -m sandbox stock`, `python -m sandbox quota`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ON_DEMAND = "on_demand"
SPOT = "spot"


@dataclass(frozen=True, slots=True)
class Sale:
    """An instance type on sale in one zone (`zone` is the region where the vendor sells per region)."""

    cloud: str
    region: str
    zone: str
    instance_type: str
    gpu: str
    gpus: int
    vcpus: int
    on_demand_usd_micro: int | None
    spot_usd_micro: int | None

    def price(self, market: str) -> int | None:
        """Micro-USD per hour, None where this market does not sell it."""
        return self.spot_usd_micro if market == SPOT else self.on_demand_usd_micro


class Market:
    """Look-ups over all sales."""

    def __init__(self, sales: list[Sale]) -> None:
        self.sales = sales
        self._by_type: dict[tuple[str, str, str], list[Sale]] = {}
        for sale in sales:
            self._by_type.setdefault((sale.cloud, sale.region, sale.instance_type), []).append(sale)
        self._zones: dict[tuple[str, str], set[str]] = {}
        for sale in sales:
            self._zones.setdefault((sale.cloud, sale.region), set()).add(sale.zone)

    @classmethod
    def load(cls, file: Path) -> Market:
        """From a snapshot of prices (schema 1). Raises ValueError for anything else, OSError when unreadable."""
        data = json.loads(file.read_text(encoding="utf-8"))
        try:
            return cls([sale for row in data["offerings"] for sale in _sales(row)])
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a market snapshot: {error!r}") from error

    def regions(self, cloud: str) -> list[str]:
        """Every region of a cloud that sells anything."""
        return sorted({region for known, region in self._zones if known == cloud})

    def zones(self, cloud: str, region: str) -> list[str]:
        """Zones with sales."""
        return sorted(self._zones.get((cloud, region), ()))

    def sales_of(self, cloud: str, region: str, instance_type: str) -> list[Sale]:
        """Where in a region an instance type is sold, by zone."""
        return self._by_type.get((cloud, region, instance_type), [])

    def knows(self, cloud: str, instance_type: str) -> bool:
        """Whether the cloud sells this type anywhere."""
        return any(key[0] == cloud and key[2] == instance_type for key in self._by_type)


def _sales(row: dict[str, Any]) -> list[Sale]:
    """One sale per zone; where no zone is published, the region itself."""
    return [
        Sale(
            cloud=row["cloud"],
            region=row["region"],
            zone=zone,
            instance_type=row["instance_type"],
            gpu=row["gpu"],
            gpus=row["gpus"],
            vcpus=row["vcpus"],
            on_demand_usd_micro=_micro(row["on_demand_usd"]),
            spot_usd_micro=_micro(row["spot_usd"]),
        )
        for zone in row["zones"] or [row["region"]]
    ]


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * 1_000_000)
