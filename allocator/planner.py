"""The one entry point: configuration and data files in, Plan out. Nothing here knows the time, except freshness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from allocator.assemble import Answer, decisions
from allocator.baselines import baselines
from allocator.deployed import changes, kept_mix, leaving, running
from allocator.errors import DataError
from allocator.give_way import solve_within
from allocator.inputs import Inputs, read_inputs
from allocator.mix import Problem
from allocator.money import money, proof
from allocator.plan import Plan
from allocator.spec import Spec


def plan_for(config: Mapping[str, Any], root: Path, deployed: Plan | None = None) -> Plan:
    """The cheapest plan for a stack's configuration sections; `root` is the project's folder.

    `deployed`: the plan that runs now. It is returned as it is where it still does and no other saves enough.
    Raises AllocatorError (SpecError, DataError, InfeasibleError), each with one line for the reader.
    """
    return plan_from(read_inputs(config, root), deployed)


def plan_from(inputs: Inputs, deployed: Plan | None = None) -> Plan:
    """The same from inputs that are read already."""
    spec = inputs.spec
    asked = Problem(inputs.candidates, inputs.buckets, spec.limits, spec.policy, running(deployed))
    found = solve_within(asked, spec.policy.relax)
    kept = kept_mix(found.problem, found.mix) if not found.relaxed else None
    mix = kept or found.mix
    wanted = {c.key: n for c, n in zip(inputs.candidates, mix.nodes, strict=True) if n}
    there = inputs.observed.nodes if inputs.observed else {}
    old = leaving(deployed, wanted, there, keep=kept is not None)
    answer = Answer(found.problem, mix, inputs.offerings, found.relaxed, old)
    made = decisions(inputs.engine, answer)
    if kept is not None and deployed is not None and _same(deployed, made.engine, made.shapes):
        return deployed
    return Plan(
        decisions=made,
        money=money(made, baselines(found.problem)),
        proof=proof(mix),
        changes=changes(deployed, made.pools),
        provenance=inputs.provenance_of(made),
    )


def _same(deployed: Plan, engine: object, shapes: tuple[object, ...]) -> bool:
    """Whether a deployed plan's replicas are what they would be now, but for the demand they were planned for."""
    return deployed.decisions.engine == engine and deployed.decisions.shapes == shapes


def price_age(plan: Plan, config: Mapping[str, Any], today: date) -> tuple[int, str]:
    """Days since the oldest price, and a warning ("" when fresh enough). Prices of a later day than today are 0 days old.

    Raises DataError when the prices are older than market.refuse_after_days.
    """
    market, snapshot = Spec.read(config).market, plan.provenance.snapshot
    days = (today - date.fromisoformat(snapshot.as_of)).days
    if days < 0:
        return (
            0,
            f"prices of snapshot {snapshot.name} are of {snapshot.as_of}, after today ({today})",
        )
    said = f"prices of snapshot {snapshot.name} are {days} days old"
    if market.refuse_after_days is not None and days > market.refuse_after_days:
        raise DataError(
            f"{said}, market.refuse_after_days is {market.refuse_after_days}; make a newer snapshot with "
            "python -m tools.prices, or raise it"
        )
    return days, said if days > market.warn_after_days else ""
