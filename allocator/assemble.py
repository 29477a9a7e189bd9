"""From the optimizer's answer to the Plan's decisions: pools and their fallbacks, cells, routing, hedge, limits."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from allocator.candidates import Candidate
from allocator.mix import Mix, Problem, in_quota, own_rate, quota_weight
from allocator.plan import (
    Budget,
    Cell,
    Cloud,
    Decisions,
    Engine,
    Fallback,
    Hedge,
    Loss,
    Pool,
    QuotaGroup,
    Relaxed,
    Role,
    Route,
    Stand,
    Weight,
)
from allocator.risk import COLD_START_S
from allocator.routing import Place, in_ppm, route
from allocator.snapshot import USD_MICRO, Offering
from allocator.stand_ins import StandIns

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """A problem and its mix, with what the plan says beside it: the offerings (for zones) and what was given up.

    `leaving`: pools of the deployed plan that are no longer bought.
    """

    problem: Problem
    mix: Mix
    offerings: Sequence[Offering]
    relaxed: tuple[Relaxed, ...] = ()
    leaving: tuple[Pool, ...] = ()


def decisions(engine: Engine, answer: Answer) -> Decisions:
    """Everything infra builds from, in a fixed order."""
    problem = answer.problem
    chosen = [(c, n) for c, n in zip(problem.candidates, answer.mix.nodes, strict=True) if n]
    active = [_pool(c, c.role, n, max_nodes(n, c.stock_nodes), _why(c, n)) for c, n in chosen]
    extra, fallback = _fallbacks(problem, chosen)
    pools = {pool.key: pool for pool in (*answer.leaving, *extra, *active)}
    places = [Place(c.cell, c.shape, n * c.replicas) for c, n in chosen]
    routing = route(places, problem.buckets).routes
    used = {c.shape.key: c.shape for c, _ in chosen}
    known = {c.shape.key: c.shape for c in problem.candidates}
    for pool in pools.values():
        if pool.shape in known:
            used[pool.shape] = known[pool.shape]
    return Decisions(
        engine=engine,
        buckets=tuple(problem.buckets),
        shapes=tuple(used[key] for key in sorted(used)),
        cells=_cells(problem, routing, pools.values(), answer.offerings),
        pools=tuple(pools[key] for key in sorted(pools)),
        fallback=fallback,
        routing=routing,
        survive=problem.policy.survive,
        losses=_losses(problem, places),
        hedge=_hedge(problem, chosen),
        quota_groups=_quota_groups(problem, pools.values()),
        budgets=_budgets(pools.values()),
        relaxed=answer.relaxed,
    )


def _pool(candidate: Candidate, role: Role, nodes: int, most: int, why: str) -> Pool:
    return Pool(
        key=candidate.key.removesuffix(candidate.role) + role,
        cloud=candidate.cloud,
        region=candidate.region,
        shape=candidate.shape.key,
        gpu=candidate.shape.gpu,
        gpus_per_node=candidate.gpus,
        tensor_parallel=candidate.shape.tensor_parallel,
        replicas_per_node=candidate.replicas,
        role=role,
        state="active",
        members=candidate.members,
        nodes=nodes,
        max_nodes=most,
        price_usd_micro_per_hour=candidate.price,
        on_demand_usd_micro_per_hour=candidate.on_demand_price,
        fallback_usd_micro_per_hour=candidate.fallback_price,
        risk=candidate.risk,
        cold_start_s=COLD_START_S,
        limited_by="nodes_per_pool (assumed stock)" if nodes >= candidate.stock_nodes else "",
        why=why,
    )


def max_nodes(nodes: int, stock: int) -> int:
    """A group's upper bound: a quarter more than planned, at least one, within the stock, for replacements."""
    return max(nodes, min(nodes + max(1, -(-nodes // 4)), stock))


def _why(candidate: Candidate, nodes: int) -> str:
    unit = candidate.price / candidate.replicas / USD_MICRO
    count = nodes * candidate.replicas
    said = (
        f"{count} replica{'s' if count > 1 else ''} of {candidate.shape.key} at ${unit:.3f}/h each"
    )
    return f"{said}, all of the assumed stock" if nodes >= candidate.stock_nodes else said


def _fallbacks(
    problem: Problem, chosen: Sequence[tuple[Candidate, int]]
) -> tuple[list[Pool], tuple[Fallback, ...]]:
    """The on-demand pools that stand in for the spot pools, empty; one may stand in for several."""
    market = StandIns(problem.candidates, problem.buckets)
    cells = {candidate.cell for candidate, _ in chosen}
    needed: Counter[str] = Counter()
    made: dict[str, Candidate] = {}
    fallback = []
    for spot, nodes in chosen:
        if spot.market != "spot":
            continue
        stands = []
        for stand in market.of(spot, cells):
            key = stand.candidate.key.removesuffix("base") + "fallback"
            made[key] = stand.candidate
            needed[key] += -(-nodes * stand.nodes_ppm // 1_000_000)
            stands.append(Stand(key, stand.nodes_ppm))
        if stands:
            fallback.append(Fallback(spot.key, tuple(stands)))
    pools = [
        _pool(c, "fallback", 0, max(1, min(needed[key], c.stock_nodes)), "stands in on demand while spot is gone")
        for key, c in sorted(made.items())
    ]  # fmt: skip
    return pools, tuple(fallback)


def _cells(
    problem: Problem,
    routing: tuple[Route, ...],
    pools: Iterable[Pool],
    offerings: Sequence[Offering],
) -> tuple[Cell, ...]:
    """The regions in use, each with all its zones that the market knows, whatever the pools: networks stay."""
    zones: dict[tuple[str, str], set[str]] = defaultdict(set)
    for offering in offerings:
        zones[offering.cloud, offering.region].update(offering.zones)
    used = {f"{pool.cloud}-{pool.region}": pool for pool in pools}
    for pool in used.values():
        for member in pool.members:
            zones[pool.cloud, pool.region].update(member.zones)
    requests = dict.fromkeys(used, 0.0)  # a cell held for fallback or spread alone gets no requests
    for way in routing:
        for bucket, ppm in zip(problem.buckets, way.shares_ppm, strict=True):
            requests[way.cell] += bucket.requests_per_second * ppm
    shares = in_ppm(requests)
    return tuple(
        Cell(
            key=key,
            cloud=used[key].cloud,
            region=used[key].region,
            zones=tuple(sorted(zones[used[key].cloud, used[key].region])),
            share_ppm=shares[key],
        )
        for key in sorted(used)
    )


def _losses(problem: Problem, places: Sequence[Place]) -> tuple[Loss, ...]:
    """For each failure domain of the policy's level what to do when it is gone."""
    level = problem.policy.survive
    if level == "none":
        return ()
    domains = sorted({_domain(level, place.cell) for place in places})
    losses = []
    for domain in domains:
        left = [place for place in places if _domain(level, place.cell) != domain]
        after = route(left, problem.buckets)
        losses.append(Loss(domain, round(after.served * 1_000_000), after.routes))
    return tuple(losses)


def _domain(level: str, cell: str) -> str:
    return cell if level == "region" else cell.split("-", 1)[0]


def _hedge(problem: Problem, chosen: Sequence[tuple[Candidate, int]]) -> tuple[Hedge, ...]:
    """Each cloud's capacity, split into what must be served and what is held above it, in requests per hour."""
    capacity: Counter[Cloud] = Counter()
    for candidate, nodes in chosen:
        replica = own_rate(candidate.shape, problem.buckets)
        capacity[candidate.cloud] += nodes * candidate.replicas * replica  # type: ignore[assignment]
    total = sum(capacity.values())
    wanted = min(sum(bucket.requests_per_second for bucket in problem.buckets), total)
    made = []
    for cloud in sorted(capacity):
        held = round(capacity[cloud] * SECONDS_PER_HOUR)
        demand = min(round(capacity[cloud] / total * wanted * SECONDS_PER_HOUR), held)
        made.append(Hedge(cloud, demand, held - demand))
    return tuple(made)


def _quota_groups(problem: Problem, pools: Iterable[Pool]) -> tuple[QuotaGroup, ...]:
    """The spec's quotas, and the stock that degrees of one machine share, for the pools of the plan."""
    groups = []
    candidates = {c.key: c for c in problem.candidates}
    named = [
        (pool, candidates.get(pool.key.removesuffix("fallback") + "base", candidates.get(pool.key)))
        for pool in pools
    ]
    for number, quota in enumerate(problem.limits.quotas, 1):
        weights = [
            Weight(pool.key, quota_weight(quota, candidate))
            for pool, candidate in named
            if candidate is not None and in_quota(quota, candidate)
        ]
        if weights:
            key = "-".join(
                filter(None, (f"quota{number}", quota.cloud, quota.region, quota.market))
            )
            groups.append(QuotaGroup(key, quota.cap, tuple(sorted(weights, key=lambda w: w.pool))))
    return tuple(groups)


def _budgets(pools: Iterable[Pool]) -> tuple[Budget, ...]:
    """The most a cloud's nodes may cost at any time: all planned nodes, each spot node replaced on demand at its dearest."""
    spent: Counter[Cloud] = Counter()
    for pool in pools:
        price = max(pool.price_usd_micro_per_hour, pool.on_demand_usd_micro_per_hour)
        spent[pool.cloud] += (
            max(pool.nodes, pool.max_nodes if pool.role == "fallback" else 0) * price
        )
    return tuple(Budget(cloud, spent[cloud]) for cloud in sorted(spent))


def retired(pool: Pool) -> Pool:
    """A pool on its way out: its group and its upper bound stay, nothing is wanted of it."""
    return dataclasses.replace(
        pool, state="retiring", nodes=0, why="no longer needed; empties once the others are up"
    )
