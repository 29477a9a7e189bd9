"""Where a drill is played: the groups of a deployed stack as its plans in the clouds' stores name them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.machines import MACHINE
from sandbox.world import Record, World

_PLAN = "plan.json"


class DrillError(Exception):
    """One line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the runtime plan and the record that stands for it. `units`: capacity of one node."""

    key: str
    cloud: str
    region: str
    role: str
    units: int
    usd_micro_per_hour: int
    cold_start_s: float
    most: int
    record: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """A stack's groups over all clouds, what must be served and what is held above it, in units; `dispatch`: the URL at which
    its reactors ask for a new plan."""

    stack: str
    demand: int
    reserve: int
    groups: tuple[Group, ...]
    dispatch: str | None = None

    def region(self, name: str) -> tuple[Group, ...]:
        """Groups of a region, with or without its cloud before it: us-east-2, aws-us-east-2. Raises DrillError."""
        found = tuple(g for g in self.groups if name in (g.region, f"{g.cloud}-{g.region}"))
        if not found:
            known = sorted({f"{g.cloud}-{g.region}" for g in self.groups})
            raise DrillError(
                f"no group of stack {self.stack} is in {name}; it has {', '.join(known)}"
            )
        return found


def largest_region(world: World, scene: Scene) -> str:
    """The region with the most spot capacity now."""
    totals: dict[str, int] = {}
    for group in scene.groups:
        if group.role == "spot":
            place = f"{group.cloud}-{group.region}"
            totals[place] = totals.get(place, 0) + group.units * len(machines(world, group))
    return max(sorted(totals), key=lambda place: totals[place])


def read_scene(world: World, stack: str) -> Scene:
    """The stack as it is deployed. Raises DrillError where it is not."""
    plans: dict[str, dict[str, Any]] = {}
    for cloud, _, body in world.sql(
        "select cloud, name, body from objects where name = ? or name like ? order by cloud, bucket", _PLAN, f"%/{_PLAN}"
    ):  # fmt: skip
        published = json.loads(body)
        if published.get("stack") == stack:
            plans.setdefault(cloud, published)
    if not plans:
        raise DrillError(
            f"stack {stack} is not deployed on the emulated clouds; make up STACK={stack}"
        )
    groups = [group for cloud in sorted(plans) for group in _groups(world, cloud, plans[cloud])]
    return Scene(
        stack=stack,
        demand=sum(plan["plan"]["demand_units"] for plan in plans.values()),
        reserve=sum(plan["plan"]["reserve_units"] for plan in plans.values()),
        groups=tuple(groups),
        dispatch=next((p["dispatch"]["url"] for p in plans.values() if p.get("dispatch")), None),
    )


def machines(world: World, group: Group) -> list[Record]:
    """The group's machines, oldest first."""
    record = world.get(group.cloud, *group.record)
    return world.members(record, MACHINE) if record else []


def _groups(world: World, cloud: str, published: dict[str, Any]) -> Iterable[Group]:
    facts = {group["key"]: group for group in published["plan"]["groups"]}
    by_name = {
        (name, record.region): record
        for record in world.all(cloud)
        for name in (record.name, record.id, record.id.lower())
    }
    for target in published["targets"]:
        fact, resource = facts[target["group"]], target["resource"]
        record = by_name.get((resource, target["region"])) or by_name.get((resource.lower(), target["region"]))  # fmt: skip
        if record is None:
            raise DrillError(
                f"group {target['group']} is planned in {cloud} but not there; make up"
            )
        yield Group(
            key=fact["key"],
            cloud=cloud,
            region=target["region"],
            role=fact["role"],
            units=fact["units_per_node"],
            usd_micro_per_hour=fact["price_usd_micro_per_hour"],
            cold_start_s=fact["cold_start_s"],
            most=fact["max_nodes"],
            record=(record.kind, record.id),
        )
