"""The same demand bought in other ways, solved with the same data."""

from __future__ import annotations

import dataclasses

from allocator.mix import Problem, solve_mix
from allocator.plan import Baseline


def baselines(problem: Problem) -> tuple[Baseline, ...]:
    """What other ways of buying cost, in a fixed order; micro-USD per hour, nodes and cells."""
    return (without_survival(problem),)


def without_survival(problem: Problem) -> Baseline:
    """This plan, but nothing is held for the loss of a domain."""
    policy = problem.policy.model_copy(update={"survive": "none"})
    mix = solve_mix(dataclasses.replace(problem, policy=policy, deployed={}))
    cost = None if mix is None else mix.objective
    return Baseline("no survival", cost, "this plan with nothing held for the loss of a region")
