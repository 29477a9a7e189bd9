"""The deployed plan beside a new one: when it stays, which pools leave, and in which order a change is made."""

from __future__ import annotations

from collections.abc import Mapping

from allocator.assemble import retired
from allocator.mix import Mix, Model, Problem
from allocator.optimize.oracle import Oracle
from allocator.optimize.repair import missing
from allocator.plan import Change, Plan, Pool
from allocator.snapshot import USD_MICRO

GROW, SHRINK, REMOVE = 1, 2, 3


def running(deployed: Plan | None) -> dict[str, int]:
    """Nodes of the deployed plan's pools, by key."""
    if deployed is None:
        return {}
    return {pool.key: pool.nodes for pool in deployed.decisions.pools if pool.nodes}


def kept_mix(problem: Problem, mix: Mix | None) -> Mix | None:
    """The deployed nodes as the answer, where they still do and a change would not save enough; otherwise None.

    They do where all of them are still sold, serve the demand as the policy asks, and keep the limits. A change must save
    more than the policy's threshold, beyond the gap that was left to prove.
    """
    if not problem.deployed or mix is None:
        return None
    model = Model(problem)
    nodes = model.nodes_of(problem.deployed)
    if sum(nodes) != sum(problem.deployed.values()) or not model.fleet.fits(nodes):
        return None
    if missing(Oracle(model.fleet.load), model.fleet.scenarios(nodes), 1):
        return None
    cost = round((model.fleet.cost(nodes) + model.constant) * USD_MICRO)
    if mix.objective < cost * (1 - problem.policy.switch_threshold):
        return None
    return Mix(model.read(nodes), cost, min(mix.bound, cost), mix.limit_reached)


def leaving(
    deployed: Plan | None, wanted: Mapping[str, int], there: Mapping[str, int], *, keep: bool
) -> tuple[Pool, ...]:
    """The deployed pools with nodes that are not wanted any more, as retiring; those that were retiring go, unless
    nodes of them were still `there` when somebody looked.

    `keep`: they stay too, because nothing else changes.
    """
    if deployed is None:
        return ()
    return tuple(
        retired(pool)
        for pool in deployed.decisions.pools
        if pool.key not in wanted
        and pool.role != "fallback"
        and (
            (pool.state == "active" and pool.nodes)
            or (pool.state == "retiring" and (keep or there.get(pool.key)))
        )
    )


def changes(deployed: Plan | None, pools: tuple[Pool, ...]) -> tuple[Change, ...]:
    """From the deployed plan to these pools: grow, shrink when what grew is up, remove what is then empty."""
    before = {} if deployed is None else {p.key: p for p in deployed.decisions.pools}
    after = {pool.key: pool for pool in pools}
    steps = []
    for key in sorted(before.keys() | after.keys()):
        old = before[key].nodes if key in before else 0
        new = after[key].nodes if key in after else 0
        if new > old or key not in before:
            steps.append(Change(GROW, key, old, new))
        elif new < old:
            steps.append(Change(SHRINK, key, old, new))
        elif key not in after:
            steps.append(Change(REMOVE, key, old, new))
    return tuple(sorted(steps, key=lambda step: (step.phase, step.pool)))
