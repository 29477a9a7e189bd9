"""Why each pool of a plan is there: its price among all offers, what limits it, and what would replace it at which price."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from allocator.candidates import Candidate
from allocator.facts import counted, fits, per_hour, shares
from allocator.give_way import solve_within
from allocator.inputs import Inputs
from allocator.mix import Mix, Problem, cell_cost, in_quota, quota_weight, solve_mix, weight
from allocator.plan import Plan, Pool
from allocator.snapshot import USD_MICRO

Nodes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """Nodes of one machine in one region, more (or fewer, negative) than in the plan."""

    machine: str
    cell: str
    market: str
    nodes: int

    def __str__(self) -> str:
        sold = " on demand" if self.market == "on_demand" else ""
        return f"{abs(self.nodes)} x {self.machine}{sold} in {self.cell}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a pool is there. `dearer_usd_micro_per_hour`: what the cheapest plan without its machines costs more, expected
    fallback included; None where there is no such plan. `moved`: how that plan differs."""

    pool: str
    why: str
    limited_by: tuple[str, ...]
    dearer_usd_micro_per_hour: int | None
    moved: tuple[Moved, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return dataclasses.asdict(self)


def reasons(plan: Plan, inputs: Inputs) -> Iterator[Reason]:
    """One for each pool with nodes, in the plan's order. Each asks for a plan of its own."""
    problem = _problem(plan, inputs)
    sold = {candidate.key: candidate for candidate in problem.candidates}
    nodes = {pool.key: pool.nodes for pool in plan.decisions.pools if pool.nodes}
    cost = _cost(sold, nodes)
    for pool in plan.decisions.pools:
        if pool.nodes and pool.key in sold:
            mine = sold[pool.key]
            found = _without(problem, mine)
            yield Reason(
                pool=pool.key,
                why=f"{pool.why}; {_rank(mine, problem)}",
                limited_by=(*_limits(mine, problem, nodes), *_survival(mine, problem, plan)),
                dearer_usd_micro_per_hour=None if found is None else _cost(sold, found) - cost,
                moved=() if found is None else _moved(sold, nodes, found),
            )


def made_from_other(plan: Plan, inputs: Inputs) -> bool:
    """Whether a plan was made from another spec, or other prices or traffic, than these."""
    was, now = plan.provenance, inputs.provenance
    return (was.spec_digest, was.snapshot.digest, was.workload.digest) != (
        now.spec_digest,
        now.snapshot.digest,
        now.workload.digest,
    )


def _problem(plan: Plan, inputs: Inputs) -> Problem:
    """What the plan answers, its given-up demands as they were given up, without a deployed plan."""
    spec = inputs.spec
    asked = Problem(inputs.candidates, inputs.buckets, spec.limits, spec.policy)
    return solve_within(asked, spec.policy.relax).problem if plan.decisions.relaxed else asked


def _without(problem: Problem, pool: Candidate) -> Nodes | None:
    """The cheapest nodes when the pool's machines are not sold, by candidate key."""
    left = [c for c in problem.candidates if c.stock != pool.stock]
    mix = solve_mix(dataclasses.replace(problem, candidates=left))
    return None if mix is None else bought(left, mix)


def bought(candidates: Sequence[Candidate], mix: Mix) -> dict[str, int]:
    """A mix's nodes by candidate key, those with any."""
    return {c.key: n for c, n in zip(candidates, mix.nodes, strict=True) if n}


def _cost(sold: Mapping[str, Candidate], nodes: Nodes) -> int:
    """Nodes, their expected fallback and their regions, micro-USD per hour."""
    mine = {sold[key]: count for key, count in nodes.items() if key in sold}
    cells = {candidate.cell for candidate in mine}
    return sum(n * (c.price + c.fallback_price) for c, n in mine.items()) + sum(
        round(cell_cost(cell) * USD_MICRO) for cell in cells
    )


def _rank(pool: Candidate, problem: Problem) -> str:
    def unit(candidate: Candidate) -> float:
        return (candidate.price + candidate.fallback_price) / weight(candidate, problem.buckets)

    mine = unit(pool)
    cheaper = sum(unit(candidate) < mine for candidate in problem.candidates)
    return (
        f"${mine / USD_MICRO / 3.6:.3f} per 1000 requests with expected fallback, "
        f"number {cheaper + 1} of {len(problem.candidates)} offers by that"
    )


def _limits(pool: Candidate, problem: Problem, nodes: Nodes) -> Iterator[str]:
    """Each limit that allows no further node of a pool beside the plan's."""
    limits, sold = problem.limits, {c.key: c for c in problem.candidates}
    held = {sold[key]: count for key, count in nodes.items() if key in sold}
    if sum(n for c, n in held.items() if c.stock == pool.stock) >= pool.stock_nodes:
        yield f"stock: all {pool.stock_nodes} nodes (limits.nodes_per_pool, assumed) are bought"
    for quota in limits.quotas:
        used = sum(n * quota_weight(quota, c) for c, n in held.items() if in_quota(quota, c))
        if in_quota(quota, pool) and used + quota_weight(quota, pool) > quota.cap:
            name = " ".join(filter(None, (quota.cloud, quota.region, quota.market)))
            yield f"quota: {used} of {quota.cap} {quota.unit} of {name} are used (limits.quotas)"
    own = weight(pool, problem.buckets)
    weights = {c: n * weight(c, problem.buckets) for c, n in held.items()}
    for name, place in (("region", "cell"), ("cloud", "cloud")):
        share, here = getattr(limits, f"max_{name}_share"), getattr(pool, place)
        mine = sum(value for c, value in weights.items() if getattr(c, place) == here)
        total = sum(weights.values())
        if mine + own > share * (total + own):
            yield (
                f"spread: {here} holds {100 * mine / total:.0f} % of the capacity, limits.max_{name}_share is {share:g}"
            )
    budget = limits.budget_usd_per_hour
    spent = sum(n * c.price for c, n in held.items())
    if budget is not None and spent + pool.price > budget * USD_MICRO:
        yield f"budget: {per_hour(spent)} on nodes, limits.budget_usd_per_hour is {budget:g}"


def _survival(pool: Candidate, problem: Problem, plan: Plan) -> Iterator[str]:
    """Whether its domain is held down by what must be left without it: a node moved here would be missed there."""
    policy = problem.policy
    rate = sum(bucket.requests_per_second for bucket in problem.buckets)
    for loss in plan.decisions.losses:
        if loss.domain in (pool.cell, pool.cloud):
            left = fits(plan, loss.routing)
            if (left - policy.degraded_share) * rate < weight(pool, problem.buckets):
                yield (
                    f"survival: with {loss.domain} lost {100 * left:.0f} % of the demand still fits, less than a "
                    f"node to spare (policy.survive {policy.survive})"
                )


def _moved(sold: Mapping[str, Candidate], before: Nodes, after: Nodes) -> tuple[Moved, ...]:
    """What is more and what is fewer, machines of a region added up, most first."""
    delta: Counter[tuple[str, str, str]] = Counter()
    for sign, nodes in ((1, after), (-1, before)):
        for key, count in nodes.items():
            if key in sold:
                delta[machine_of(sold[key])] += sign * count
    moved = [Moved(*place, count) for place, count in delta.items() if count]
    return tuple(sorted(moved, key=lambda m: (-m.nodes, m.cell, m.machine, m.market)))


def machine_of(candidate: Candidate) -> tuple[str, str, str]:
    """("h100x1", "gcp-europe-west9", "spot")"""
    return f"{candidate.shape.gpu.lower()}x{candidate.gpus}", candidate.cell, candidate.market


def render_reason(reason: Reason, plan: Plan, console: Console) -> None:
    """Print one pool's reason: a head line and one line for each fact."""
    pool = next(pool for pool in plan.decisions.pools if pool.key == reason.pool)
    spent = pool.nodes * pool.price_usd_micro_per_hour
    console.print(
        Text(
            f"\n{pool.key}: {counted(pool.nodes, 'node')}, {per_hour(spent)}, {100 * shares(plan)[pool.key]:.1f} % of requests"
        )
    )
    lines = [
        ("why", reason.why),
        *(("limited by", limit) for limit in reason.limited_by or ("nothing: the demand is met, more could be bought",)),
        ("without it", without(reason, pool, plan)),
    ]  # fmt: skip
    for name, value in lines:
        console.print(Text(f"  {name:<12}{value}"), soft_wrap=True)


def without(reason: Reason, pool: Pool, plan: Plan) -> str:
    """ "+$0.84/h (+5.8 %): 2 x h100x1 in gcp-europe-west9 instead" """
    dearer = reason.dearer_usd_micro_per_hour
    if dearer is None:
        return "no plan within the limits was found"
    gone = (f"{pool.gpu.lower()}x{pool.gpus_per_node}", f"{pool.cloud}-{pool.region}")
    more = [str(moved) for moved in reason.moved if moved.nodes > 0]
    fewer = [str(m) for m in reason.moved if m.nodes < 0 and (m.machine, m.cell) != gone]
    said = f"{', '.join(more)} instead" if more else "nothing instead"
    if fewer:
        said += f", and {', '.join(fewer)} less"
    total = plan.money.hourly_usd_micro + plan.money.expected_fallback_usd_micro
    price = f"{'+' if dearer >= 0 else '-'}{per_hour(abs(dearer))} ({100 * dearer / total:+.1f} %)"
    if dearer < 0:
        price += ", within the plan's gap or policy.switch_threshold"
    return f"{price}: {said}"
