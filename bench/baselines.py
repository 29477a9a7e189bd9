"""What a plan saves: the prod stack's plan beside the four baselines, for every shipped workload: `make bench-baselines`.

Everything is the stack's own configuration and snapshot but for the workload. Where its longest requests cannot be served
within the stack's time to first token, that is doubled until they can. All amounts but the expected fallback are bills
while nothing is preempted.
"""

from __future__ import annotations

from pathlib import Path

from allocator.baselines import MELANGE, NO_SURVIVAL, SINGLE_TYPE, SKYSERVE
from allocator.errors import AllocatorError, InfeasibleError
from allocator.inputs import Inputs, read_inputs
from allocator.plan import Baseline
from allocator.planner import plan_from
from allocator.snapshot import USD_MICRO
from allocator.spec import stack_config

ROOT = Path(__file__).resolve().parent.parent
STACK = "prod"
SLOWEST = 16
"""Times the stack's time to first token, at most: nobody waits longer."""
HEAD = (
    "workload",
    "this plan",
    "expected fallback",
    "proven gap",
    SINGLE_TYPE,
    MELANGE,
    SKYSERVE,
    NO_SURVIVAL,
)


def asked(workload: str, slower: int = 1) -> tuple[Inputs, str]:
    """A workload as it can be planned for, and what had to be changed for it. Raises AllocatorError where that is not enough."""
    config = stack_config(ROOT, STACK, (f"workload.histogram={workload}",))
    config["service"]["slo"]["ttft_ms"] *= slower
    try:
        inputs = read_inputs(config, ROOT)
    except InfeasibleError:
        if slower == SLOWEST:
            raise
        return asked(workload, 2 * slower)
    return inputs, f" (ttft {inputs.spec.service.slo.ttft_ms / 1000:g} s)" if slower > 1 else ""


def compared(workload: str) -> tuple[list[str], list[str]]:
    """A workload's row of the table, and lines that say what every baseline bought."""
    try:
        inputs, note = asked(workload)
        plan = plan_from(inputs)
    except AllocatorError as error:
        return [workload, f"none: {error}", *[""] * (len(HEAD) - 2)], []
    money = plan.money
    row = [
        workload + note,
        _usd(money.hourly_usd_micro),
        "+" + _usd(money.expected_fallback_usd_micro),
        f"{100 * plan.proof.relative_gap:.2f} %",
        *(_beside(money.hourly_usd_micro, other) for other in money.baselines),
    ]
    return row, [f"{workload}, {other.name}: {other.why}" for other in money.baselines]


def _usd(micro: int) -> str:
    return f"${micro / USD_MICRO:.2f}/h"


def _beside(plan: int, other: Baseline) -> str:
    """The baseline's bill, and how much less (or more) the plan's is."""
    if other.hourly_usd_micro is None:
        return f"cannot: {other.why}"
    return f"{_usd(other.hourly_usd_micro)} ({100 * (plan / other.hourly_usd_micro - 1):+.0f} %)"


def main() -> None:
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    bought: list[str] = []
    for file in sorted((ROOT / "stacks" / "workloads").glob("*.json")):
        row, lines = compared(file.stem)
        bought += lines
        print(f"| {' | '.join(row)} |", flush=True)
    print("", *bought, sep="\n")


if __name__ == "__main__":
    main()
