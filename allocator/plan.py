"""The Plan: the allocator's answer, plain data with a digest over its decisions; its parts are in plan_parts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass
from typing import Any

from allocator.plan_parts import (
    PPM,
    Bucket,
    Cell,
    Cloud,
    Fallback,
    Loss,
    Market,
    Member,
    Pool,
    PoolState,
    Risk,
    Role,
    Route,
    Shape,
    Stand,
    Survive,
)

__all__ = [
    "HOURS_PER_MONTH",
    "PPM",
    "SCHEMA_VERSION",
    "Baseline",
    "Bucket",
    "Budget",
    "Cell",
    "Change",
    "Cloud",
    "Count",
    "Decisions",
    "Engine",
    "Fallback",
    "Hedge",
    "Loss",
    "Market",
    "Member",
    "Money",
    "Plan",
    "Pool",
    "PoolState",
    "Proof",
    "Provenance",
    "QuotaGroup",
    "Relaxed",
    "Risk",
    "Role",
    "Route",
    "Shape",
    "Source",
    "Stand",
    "Survive",
    "Weight",
    "canonical_json",
    "digest_of",
]

SCHEMA_VERSION = 3
HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class Hedge:
    """A cloud's part: `demand` must be served, `reserve` is held above it so that a domain may go.

    Both in requests per hour of the workload's own mix (the capacity unit: a pool's replicas times what one serves).
    """

    cloud: Cloud
    demand: int
    reserve: int


@dataclass(frozen=True, slots=True)
class Weight:
    """How much of a quota one node of a pool takes."""

    pool: str
    amount: int


@dataclass(frozen=True, slots=True)
class QuotaGroup:
    """Pools that share a quota: the sum of nodes x amount stays at or below `cap`."""

    key: str
    cap: int
    weights: tuple[Weight, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a cloud's nodes may cost at any time, fallback included."""

    cloud: Cloud
    usd_micro_per_hour: int


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A demand that was given up, as the spec allows: its name, what was asked and what holds."""

    limit: str
    asked: str
    given: str


@dataclass(frozen=True, slots=True)
class Change:
    """A step from the deployed plan. Steps of one phase run together: 1 grow, 2 shrink once that is up, 3 remove."""

    phase: int
    pool: str
    nodes_before: int
    nodes_after: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What another way of buying costs for the same demand; None where it cannot serve, `why` says what it is."""

    name: str
    hourly_usd_micro: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Money:
    """What the plan costs. `hourly`: nodes while nothing is preempted, and the cells' own costs."""

    hourly_usd_micro: int
    cells_usd_micro: int
    monthly_usd_micro: int
    per_million_tokens_usd_micro: int
    expected_fallback_usd_micro: int
    same_nodes_on_demand_usd_micro: int
    baselines: tuple[Baseline, ...]

    @property
    def saving_percent(self) -> float:
        """Saved on nodes against the same nodes on demand; regions cost the same either way."""
        full = self.same_nodes_on_demand_usd_micro
        nodes = self.hourly_usd_micro - self.cells_usd_micro
        return 100 * (1 - nodes / full) if full else 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """How good the plan provably is: `bound_usd_micro` holds for every candidate the spec allows."""

    objective_usd_micro: int
    bound_usd_micro: int
    relative_gap: float
    limit_reached: bool


@dataclass(frozen=True, slots=True)
class Engine:
    """What a replica runs: model, the engine's image, and options for it beside those of every replica."""

    model: str
    image: str
    options: tuple[str, ...] = ()


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
    survive: Survive
    losses: tuple[Loss, ...]
    hedge: tuple[Hedge, ...]
    quota_groups: tuple[QuotaGroup, ...]
    budgets: tuple[Budget, ...]
    relaxed: tuple[Relaxed, ...]


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
    observed: Source | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions, their price, the proof, the way there from the deployed plan, and their provenance."""

    decisions: Decisions
    money: Money
    proof: Proof
    changes: tuple[Change, ...]
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
        """Read what `to_dict` wrote, also after a trip through Pulumi's state: numbers are floats, nulls are gone.

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
        unset = {name: None for name in hints if type(None) in typing.get_args(hints[name])}
        return kind(**{name: _read(hints[name], item) for name, item in (unset | value).items()})  # type: ignore[operator]
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], item) for item in value)
    if typing.get_origin(kind) is types.UnionType:
        if value is None:
            return None
        return _read(next(arm for arm in typing.get_args(kind) if arm is not type(None)), value)
    if kind in (int, float):
        return kind(value)
    return value
