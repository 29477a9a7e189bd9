"""Market data frozen in a file: which machines with GPUs each cloud sells, where, and at what price.

A snapshot is made by `python -m tools.prices build` and never changes afterwards. Its digest does not depend on the
order of rows. Nothing here knows today's date: ages are computed from a date that is passed in.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocator.errors import SnapshotError
from allocator.plan import Cloud, Count, Market, digest_of

CLOUDS: tuple[Cloud, ...] = get_args(Cloud)

_Text = Annotated[str, Field(min_length=1)]
_Price = Annotated[int, Field(gt=0, le=10_000_000_000)]
_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Offering:
    """A machine type on sale in a region. Prices are for the whole machine; None: not sold, or not known.

    `zones` are those this row's prices hold in (empty: the source does not say). `interruption_band` is AWS's
    monthly one: 0..4 for under 5, 5-10, 10-15, 15-20, over 20 % of machines; None where none is published.
    """

    cloud: Cloud
    region: str
    zones: tuple[str, ...]
    instance_type: str
    gpu: str
    gpus: int
    vcpus: int
    mem_gib: float
    on_demand_usd_micro: int | None
    spot_usd_micro: int | None
    interruption_band: int | None
    note: str

    @property
    def key(self) -> tuple[str, str, tuple[str, ...], str]:
        """What makes a row unique, and the order of rows."""
        return (self.cloud, self.region, self.zones, self.instance_type)

    def price(self, market: Market) -> int | None:
        """Micro-USD per hour of the whole machine on a market."""
        return self.spot_usd_micro if market == "spot" else self.on_demand_usd_micro


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column of the snapshot comes from; `as_of` is None where the source does not tell its date."""

    name: str
    source: str
    as_of: date | None
    licence: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything on sale, sorted by key, with its provenance."""

    name: str
    offerings: tuple[Offering, ...]
    columns: tuple[Column, ...]
    dropped: tuple[Count, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the rows, whatever their order in the file."""
        return digest_of([asdict(offering) for offering in self.offerings])

    @property
    def as_of(self) -> date:
        """The oldest date that any price is known to be of."""
        return min(c.as_of for c in self.columns if c.as_of and "price" in c.name)

    def age_days(self, today: date) -> int:
        """Days since `as_of`."""
        return (today - self.as_of).days


class _Row(BaseModel):
    model_config = _STRICT
    cloud: Cloud
    region: _Text
    zones: list[_Text]
    instance_type: _Text
    gpu: _Text
    gpus: Annotated[int, Field(ge=1, le=16)]
    vcpus: Annotated[int, Field(ge=1)]
    mem_gib: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    on_demand_usd_micro: _Price | None
    spot_usd_micro: _Price | None
    interruption_band: Annotated[int, Field(ge=0, le=4)] | None = None
    note: str = ""


class _Column(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: _Text
    source: _Text
    as_of: date | None
    licence: _Text


def read_snapshot(path: Path) -> Snapshot:
    """Read and check a snapshot file. Raises SnapshotError naming file, row and field of the first broken row."""
    try:
        data = json.loads(path.read_text())
        columns = tuple(Column(**dict(_Column.model_validate(c))) for c in data["columns"])
        rows, dropped = data["rows"], tuple(Count(**count) for count in data["dropped"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = str(error).splitlines()[0]
        raise SnapshotError(
            f"{path.name}: not a snapshot ({type(error).__name__}: {why}); make one with "
            "`python -m tools.prices build`"
        ) from None
    return Snapshot(path.stem, _offerings(path.name, rows), columns, dropped)


def _offerings(file: str, rows: list[Any]) -> tuple[Offering, ...]:
    first_seen: dict[tuple[str, str, str, str], int] = {}
    offerings = []
    for number, raw in enumerate(rows, start=1):
        offering = _offering(file, number, raw)
        for zone in offering.zones or ("",):
            place = (offering.cloud, offering.region, zone, offering.instance_type)
            if place in first_seen:
                raise SnapshotError(
                    f"{file}: row {number} repeats row {first_seen[place]} "
                    f"({' '.join(filter(None, place))}); remove one of them"
                )
            first_seen[place] = number
        offerings.append(offering)
    return tuple(sorted(offerings, key=lambda offering: offering.key))


def _offering(file: str, number: int, raw: Any) -> Offering:
    try:
        row = _Row.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"]) or "row"
        raise SnapshotError(
            f"{file}: row {number}, {field}: {first['msg'].lower()}, got {first['input']!r}; "
            "mend or remove the row"
        ) from None
    if row.on_demand_usd_micro is None and row.spot_usd_micro is None:
        raise SnapshotError(f"{file}: row {number} has no price at all; remove the row")
    return Offering(
        **(dict(row) | {"zones": tuple(sorted(row.zones)), "mem_gib": float(row.mem_gib)})
    )
