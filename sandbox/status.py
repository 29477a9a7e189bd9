"""Groups and machines of the emulated clouds, as text or data."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.clouds import PACKAGES
from sandbox.fields import get
from sandbox.leftovers import tagged
from sandbox.machines import MACHINE, RUNNING
from sandbox.world import Record, World


def status(world: World, tag: str = "") -> dict[str, Any]:
    """Counts of resources per cloud, and every group with its wanted size and its machines; all, or those under a tag."""
    sizes = {
        (package.cloud, kind.name): kind.size_path
        for package in PACKAGES
        for kind in package.kinds()
        if kind.size_path
    }
    records = tagged(world, tag) if tag else world.all()
    machines = [record for record in records if record.kind == MACHINE]

    def of_group(group: Record) -> list[Record]:
        return [m for m in machines if m.cloud == group.cloud and m.body["group"] == group.id]

    groups = [
        {
            "cloud": record.cloud,
            "region": record.region,
            "group": record.name or record.id,
            "wanted": get(record.body, sizes[record.cloud, record.kind]) or 0,
            "machines": dict(
                sorted(
                    Counter(
                        f"{m.body['instance_type']} {m.body['market']} {m.body['zone']}"
                        for m in of_group(record)
                    ).items()
                )
            ),
            "states": dict(sorted(Counter(_state(m) for m in of_group(record)).items())),
        }
        for record in records
        if (record.cloud, record.kind) in sizes
    ]
    resources = Counter(record.cloud for record in records if record.kind != MACHINE)
    return {
        "resources": dict(sorted(resources.items())),
        "groups": sorted(groups, key=lambda g: (g["cloud"], g["region"], g["group"])),
        "usd_per_hour": sum(m.body["usd_micro_per_hour"] or 0 for m in machines) / 1e6,
    }


def _state(machine: Record) -> str:
    return "being taken" if machine.body["deadline"] is not None else str(machine.body["state"])


def render(facts: dict[str, Any]) -> str:
    """The status as lines for a terminal."""
    if not facts["resources"]:
        return "resources  none"
    lines = [
        "resources  " + ", ".join(f"{cloud} {n}" for cloud, n in facts["resources"].items()),
        f"machines   ${facts['usd_per_hour']:.2f}/h",
        "",
        f"{'cloud':<7}{'region':<16}{'group':<52}{'wanted':>7}{'running':>9}  machines",
    ]
    for group in facts["groups"]:
        running = group["states"].get(RUNNING, 0)
        listed = ", ".join(f"{n} x {what}" for what, n in group["machines"].items())
        listed += "".join(f", {n} {s}" for s, n in group["states"].items() if s != RUNNING)
        lines.append(
            f"{group['cloud']:<7}{group['region']:<16}{group['group']:<52}"
            f"{group['wanted']:>7}{running:>9}  {listed or '-'}"
        )
    return "\n".join(lines)
