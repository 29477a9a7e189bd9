"""What a replay tells: JSON for machines, a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from allocator.replay.bound import cost_bound
from allocator.replay.engine import Outcome, replay
from allocator.replay.policies import Wanted, make_policy
from allocator.replay.world import Setting, World

_COLUMNS = (
    "policy", "availability", "shortfall", "cost", "bound", "longest outage", "preemptions", "refused", "spot h",
    "on-demand h",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One policy's replay: `bound` is the least cost at which its availability can be had at all."""

    policy: str
    outcome: Outcome
    bound: float
    setting: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The outcome's numbers, the bound and the setting, as JSON-able data."""
        return {**asdict(self.outcome), "bound": self.bound, "setting": self.setting}


def run(world: World, setting: Setting, wanted: Wanted) -> Result:
    """Replay one policy. Raises DataError where it and its settings do not fit."""
    policy = make_policy(world, setting, wanted)
    outcome = replay(world, policy)
    return Result(
        policy=policy.name,
        outcome=outcome,
        bound=cost_bound(world, outcome.availability),
        setting=_setting(world, setting, wanted, policy.name),
    )


def table(world: World, results: Sequence[Result]) -> str:
    """Results as a table in Markdown's form, with what was replayed above it."""
    rows = [_COLUMNS, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    days = world.steps * world.step_s / 86400
    head = (
        f"{world.name}: {len(world.zones)} zones, {days:.1f} days; cost 1 = the wanted replicas on demand; "
        f"bound at availability 1: {cost_bound(world):.3f}"
    )
    return "\n".join([head, *lines])


def _row(result: Result) -> tuple[str, ...]:
    outcome = result.outcome
    return (
        result.policy,
        f"{outcome.availability:.4f}",
        f"{outcome.shortfall:.4f}",
        f"{outcome.cost:.3f}",
        f"{result.bound:.3f}",
        f"{outcome.longest_outage_s / 60:.0f} min",
        str(outcome.preemptions),
        str(outcome.failed_launches),
        f"{outcome.spot_hours:.0f}",
        f"{outcome.on_demand_hours:.0f}",
    )


def _setting(world: World, setting: Setting, wanted: Wanted, name: str) -> dict[str, Any]:
    prices = sorted(set(world.prices))
    return {
        "traces": world.name,
        "zones": len(world.zones),
        "policy": name,
        "groups": "zone" if wanted.zone_groups else "region",
        "target": setting.target if not setting.demand else None,
        "demand_changes": len(setting.demand),
        "capacity_per_tick": world.capacity_per_tick,
        "cold_start_s": setting.cold_start_s,
        "notice_s": setting.notice_s,
        "spot_price": prices[0] if len(prices) == 1 else list(world.prices),
        "shortage_price": wanted.parameters.shortage_price if wanted.name == "skyblend" else None,
    }
