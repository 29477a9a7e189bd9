"""The Plan: the allocator's answer, plain data with a digest over its decisions.

Everything here is an immutable value. Money is integral micro-USD per hour, shares are integral parts per
million, so that canonical JSON (sorted keys, no spaces) is the same text on every machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA_VERSION = 2
PPM = 1_000_000
HOURS_PER_MONTH = 730

Cloud = Literal["aws", "gcp", "azure"]
Market = Literal["spot", "on_demand"]
Role = Literal["spot", "base", "fallback"]
PoolState = Literal["active", "retiring"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One cell of the workload histogram that carries traffic.

    `input_tokens` and `output_tokens` are the sizes its throughput is computed at; the `_upper` bounds are what a
    router compares with (None: open).
    """

    input_tokens: int
    output_tokens: int
    input_upper: int | None
    output_upper: int | None
    requests_per_second: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A replica shape: GPU type x tensor-parallel degree, with its throughput per bucket.

    `requests_per_second[b]` is what one replica sustains of bucket b within the SLO, 0.0 where it cannot;
    `origins[b]` says where the number comes from (`measured:<table>`, `model`) or why it is 0.
    """

    key: str
    gpu: str
    tensor_parallel: int
    requests_per_second: tuple[float, ...]
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An instance type that a pool may use; `zones` are those where it is offered (empty: not published).

    `assumed`: what the price rests on beside its source, "" for a published price.
    """

    instance_type: str
    zones: tuple[str, ...]
    price_usd_micro_per_hour: int
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """One group of like nodes. `members` are ordered, cheapest first; prices are for one whole node."""

    key: str
    cloud: Cloud
    region: str
    shape: str
    gpu: str
    gpus_per_node: int
    tensor_parallel: int
    replicas_per_node: int
    role: Role
    state: PoolState
    members: tuple[Member, ...]
    nodes: int
    max_nodes: int
    price_usd_micro_per_hour: int
    on_demand_usd_micro_per_hour: int
    why: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A region in use: every zone known there, and the share of all requests it should get."""

    key: str
    cloud: Cloud
    region: str
    zones: tuple[str, ...]
    share_ppm: int


@dataclass(frozen=True, slots=True)
class Stand:
    """An on-demand pool that stands in for a spot pool, `nodes_ppm` of it for one spot node."""

    pool: str
    nodes_ppm: int


@dataclass(frozen=True, slots=True)
class Fallback:
    """The on-demand pools of the same cloud that cover a spot pool, first choice first."""

    pool: str
    stands: tuple[Stand, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """The share of a bucket's requests that goes to a replica shape in a cell; sums to PPM per bucket."""

    bucket: int
    cell: str
    shape: str
    share_ppm: int


@dataclass(frozen=True, slots=True)
class Money:
    """What the plan costs, and what the same nodes would cost on demand."""

    hourly_usd_micro: int
    monthly_usd_micro: int
    per_million_tokens_usd_micro: int
    same_nodes_on_demand_usd_micro: int


@dataclass(frozen=True, slots=True)
class Proof:
    """How good the plan provably is: `bound_usd_micro` holds for every candidate the spec allows."""

    objective_usd_micro: int
    bound_usd_micro: int
    relative_gap: float
    limit_reached: bool


@dataclass(frozen=True, slots=True)
class Engine:
    """What a replica runs: model and the engine's image."""

    model: str
    image: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """All that infra builds from; the digest covers exactly this."""

    engine: Engine
    buckets: tuple[Bucket, ...]
    shapes: tuple[Shape, ...]
    cells: tuple[Cell, ...]
    pools: tuple[Pool, ...]
    fallback: tuple[Fallback, ...]
    routing: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """An input file the plan was made from. `as_of` is the date of its oldest part (ISO 8601); `undated`: parts of
    unknown age, which may be older."""

    name: str
    digest: str
    as_of: str
    undated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many offers were dropped for one reason. An offer is a row of the snapshot on one market (spot or on demand),
    sold there or not, so that a row is two offers."""

    reason: str
    offers: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the plan comes from; stands beside the decisions and is not in the digest.

    The offers that pools may use and `dropped` add up to `offers`, all of the snapshot. `left_out` is what the snapshot's maker had
    left out before (an offer whose row stayed for its other market is among `dropped` too, as not sold).
    """

    allocator_version: str
    spec_digest: str
    snapshot: Source
    workload: Source
    profiles: tuple[Source, ...]
    offers: int
    dropped: tuple[Count, ...]
    left_out: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions, their price, the proof, and their provenance."""

    decisions: Decisions
    money: Money
    proof: Proof
    provenance: Provenance
    schema_version: int = SCHEMA_VERSION

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the decisions' canonical JSON."""
        return digest_of(dataclasses.asdict(self.decisions))

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-able data, its digest included."""
        return {**dataclasses.asdict(self), "digest": self.digest}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        """Read what `to_dict` wrote, also after a trip through Pulumi's state, where every number is a float.

        Raises ValueError where the schema version or the digest does not fit.
        """
        if data.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(
                f"plan has schema version {data.get('schema_version')}, this program reads {SCHEMA_VERSION}"
            )
        plan: Plan = _read(cls, {k: v for k, v in data.items() if k != "digest"})
        if plan.digest != data.get("digest"):
            raise ValueError(
                f"plan's digest is {data.get('digest')}, its decisions hash to {plan.digest}"
            )
        return plan


def canonical_json(value: Any) -> str:
    """JSON text that is equal for equal data: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a JSON-able value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _read(kind: Any, value: Any) -> Any:
    """Rebuild a value of type `kind` from JSON data."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _read(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], item) for item in value)
    if typing.get_origin(kind) is types.UnionType:
        if value is None:
            return None
        return _read(next(arm for arm in typing.get_args(kind) if arm is not type(None)), value)
    if kind in (int, float):
        return kind(value)
    return value
