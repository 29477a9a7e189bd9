"""What plan time tells run time, what run time sees, and what it decides: plain immutable values with JSON forms.

Capacity is counted in units: integers in which the plan states both the demand and what one node of each group carries,
so that nodes of several shapes add up. Money is micro-USD per hour. Times are seconds of one clock, passed in.
A group is named by its key; every list is ordered by key where the plan's order means nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from reactor.reading import read

SCHEMA_VERSION = 1

Role = Literal["spot", "base", "fallback"]
State = Literal["active", "retiring"]


@dataclass(frozen=True, slots=True)
class Group:
    """One group of like nodes whose size the reactor sets. A cloud fills a group's zones by itself.

    `zones`: where its nodes may land, empty if the cloud does not say. `planned_nodes`: what the plan means to hold here
    (None: no preference). `on_demand_usd_micro_per_hour`: the same node on demand. `notice_s`: the warning that the cloud
    gives before it takes a node. `fallback`: keys of the on-demand groups that stand in for this one, first choice first.
    """

    key: str
    cloud: str
    region: str
    shape: str
    role: Role
    state: State
    zones: tuple[str, ...]
    units_per_node: int
    planned_nodes: int | None
    max_nodes: int
    price_usd_micro_per_hour: int
    on_demand_usd_micro_per_hour: int
    cold_start_s: float
    notice_s: float
    fallback: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The failure domain whose zones tend to fail together."""
        return f"{self.cloud}/{self.region}"


@dataclass(frozen=True, slots=True)
class Weight:
    """How much of a quota one node of a group takes."""

    group: str
    per_node: int


@dataclass(frozen=True, slots=True)
class QuotaGroup:
    """A quota that several groups share: the sum of nodes x weight stays within `cap`."""

    key: str
    cap: int
    weights: tuple[Weight, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """How the policy weighs money against shortage. `shortage_price` is the user's one knob; the rest is fixed.

    `shortage_price`: what an hour without one wanted replica costs, in on-demand prices of that replica, while shortage is
    rare. `common_shortage`: an expected share s of shortage is felt as s * c / (c + s), so that a market in which shortage
    is common is not hedged at any price: the premium never exceeds shortage_price * c of the on-demand bill.
    `hazard`, `hazard_offset_h`: a spot zone of age a hours is lost at hazard / (a + offset) per hour.
    `correlation`: share of a region's loss chance that takes all of its zones together.
    `most_extra`: bound on what is held above demand and reserve, in nodes. `rest_s`, `longest_rest_s`: how long a zone
    that refused or failed is left alone, doubling from the first to the second.
    """

    shortage_price: float = 60.0
    common_shortage: float = 0.012
    hazard: float = 0.4
    hazard_offset_h: float = 0.35
    correlation: float = 0.5
    most_extra: int = 4
    rest_s: float = 60.0
    longest_rest_s: float = 900.0


@dataclass(frozen=True, slots=True)
class RuntimePlan:
    """The part of the plan that the reactors of one cloud, or of all, need.

    `demand_units` must be served; `reserve_units` is what the plan holds above it to survive the loss of a domain.
    `budget_usd_micro_per_hour` bounds what all groups together may cost (None: no bound).
    """

    digest: str
    demand_units: int
    reserve_units: int
    groups: tuple[Group, ...]
    quota_groups: tuple[QuotaGroup, ...] = ()
    budget_usd_micro_per_hour: int | None = None
    parameters: Parameters = Parameters()
    schema_version: int = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> RuntimePlan:
        """Read what `to_dict` wrote. Raises ValueError, in one line, where it is something else."""
        version = data.get("schema_version") if isinstance(data, dict) else None
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"runtime plan has schema version {version}, this reactor reads {SCHEMA_VERSION}"
            )
        plan: RuntimePlan = read(cls, data)
        return plan


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """Nodes of a group in one zone. Draining nodes take no new requests and count for nothing."""

    zone: str
    ready: int
    starting: int
    draining: int = 0


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as its cloud shows it: `size` is the number of nodes that it was last told to have."""

    key: str
    size: int
    zones: tuple[ZoneCount, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A node is going: it counts among its zone's ready or starting nodes until it is gone, at `deadline_s` or later."""

    machine: str
    group: str
    zone: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class FailedLaunch:
    """The cloud refused to start a node. `zone` is empty where the cloud does not say which."""

    group: str
    zone: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What the reactor sees now. A group that could not be read is left out, and then left alone."""

    groups: tuple[GroupState, ...]
    notices: tuple[Notice, ...] = ()
    failed_launches: tuple[FailedLaunch, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoneMemory:
    """What is remembered of a group in one zone.

    `bad_s`: when it last lost, refused or warned. `held_s`: since when nodes are held without that (None: none held).
    `credit_s`: the age it had when they were first held. `nodes`: how many there were at the last look.
    `rest_s`, `rests_until_s`: the present pause. `refused_s`: the newest refusal known.
    """

    group: str
    zone: str
    bad_s: float
    held_s: float | None = None
    credit_s: float = 0.0
    nodes: int = 0
    rest_s: float = 0.0
    rests_until_s: float = 0.0
    refused_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DemandSeen:
    """The demand from a time on."""

    at_s: float
    units: int


@dataclass(frozen=True, slots=True)
class Size:
    """How many nodes a group should have."""

    group: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the policy keeps between two looks; empty at first.

    `losses`, `whole_losses`: times that a zone with several nodes lost some, and lost all.
    `sizes`: what was set last. `since_s`: the first look. `demands`: changes of demand over the last day, oldest first.
    """

    since_s: float | None = None
    losses: int = 0
    whole_losses: int = 0
    zones: tuple[ZoneMemory, ...] = ()
    sizes: tuple[Size, ...] = ()
    demands: tuple[DemandSeen, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The memory as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Memory:
        """Read what `to_dict` wrote; anything else is an empty memory, because a reactor must go on without."""
        try:
            memory: Memory = read(cls, data)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return cls()
        return memory


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a group gets its size, in one line for people."""

    group: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Sizes to set (groups that could not be observed are left out), why, and what to remember.

    Until `quiet_until_s` the same observation leads to the same sizes; a timer need not fire before.
    """

    sizes: tuple[Size, ...]
    reasons: tuple[Reason, ...]
    memory: Memory
    quiet_until_s: float
