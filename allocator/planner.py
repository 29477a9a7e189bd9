"""The one entry point: configuration and data files in, Plan out. Nothing here knows the time, except freshness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from allocator.assemble import Place, decisions, money, proof
from allocator.candidates import ROLES, allowed, candidates, wanted_shapes
from allocator.errors import DataError, InfeasibleError, SpecError, unknown
from allocator.hardware import MODELS
from allocator.mix import Problem, most_served, solve_mix
from allocator.plan import Engine, Plan, Provenance, Shape, Source, digest_of
from allocator.profile import Table, read_table, shapes
from allocator.snapshot import read_snapshot
from allocator.spec import Spec
from allocator.throughput import Slo
from allocator.workload import buckets, read_histogram


def plan_for(config: Mapping[str, Any], root: Path) -> Plan:
    """The cheapest plan for a stack's configuration sections; `root` is the project's folder.

    Raises AllocatorError (SpecError, DataError, InfeasibleError), each with one line for the reader.
    """
    spec = Spec.read(config)
    stacks = root / "stacks"
    snapshot = read_snapshot(_named(stacks / "snapshots", spec.market.snapshot, "market.snapshot"))
    histogram, workload = read_histogram(
        _named(stacks / "workloads", spec.workload.histogram, "workload.histogram")
    )
    if spec.service.model not in MODELS:
        raise SpecError(
            f"config skyblend:service.model: {unknown('model', spec.service.model, MODELS)}"
        )
    tables = tuple(read_table(file) for file in sorted((stacks / "profiles").glob("*.json")))
    traffic = buckets(histogram, spec.workload.requests_per_second)
    offerings, dropped = allowed(spec, snapshot)
    slo = Slo(**spec.service.slo.model_dump())
    made = shapes(wanted_shapes(offerings), MODELS[spec.service.model], traffic, slo, tables)
    pools, unsold = candidates(spec, offerings, made)
    problem = Problem(pools, traffic, spec.limits)
    _check_served(spec, problem, made)
    mix = solve_mix(problem)
    if mix is None:
        raise InfeasibleError(_why_infeasible(spec, problem))
    engine = Engine(spec.service.weights, spec.service.engine_image)
    decided = decisions(engine, problem, mix, Place(offerings, pools))
    return Plan(
        decisions=decided,
        money=money(problem, decided),
        proof=proof(mix),
        provenance=Provenance(
            allocator_version=version("skyblend"),
            spec_digest=digest_of(spec.model_dump(mode="json")),
            snapshot=snapshot.source,
            workload=workload,
            profiles=_used(tables, decided.shapes),
            offers=len(snapshot.offerings) * len(ROLES),
            dropped=tuple(sorted([*dropped, *unsold], key=lambda count: count.reason)),
            left_out=snapshot.left_out,
        ),
    )


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


def _named(folder: Path, name: str, key: str) -> Path:
    known = {path.stem: path for path in folder.glob("*.json")}
    if name not in known:
        raise SpecError(f"config skyblend:{key}: {unknown(key.rsplit('.', 1)[-1], name, known)}")
    return known[name]


def _check_served(spec: Spec, problem: Problem, made: tuple[Shape, ...]) -> None:
    """Every bucket has a shape that serves it, and somebody sells it."""
    for number, bucket in enumerate(problem.buckets):
        if any(pool.shape.requests_per_second[number] for pool in problem.candidates):
            continue
        size = f"requests of {bucket.input_tokens} input and {bucket.output_tokens} output tokens"
        if any(shape.requests_per_second[number] for shape in made):
            raise InfeasibleError(
                f"no offer within market.* can serve {size}; allow more GPUs, regions or a higher price"
            )
        reasons = Counter(shape.origins[number] for shape in made)
        why = reasons.most_common(1)[0][0] if reasons else "no allowed GPU is profiled"
        slo = spec.service.slo
        raise InfeasibleError(
            f"no allowed GPU serves {size} of {spec.service.model} within tpot_ms {slo.tpot_ms:g} and ttft_ms "
            f"{slo.ttft_ms:g} ({why}); raise the SLO or allow larger GPUs"
        )


def _why_infeasible(spec: Spec, problem: Problem) -> str:
    """Which limit binds, found by lifting them one at a time."""
    limits, rate = spec.limits, spec.workload.requests_per_second
    served = most_served(problem)
    if served < 1:
        wide = {"max_region_share": 1.0, "max_cloud_share": 1.0, "budget_usd_per_hour": None}
        lifted = Problem(problem.candidates, problem.buckets, limits.model_copy(update=wide))
        if most_served(lifted) < 1:
            return (
                f"{rate:g} requests/s exceed all stock within market.*: at most {most_served(lifted) * rate:.4g} with "
                f"limits.nodes_per_pool {limits.nodes_per_pool}; lower the rate, raise the limit or allow more regions"
            )
    for name, wide_value in (
        ("budget_usd_per_hour", None), ("max_region_share", 1.0), ("max_cloud_share", 1.0),
    ):  # fmt: skip
        value = getattr(limits, name)
        if value == wide_value:
            continue
        lifted = Problem(
            problem.candidates, problem.buckets, limits.model_copy(update={name: wide_value})
        )
        mix = solve_mix(lifted)
        if mix is not None:
            costs = f" (without it: ${mix.objective / 1e6:.2f}/h)"
            return (
                f"limits.{name} {value:g} leaves no plan for {rate:g} requests/s{costs}; raise it"
            )
    return f"limits.* together leave no plan for {rate:g} requests/s; raise max_region_share, max_cloud_share or the budget"


def _used(tables: tuple[Table, ...], made: tuple[Shape, ...]) -> tuple[Source, ...]:
    origins = {origin for shape in made for origin in shape.origins}
    return tuple(t.source for t in tables if f"measured:{t.source.name}" in origins)
