"""Market snapshots: frozen prices of what the clouds sell, read and checked."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from allocator.errors import DataError, first_problem
from allocator.plan import Cloud, Count, Market, Source, digest_of

USD_MICRO = 1_000_000
_ZONES: dict[Cloud, tuple[str, str]] = {
    "aws": (r"[a-z]+\d+-az\d+", "a zone id such as use1-az4 (names like us-east-1a differ per account)"),
    "gcp": (r"{region}-[a-z]", "a zone of the region such as {region}-a"),
    "azure": (r"[123]", "1, 2 or 3"),
}  # fmt: skip
_Price = Annotated[float, Field(ge=0.0001, lt=100_000, allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    cloud: Cloud
    region: Annotated[str, Field(min_length=1)]
    zones: list[str]
    instance_type: Annotated[str, Field(min_length=1)]
    gpu: Annotated[str, Field(min_length=1)]
    gpus: Annotated[int, Field(ge=1, le=64)]
    vcpus: Annotated[int, Field(ge=1)]
    on_demand_usd: _Price | None
    spot_usd: _Price | None
    interruption_band: Annotated[int, Field(ge=0, le=4)] | None
    spot_assumed: str = ""
    note: str

    @model_validator(mode="after")
    def _zones_fit(self) -> _Row:
        pattern, words = _ZONES[self.cloud]
        pattern = pattern.format(region=re.escape(self.region))
        for zone in self.zones:
            if not re.fullmatch(pattern, zone):
                raise ValueError(f"zones: {zone!r} should be {words.format(region=self.region)}")
        if len(set(self.zones)) < len(self.zones):
            raise ValueError("zones: one is there twice")
        if self.cloud == "aws" and not self.zones:
            raise ValueError("zones: empty; AWS sells per zone and publishes which")
        return self


class _Origin(BaseModel):
    model_config = ConfigDict(strict=True)

    cloud: str
    column: str
    as_of: date | None


class _Head(BaseModel):
    model_config = ConfigDict(strict=True)

    schema_version: Literal[1]
    as_of: date
    sources: list[_Origin]
    left_out: dict[str, Annotated[int, Field(ge=1)]] = {}
    offerings: list[Any]


@dataclass(frozen=True, slots=True)
class Offering:
    """An instance type in a place: two offers, one per market. Prices are for one node in micro-USD per hour, None where
    not sold; `spot_assumed` says what was assumed where the spot price is not the published one.

    `zones` is empty where the source does not say (never on AWS). `interruption_band`: 0 (under 5 % a month) to 4
    (above 20 %), AWS alone.
    """

    cloud: Cloud
    region: str
    zones: tuple[str, ...]
    instance_type: str
    gpu: str
    gpus: int
    on_demand_usd_micro: int | None
    spot_usd_micro: int | None
    interruption_band: int | None
    spot_assumed: str

    def price(self, market: Market) -> int | None:
        """Micro-USD per node-hour on a market."""
        return self.spot_usd_micro if market == "spot" else self.on_demand_usd_micro

    def assumed(self, market: Market) -> str:
        """What the price rests on beside its source; "" for a published price."""
        return self.spot_assumed if market == "spot" else ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All offerings of a file, in an order of their own; the source's digest does not depend on the file's order.

    `left_out`: offers that the file's maker had and did not take over, by reason.
    """

    source: Source
    offerings: tuple[Offering, ...]
    left_out: tuple[Count, ...]


def read_snapshot(file: Path) -> Snapshot:
    """Read and check a snapshot file.

    Raises DataError for a missing or unreadable file, a broken row (named with its field) and a repeated row.
    """
    try:
        head = _Head.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"snapshot {file.name}: {error.strerror}; see stacks/snapshots/") from error
    except ValidationError as error:
        raise DataError(f"snapshot {file.name}: {first_problem(error)}") from error
    rows = [_row(file, number, row) for number, row in enumerate(head.offerings, 1)]
    offerings = tuple(sorted(rows, key=_identity))
    _check_distinct(file, offerings)
    source = Source(
        name=file.stem,
        digest=digest_of([[str(getattr(o, f)) for f in Offering.__slots__] for o in offerings]),
        as_of=head.as_of.isoformat(),
        undated=tuple(f"{s.cloud} {s.column}" for s in head.sources if s.as_of is None),
    )
    left_out = tuple(Count(reason, offers) for reason, offers in sorted(head.left_out.items()))
    return Snapshot(source, offerings, left_out)


def _check_distinct(file: Path, offerings: tuple[Offering, ...]) -> None:
    """No zone sells a type twice; a row without zones may mean any of them."""
    seen: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for offering in offerings:
        key = offering.cloud, offering.region, offering.instance_type
        taken, zones = seen[key], set(offering.zones or ("",))
        if taken and (taken & zones or "" in taken | zones):
            where = " ".join((*key[:2], *sorted(taken & zones - {""}), key[2]))
            raise DataError(f"snapshot {file.name}: {where} is there twice; keep one of the rows")
        taken |= zones


def _row(file: Path, number: int, data: Any) -> Offering:
    try:
        row = _Row.model_validate(data)
    except ValidationError as error:
        name = " ".join(str(data.get(k, "?")) for k in ("cloud", "region", "instance_type")) if isinstance(data, dict) else "?"  # fmt: skip
        raise DataError(
            f"snapshot {file.name}: row {number} ({name}): {first_problem(error, _Row)}"
        ) from error
    return Offering(
        cloud=row.cloud,
        region=row.region,
        zones=tuple(sorted(row.zones)),
        instance_type=row.instance_type,
        gpu=row.gpu,
        gpus=row.gpus,
        on_demand_usd_micro=_micro(row.on_demand_usd),
        spot_usd_micro=_micro(row.spot_usd),
        interruption_band=row.interruption_band,
        spot_assumed=row.spot_assumed if row.spot_usd is not None else "",
    )


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * USD_MICRO)


def _identity(offering: Offering) -> tuple[str, str, str, tuple[str, ...]]:
    return offering.cloud, offering.region, offering.instance_type, offering.zones
