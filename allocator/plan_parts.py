"""What a Plan's decisions are made of: buckets, shapes, pools, cells, fallbacks and routes.

Everything here is an immutable value. Money is integral micro-USD per hour, shares are integral parts per
million, so that canonical JSON (sorted keys, no spaces) is the same text on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PPM = 1_000_000

Cloud = Literal["aws", "gcp", "azure"]
Market = Literal["spot", "on_demand"]
Role = Literal["spot", "base", "fallback"]
PoolState = Literal["active", "retiring"]
Survive = Literal["none", "region", "cloud"]


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
class Risk:
    """What a spot node may do: losses per node-hour, hours until spot is back, and where these numbers come from."""

    losses_per_hour: float
    hours_until_back: float
    origin: str


@dataclass(frozen=True, slots=True)
class Pool:
    """One group of like nodes. `members` are ordered, cheapest first; prices are for one whole node.

    `fallback_usd_micro_per_hour`: what a spot node-hour is expected to cost beyond its price, for the on-demand node that
    stands in while spot is gone and the cold starts paid twice. `limited_by`: the stock or quota that it fills ("": none).
    """

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
    fallback_usd_micro_per_hour: int
    risk: Risk | None
    cold_start_s: int
    limited_by: str
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
    """What a replica shape in a cell gets of each bucket: `shares_ppm[bucket]`; over all routes they sum to PPM."""

    cell: str
    shape: str
    shares_ppm: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """What happens when a failure domain is gone: the part of the demand still served, and the routes to use then."""

    domain: str
    served_ppm: int
    routing: tuple[Route, ...]
