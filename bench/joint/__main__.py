"""The optimizer on the shipped market and on generated ones: cost, bound, gap, time and memory (`make bench-joint`).

Each case runs in a process of its own. Times are CPU seconds of the search alone, from the fleet in numbers to the plan
with its bound: other work on the machine disturbs them less than the clock. Memory is the peak beyond imports and inputs.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from allocator.inputs import read_inputs
from allocator.mix import Model, Problem
from allocator.optimize.fleet import Fleet
from allocator.optimize.search import search
from allocator.spec import Limits, Policy, Quota, stack_config
from bench.joint.markets import market

ROOT = Path(__file__).resolve().parents[2]
SIZES = ((8, 9), (16, 18), (16, 54))
RATES = (64, 1024)
SEEDS = (1, 2, 3)
KINDS = ("survival", "survival, equal prices", "whole", "whole, equal prices")


def fleet_of(shapes: int, regions: int, rate: int, seed: int, kind: str) -> tuple[Fleet, int]:
    """A generated market's fleet and its number of pools. `whole`: every part of the model is switched on."""
    whole = kind.startswith("whole")
    spot = 0.4 if "equal" in kind else None
    made = market(shapes, regions, rate, seed, spot=spot, nodes_of_several=whole)
    if not whole:
        fleet = Model(Problem(made.candidates, made.buckets, Limits(), Policy())).fleet
        return dataclasses.replace(fleet, cell_cost=np.zeros(len(fleet.cell_cost))), len(
            made.candidates
        )
    limits = Limits(
        max_cloud_share=0.7, min_regions=3,
        quotas=[Quota(cloud=cloud, market="spot", cap=4000) for cloud in ("aws", "azure", "gcp")],
    )  # fmt: skip
    policy = Policy(on_demand_share=0.02)
    running = {c.key: 1 for c in made.candidates[:: len(made.candidates) // 5]}
    problem = Problem(made.candidates, made.buckets, limits, policy, running)
    return Model(problem).fleet, len(made.candidates)


def shipped(stack: str) -> tuple[Fleet, int]:
    """A stack's fleet on the shipped prices."""
    inputs = read_inputs(stack_config(ROOT, stack), ROOT)
    problem = Problem(inputs.candidates, inputs.buckets, inputs.spec.limits, inputs.spec.policy)
    return Model(problem).fleet, len(inputs.candidates)


def measure(case: list[str]) -> dict[str, float]:
    """One case: seconds to a gap of 1 % and of 0.1 %, the plan's cost and gap, MiB."""
    fleet, pools = (
        shipped(case[1]) if case[0] == "stack" else fleet_of(*map(int, case[:4]), case[4])
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row: dict[str, float] = {"pools": pools}
    for name, gap in (("1", 1e-2), ("0.1", 1e-3)):
        start = time.process_time()
        found = search(fleet, gap)
        row[f"seconds to {name} %"] = time.process_time() - start
        if found is None:
            return row
        row[f"gap at {name} %"] = (found.cost - found.bound) / found.cost
        row["cost"], row["bound"] = found.cost, found.bound
    row["MiB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return row


def main() -> None:
    """Print the table."""
    cases = [["stack", name] for name in ("dev", "staging", "sandbox", "prod")]
    cases += [
        [str(shapes), str(regions), str(rate), str(seed), kind]
        for kind in KINDS
        for shapes, regions in SIZES
        for rate in RATES
        for seed in (SEEDS if kind == "survival" else SEEDS[:1])
    ]
    print("| case | pools | cost $/h | bound | gap % | s to 1 % | s to 0.1 % | MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for case in cases:
        done = subprocess.run(
            [sys.executable, "-m", "bench.joint", *case], cwd=ROOT, capture_output=True, text=True, check=True
        )  # fmt: skip
        row = json.loads(done.stdout)
        name = f"stack {case[1]}" if case[0] == "stack" else _name(case)
        if "cost" not in row:
            print(f"| {name} | {row['pools']} | no plan found | | | | | |", flush=True)
            continue
        reached = {n: "" if row[f"gap at {n} %"] <= g + 1e-9 else " (not reached)" for n, g in (("1", 1e-2), ("0.1", 1e-3))}  # fmt: skip
        print(
            f"| {name} | {row['pools']:g} | {row['cost']:.3f} | {row['bound']:.3f} | {100 * row['gap at 0.1 %']:.3f} | "
            f"{row['seconds to 1 %']:.2f}{reached['1']} | {row['seconds to 0.1 %']:.2f}{reached['0.1']} | {row['MiB']:.0f} |",
            flush=True,
        )


def _name(case: list[str]) -> str:
    shapes, regions, rate, seed, kind = case
    return f"{kind}: {shapes} shapes, {regions} regions, {rate} req/s, seed {seed}"


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1:])))
    else:
        main()
