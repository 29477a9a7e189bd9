"""What a plan says below its tables, as (name, value) lines: cost, baselines, survival, proof, origins, changes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

from allocator.plan import PPM, Change, Count, Plan, Pool, Provenance, Route, Source

USD = 1_000_000
PHASES = {1: "grow", 2: "then shrink", 3: "then remove"}
Fact = tuple[str, str]


def facts(plan: Plan) -> list[Fact]:
    """All lines in reading order; a name may repeat."""
    return [
        *_bill(plan),
        *_survival(plan),
        *_limits(plan),
        *_origins(plan),
        *_changes(plan),
        ("digest", plan.digest),
    ]


def shares(plan: Plan) -> dict[str, float]:
    """Each pool's share of all requests: its part, by replicas, of what its shape gets in its cell."""
    made = plan.decisions
    total = sum(bucket.requests_per_second for bucket in made.buckets)
    routed = {
        (route.cell, route.shape): sum(
            bucket.requests_per_second * ppm / PPM / total
            for bucket, ppm in zip(made.buckets, route.shares_ppm, strict=True)
        )
        for route in made.routing
    }
    replicas: Counter[tuple[str, str]] = Counter()
    for pool in made.pools:
        replicas[_place(pool)] += pool.nodes * pool.replicas_per_node
    return {
        pool.key: routed.get(_place(pool), 0.0)
        * pool.nodes
        * pool.replicas_per_node
        / max(replicas[_place(pool)], 1)
        for pool in made.pools
    }


def assumptions(plan: Plan) -> list[str]:
    """What the prices of pools rest on beside their sources."""
    return sorted({pool.members[0].assumed for pool in plan.decisions.pools} - {""})


def per_hour(usd_micro: float) -> str:
    """ "$1.25/h" """
    return f"${usd_micro / USD:.2f}/h"


def counted(number: int, noun: str) -> str:
    """ "1 node", "2 nodes" """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _place(pool: Pool) -> tuple[str, str]:
    return f"{pool.cloud}-{pool.region}", pool.shape


def _nodes_cost(plan: Plan) -> int:
    return plan.money.hourly_usd_micro - plan.money.cells_usd_micro


def _bill(plan: Plan) -> Iterator[Fact]:
    money = plan.money
    cells = len({_place(pool)[0] for pool in plan.decisions.pools if pool.nodes})
    yield (
        "cost",
        f"{per_hour(money.hourly_usd_micro)} (nodes {per_hour(_nodes_cost(plan))}; router, balancer and NAT of "
        f"{counted(cells, 'region')} {per_hour(money.cells_usd_micro)}), ${money.monthly_usd_micro / USD:,.0f}/month, "
        f"${money.per_million_tokens_usd_micro / USD:.3f} per million tokens",
    )
    yield (
        "fallback",
        f"{per_hour(money.expected_fallback_usd_micro)} expected on top: on-demand nodes while spot is gone, starts paid twice",
    )
    unsold = sum(p.nodes for p in plan.decisions.pools if not p.on_demand_usd_micro_per_hour)
    yield (
        "saving",
        f"{money.saving_percent:.0f} % on nodes against the same nodes on demand "
        f"({per_hour(money.same_nodes_on_demand_usd_micro)}"
        f"{f'; nodes never sold on demand count at their spot price: {unsold}' if unsold else ''})",
    )
    for baseline in money.baselines:
        if baseline.hourly_usd_micro is None:
            yield "baseline", f"{baseline.name}: cannot serve the demand; {baseline.why}"
            continue
        less = 100 * (1 - money.hourly_usd_micro / baseline.hourly_usd_micro)
        said = f"{abs(less):.0f} % {'below' if less >= 0 else 'above'} it"
        yield (
            "baseline",
            f"{baseline.name}: {per_hour(baseline.hourly_usd_micro)}, this plan is {said}; {baseline.why}",
        )


def _survival(plan: Plan) -> Iterator[Fact]:
    made = plan.decisions
    if made.survive == "none":
        yield "survives", "nothing is held for the loss of a region (policy.survive none)"
        return
    after = {loss.domain: fits(plan, loss.routing) for loss in made.losses}
    if after:
        worst = min(after, key=lambda domain: (after[domain], domain))
        yield (
            "survives",
            f"any one {made.survive}: worst case {worst} lost, {100 * after[worst]:.0f} % of the demand still fits "
            f"({100 * fits(plan, made.routing):.0f} % before)",
        )


