"""Market snapshots: frozen prices of what the clouds sell, read and checked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from allocator.errors import DataError, first_problem
from allocator.plan import Cloud, Market, digest_of

USD_MICRO = 1_000_000
_Price = Annotated[float, Field(gt=0, lt=100_000, allow_inf_nan=False)]


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
    note: str


class _Head(BaseModel):
    schema_version: Literal[1]
    as_of: date
    sources: list[dict[str, str]]
    offerings: list[Any]


_ROWS = TypeAdapter(_Row)


@dataclass(frozen=True, slots=True)
class Offering:
    """An instance type in a place. Prices are for one node in micro-USD per hour, None where not sold.

    `zones` is empty where the source does not say. `interruption_band`: 0 (under 5 % a month) to 4 (above 20 %), AWS.
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

    def price(self, market: Market) -> int | None:
        """Micro-USD per node-hour on a market."""
        return self.spot_usd_micro if market == "spot" else self.on_demand_usd_micro


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All offerings of a file, in an order of their own; `digest` does not depend on the file's order."""

    name: str
    as_of: date
    offerings: tuple[Offering, ...]
    digest: str


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
    repeated = [key for key, n in Counter(map(_identity, offerings)).items() if n > 1]
    if repeated:
        cloud, region, instance_type, zones = repeated[0]
        where = " ".join((cloud, region, *zones, instance_type))
        raise DataError(f"snapshot {file.name}: {where} is there twice; keep one of the rows")
    digest = digest_of([[str(getattr(o, f)) for f in Offering.__slots__] for o in offerings])
    return Snapshot(file.stem, head.as_of, offerings, digest)


def _row(file: Path, number: int, data: Any) -> Offering:
    try:
        row = _ROWS.validate_python(data)
    except ValidationError as error:
        name = " ".join(str(data.get(k, "?")) for k in ("cloud", "region", "instance_type")) if isinstance(data, dict) else "?"  # fmt: skip
        raise DataError(
            f"snapshot {file.name}: row {number} ({name}): {first_problem(error)}"
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
    )


def _micro(usd: float | None) -> int | None:
    return None if usd is None else round(usd * USD_MICRO)


def _identity(offering: Offering) -> tuple[str, str, str, tuple[str, ...]]:
    return offering.cloud, offering.region, offering.instance_type, offering.zones


def parse_json(file: Path, what: str) -> Any:
    """A JSON data file, or one line about what is wrong with it."""
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise DataError(f"{what} {file.name}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{what} {file.name}: not JSON: {error}") from error
