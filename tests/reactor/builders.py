"""Small runtime plans and observations that default everything but the point."""

from __future__ import annotations

from reactor.contract import (
    Decision,
    FailedLaunch,
    Group,
    GroupState,
    Memory,
    Notice,
    Observation,
    Parameters,
    QuotaGroup,
    RuntimePlan,
    ZoneCount,
)

USD = 1_000_000
UNIT = 1000
HOUR = 3600.0


def group(key: str, role: str = "spot", **changes: object) -> Group:
    """A group in a region named like it, with zones a and b, one unit-cell per node."""
    spot = role == "spot"
    fields: dict[str, object] = {
        "key": key, "cloud": "aws", "region": key, "shape": "l4", "role": role, "state": "active",
        "zones": ("a", "b") if spot else (), "units_per_node": UNIT, "planned_nodes": None, "max_nodes": 50,
        "price_usd_micro_per_hour": 300_000 if spot else USD, "on_demand_usd_micro_per_hour": USD,
        "cold_start_s": 180.0, "notice_s": 120.0,
    }  # fmt: skip
    return Group(**{**fields, **changes})  # type: ignore[arg-type]


def plan(*groups: Group, demand: int = 4, **changes: object) -> RuntimePlan:
    """A plan over these groups, or over spot groups east and west with one fallback group."""
    chosen = groups or (group("east"), group("west"), group("fallback", "fallback"))
    fields: dict[str, object] = {
        "digest": "d", "demand_units": demand * UNIT, "reserve_units": 0, "groups": chosen,
        "parameters": Parameters(),
    }  # fmt: skip
    return RuntimePlan(**{**fields, **changes})  # type: ignore[arg-type]


def quota(cap: int, *groups: str) -> QuotaGroup:
    """A quota that counts each node of these groups once."""
    from reactor.contract import Weight

    return QuotaGroup("gpus", cap, tuple(Weight(key, 1) for key in groups))


def state(key: str, a: int = 0, b: int = 0, *, starting: int = 0) -> GroupState:
    """Ready nodes in zones a and b; starting ones in a."""
    zones = (ZoneCount("a", a, starting), ZoneCount("b", b, 0))
    return GroupState(key, a + b + starting, zones)


def seen(
    *states: GroupState,
    notices: tuple[Notice, ...] = (),
    failed: tuple[FailedLaunch, ...] = (),
) -> Observation:
    """These groups; of the default plan's groups the others are empty."""
    known = {each.key for each in states}
    rest = tuple(state(key) for key in ("east", "west") if key not in known)
    if "fallback" not in known:
        rest = (*rest, GroupState("fallback", 0, ()))
    return Observation((*states, *rest), notices, failed)


def running(key: str, nodes: int) -> GroupState:
    """A fallback group with so many ready nodes."""
    return GroupState(key, nodes, (ZoneCount("", nodes, 0),))


def sizes(decision: Decision) -> dict[str, int]:
    """The decision as sizes by group."""
    return {size.group: size.nodes for size in decision.sizes}


def old_memory(*states: GroupState, since: float = 0.0) -> Memory:
    """The memory of a reactor that has seen these groups unchanged since long ago."""
    from reactor.policy import decide

    return decide(plan(), seen(*states), Memory(), since).memory
