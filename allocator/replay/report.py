"""What a replay tells: JSON for machines, a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allocator.facts import Fact
from allocator.plan import Plan
from allocator.replay.bound import cost_bound
from allocator.replay.engine import Outcome, Policy, replay
from allocator.replay.policies import Wanted, make_policy
from allocator.replay.stack import Stack, build_stack
from allocator.replay.traces import read_traces
from allocator.replay.world import Setting, World
from reactor.contract import Parameters

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
    return _result(world, policy, _setting(world, setting, wanted, policy.name))


def run_stack(plan: Plan, stack: Stack, parameters: Parameters) -> Result:
    """Replay a plan's own groups."""
    world = stack.world
    told = {
        "traces": world.name,
        "zones": sum(machine.spot for machine in world.machines),
        "policy": "skyblend",
        "plan": plan.digest,
        "regions": [str(source) for source in stack.sources],
        "capacity_per_tick": world.capacity_per_tick or None,
        "shortage_price": parameters.shortage_price,
    }
    return _result(world, stack.driver(), told)


def stack_fact(plan: Plan, folder: Path) -> Fact:
    """What the stack would have had in a recorded market, in one line."""
    stack = build_stack(plan, read_traces(folder), Parameters())
    outcome = run_stack(plan, stack, Parameters()).outcome
    return (
        "replay",
        f"enough machines {100 * outcome.availability:.2f} % of the time for {100 * outcome.cost:.0f} % of the on-demand price "
        f"in the recorded market {folder.name} ({_days(stack.world):.0f} days), short for {outcome.longest_outage_s / 60:.0f} min "
        "at most; `replay --plan` says which region stands for which",
    )


def _result(world: World, policy: Policy, setting: dict[str, Any]) -> Result:
    outcome = replay(world, policy)
    return Result(policy.name, outcome, cost_bound(world, outcome.availability), setting)


def _days(world: World) -> float:
    return world.steps * world.step_s / 86400


def table(world: World, results: Sequence[Result]) -> str:
    """Results as a table in Markdown's form, with what was replayed above it."""
    rows = [_COLUMNS, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    head = (
        f"{world.name}: {sum(machine.spot for machine in world.machines)} zones, {_days(world):.1f} days; "
        "cost 1 = the wanted replicas on demand; "
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
