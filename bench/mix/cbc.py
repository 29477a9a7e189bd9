"""The published integer program, from its formulas, solved with PuLP and CBC: `python cbc.py LIMIT_S RUNS FILE`.

    minimise    sum_g cost_g y_g
    subject to  sum_g a_sg = 1                                                      for every slice s
                sum_s a_sg (rate of s's bucket / slice factor) / throughput <= y_g   for every type g
    a_sg in {0, 1},  y_g whole

Every bucket, also one without traffic, is cut into as many equal slices as the slice factor says. No variable where the
throughput is 0 (the publication divides by it). Runs in an environment of its own (requirements.txt beside this file):
PuLP takes hold of solvers that the program's environment has too. Prints {"cost", "seconds", "limit", "counts"} as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pulp


def solve(config: dict[str, Any], limit_s: float) -> dict[str, Any]:
    """One run, from the parsed file to the counts; CBC is a process of its own that PuLP starts."""
    started = time.perf_counter()
    problem, counts = build(config)
    problem.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit_s))
    seconds = time.perf_counter() - started
    found = problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    answer = {name: round(count.value()) for name, count in counts.items()} if found else {}
    return {
        "cost": sum(n * config["gpu_info"][name]["cost"] for name, n in answer.items())
        if found
        else None,
        "seconds": seconds,
        "limit": problem.sol_status != pulp.LpSolutionOptimal,
        "counts": answer,
    }


def build(config: dict[str, Any]) -> tuple[pulp.LpProblem, dict[str, pulp.LpVariable]]:
    """The program and its count variables by type."""
    gpus, factor = config["gpu_info"], config["slice_factor"]
    slices = [
        (i, o, fraction * config["total_request_rate"] / factor)
        for i, row in enumerate(config["workload_distribution"])
        for o, fraction in enumerate(row)
        for _ in range(factor)
    ]
    problem = pulp.LpProblem("mix", pulp.LpMinimize)
    counts = {
        name: pulp.LpVariable(f"y_{g}", lowBound=0, cat=pulp.LpInteger)
        for g, name in enumerate(gpus)
    }
    load: dict[str, list[tuple[pulp.LpVariable, float]]] = {name: [] for name in gpus}
    problem += pulp.lpSum(gpus[name]["cost"] * count for name, count in counts.items())
    for s, (i, o, rate) in enumerate(slices):
        chosen = []
        for g, (name, gpu) in enumerate(gpus.items()):
            if gpu["tputs"][i][o] > 0:
                chosen.append(pulp.LpVariable(f"a_{s}_{g}", cat=pulp.LpBinary))
                load[name].append((chosen[-1], rate / gpu["tputs"][i][o]))
        if chosen or rate:
            problem += pulp.lpSum(chosen) == 1
    for name, count in counts.items():
        problem += pulp.LpAffineExpression(load[name]) <= count
    return problem, counts


def main() -> None:
    limit_s, runs, file = float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    config = json.loads(file.read_text())
    best = solve(config, limit_s)
    for _ in range(runs - 1):
        if best["seconds"] >= 1:
            break
        best = min(best, solve(config, limit_s), key=lambda run: float(run["seconds"]))
    print(json.dumps(best))


if __name__ == "__main__":
    main()