def fits(plan: Plan, routing: tuple[Route, ...]) -> float:
    """How much of the demand fits when routed so: at 1.0 the busiest replicas are just full."""
    made = plan.decisions
    shapes = {shape.key: shape.requests_per_second for shape in made.shapes}
    replicas: Counter[tuple[str, str]] = Counter()
    for pool in made.pools:
        replicas[_place(pool)] += pool.nodes * pool.replicas_per_node
    loads = (
        sum(
            bucket.requests_per_second * ppm / PPM / rate
            for bucket, ppm, rate in zip(
                made.buckets, route.shares_ppm, shapes[route.shape], strict=True
            )
            if ppm
        )
        / replicas[route.cell, route.shape]
        for route in routing
    )
    return 1 / max(loads, default=math.inf)


def _limits(plan: Plan) -> Iterator[Fact]:
    nodes = {pool.key: pool.nodes for pool in plan.decisions.pools}
    for given in plan.decisions.relaxed:
        yield "relaxed", f"{given.limit}: asked {given.asked}, given {given.given}"
    for pool in plan.decisions.pools:
        if pool.limited_by and pool.nodes:
            yield "limit", f"{pool.key} fills {pool.limited_by}: {counted(pool.nodes, 'node')}"
    for group in plan.decisions.quota_groups:
        used = sum(nodes[weight.pool] * weight.amount for weight in group.weights)
        yield "quota", f"{group.key}: {used} of {group.cap} used"


def _origins(plan: Plan) -> Iterator[Fact]:
    proof, origin, made = plan.proof, plan.provenance, plan.decisions
    yield (
        "proof",
        f"no plan within the limits costs less than ${proof.bound_usd_micro / USD:.4f}/h, fallback included; this one "
        f"${proof.objective_usd_micro / USD:.4f}/h (gap {100 * proof.relative_gap:.3f} %"
        f"{', search limit reached' if proof.limit_reached else ''})",
    )
    yield "prices", _prices(origin.snapshot)
    yield from (("*", f"price assumed: {text}") for text in assumptions(plan))
    numbers = Counter(origin.split(":")[0] for shape in made.shapes for origin in shape.origins)
    yield "throughput", _listed(sorted(numbers.items()))
    risks = {pool.risk.origin.split(",")[0] for pool in made.pools if pool.risk}
    if risks:
        yield "risk", "; ".join(sorted(risks))
    yield "dropped", _dropped(origin)


def _prices(snapshot: Source) -> str:
    undated = f" ({', '.join(f'{part}: age unknown' for part in snapshot.undated)})"
    return (
        f"snapshot {snapshot.name}, oldest of {snapshot.as_of}{undated if snapshot.undated else ''}"
    )


def _dropped(origin: Provenance) -> str:
    number = sum(count.offers for count in origin.dropped)
    said = f"{number} of {origin.offers} offers"
    if origin.dropped:
        said += f": {_listed(_pairs(origin.dropped))}"
    return said + (
        f"; not in the snapshot: {_listed(_pairs(origin.left_out))}" if origin.left_out else ""
    )


def _pairs(counts: tuple[Count, ...]) -> Iterator[tuple[str, int]]:
    return ((count.reason, count.offers) for count in counts)


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts)


def _changes(plan: Plan) -> Iterator[Fact]:
    steps = [step for step in plan.changes if step.nodes_before or step.nodes_after]
    empty = [step for step in plan.changes if not (step.nodes_before or step.nodes_after)]
    if steps and not any(step.nodes_before for step in plan.changes):
        started = sum(step.nodes_after for step in steps)
        yield (
            "changes",
            f"first deployment: {counted(started, 'node')} in {counted(len(steps), 'pool')}",
        )
        return
    if not plan.changes:
        yield "changes", "none"
    for phase, verb in PHASES.items():
        mine = [step for step in steps if step.phase == phase]
        if mine:
            yield "changes", f"{verb}: {', '.join(_step(step) for step in mine)}"
    for phase, verb in ((1, "make"), (3, "remove")):
        if number := sum(step.phase == phase for step in empty):
            yield "changes", f"{verb} {counted(number, 'empty pool')}"


def _step(step: Change) -> str:
    return f"{step.pool} {step.nodes_before} -> {step.nodes_after}"
