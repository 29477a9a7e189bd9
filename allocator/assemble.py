"""From the optimizer's answer to the Plan: pools and their fallbacks, cells, routing, money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from allocator.candidates import Candidate
from allocator.mix import Mix, Problem
from allocator.plan import (
    HOURS_PER_MONTH,
    PPM,
    Cell,
    Decisions,
    Engine,
    Fallback,
    Money,
    Pool,
    Proof,
    Route,
    Stand,
)
from allocator.snapshot import Offering

SECONDS_PER_HOUR = 3600
_Key = TypeVar("_Key", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class Place:
    """All that is needed beside the answer: the allowed offerings, for zones and on-demand stand-ins."""

    offerings: Sequence[Offering]
    candidates: Sequence[Candidate]


def decisions(engine: Engine, problem: Problem, mix: Mix, place: Place) -> Decisions:
    """Everything infra builds from, in a fixed order."""
    chosen = [(c, n) for c, n in zip(problem.candidates, mix.nodes, strict=True) if n]
    pools = [_pool(c, n, why=_why(c, n)) for c, n in chosen]
    stands = _stands(chosen, place.candidates)
    used = {candidate.shape.key: candidate.shape for candidate, _ in chosen}
    routing = _routing(mix, chosen)
    return Decisions(
        engine=engine,
        buckets=tuple(problem.buckets),
        shapes=tuple(used[key] for key in sorted(used)),
        cells=_cells(problem, routing, chosen, place.offerings),
        pools=tuple(sorted([*pools, *(pool for pool, _ in stands)], key=lambda pool: pool.key)),
        fallback=tuple(fallback for _, fallback in stands),
        routing=routing,
    )


def _pool(candidate: Candidate, nodes: int, *, why: str) -> Pool:
    return Pool(
        key=candidate.key,
        cloud=candidate.cloud,
        region=candidate.region,
        shape=candidate.shape.key,
        gpu=candidate.shape.gpu,
        gpus_per_node=candidate.gpus,
        tensor_parallel=candidate.shape.tensor_parallel,
        replicas_per_node=candidate.replicas,
        role=candidate.role,
        state="active",
        members=candidate.members,
        nodes=nodes,
        max_nodes=max_nodes(nodes),
        price_usd_micro_per_hour=candidate.price,
        on_demand_usd_micro_per_hour=candidate.on_demand_price,
        why=why,
    )


def max_nodes(nodes: int) -> int:
    """A group's upper bound: a quarter more than planned, at least one, for replacements that start before the end."""
    return nodes + max(1, -(-nodes // 4))


def _why(candidate: Candidate, nodes: int) -> str:
    if nodes == candidate.stock_nodes:
        return f"least cost for its share of the demand, limited to {nodes} nodes by limits.nodes_per_pool (assumed)"
    return "least cost for its share of the demand"


def _stands(
    chosen: list[tuple[Candidate, int]], candidates: Iterable[Candidate]
) -> list[tuple[Pool, Fallback]]:
    """For each spot pool the on-demand pool of the same machines in its region, empty, where they are sold."""
    on_demand = {c.key: c for c in candidates if c.market == "on_demand"}
    made = []
    for spot, nodes in chosen:
        twin = on_demand.get(spot.key.removesuffix("spot") + "base")
        if spot.market != "spot" or twin is None:
            continue
        key = spot.key.removesuffix("spot") + "fallback"
        pool = Pool(
            key=key,
            cloud=twin.cloud,
            region=twin.region,
            shape=twin.shape.key,
            gpu=twin.shape.gpu,
            gpus_per_node=twin.gpus,
            tensor_parallel=twin.shape.tensor_parallel,
            replicas_per_node=twin.replicas,
            role="fallback",
            state="active",
            members=twin.members,
            nodes=0,
            max_nodes=nodes,
            price_usd_micro_per_hour=twin.price,
            on_demand_usd_micro_per_hour=twin.price,
            why=f"stands in for {spot.key} on demand",
        )
        made.append((pool, Fallback(spot.key, (Stand(key, PPM),))))
    return made


def _routing(mix: Mix, chosen: list[tuple[Candidate, int]]) -> tuple[Route, ...]:
    """Each shape's share of a bucket, spread over the cells in proportion to the shape's replicas there."""
    replicas: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for candidate, nodes in chosen:
        replicas[candidate.shape.key][candidate.cell] += nodes * candidate.replicas
    routes = []
    for bucket, shares in enumerate(mix.shares):
        wanted = {
            (cell, shape): share * count / sum(replicas[shape].values())
            for shape, share in shares.items()
            for cell, count in replicas[shape].items()
        }
        for (cell, shape), ppm in sorted(in_ppm(wanted).items()):
            if ppm:
                routes.append(Route(bucket, cell, shape, ppm))
    return tuple(routes)


def in_ppm(shares: Mapping[_Key, float]) -> dict[_Key, int]:
    """Parts per million that add up to exactly PPM: largest remainders get the rest, ties by key."""
    total = sum(shares.values())
    exact = {key: share / total * PPM for key, share in shares.items()}
    whole = {key: int(value) for key, value in exact.items()}
    rest = PPM - sum(whole.values())
    for key in sorted(exact, key=lambda key: (whole[key] - exact[key], key))[:rest]:
        whole[key] += 1
    return whole


def _cells(
    problem: Problem,
    routing: tuple[Route, ...],
    chosen: list[tuple[Candidate, int]],
    offerings: Sequence[Offering],
) -> tuple[Cell, ...]:
    """The regions in use, each with all its zones that the market knows, whatever the pools: networks stay."""
    zones: dict[tuple[str, str], set[str]] = defaultdict(set)
    for offering in offerings:
        zones[offering.cloud, offering.region].update(offering.zones)
    used = {candidate.cell: candidate for candidate, _ in chosen}
    requests = dict.fromkeys(used, 0.0)  # a cell held for spread alone may get no requests
    for route in routing:
        requests[route.cell] += problem.buckets[route.bucket].requests_per_second * route.share_ppm
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


def money(problem: Problem, made: Decisions) -> Money:
    """The bill while nothing is preempted; per million tokens of the given demand, input and output."""
    running = [pool for pool in made.pools if pool.nodes]
    hourly = sum(pool.nodes * pool.price_usd_micro_per_hour for pool in running)
    on_demand = sum(
        pool.nodes * (pool.on_demand_usd_micro_per_hour or pool.price_usd_micro_per_hour)
        for pool in running
    )
    tokens_per_hour = SECONDS_PER_HOUR * sum(
        bucket.requests_per_second * (bucket.input_tokens + bucket.output_tokens)
        for bucket in problem.buckets
    )
    return Money(
        hourly_usd_micro=hourly,
        monthly_usd_micro=hourly * HOURS_PER_MONTH,
        per_million_tokens_usd_micro=round(hourly * 1e6 / tokens_per_hour),
        same_nodes_on_demand_usd_micro=on_demand,
    )


def proof(mix: Mix) -> Proof:
    """Objective, bound and gap as the solver proved them."""
    return Proof(
        objective_usd_micro=mix.objective,
        bound_usd_micro=mix.bound,
        relative_gap=round((mix.objective - mix.bound) / mix.objective, 9),
        limit_reached=mix.limit_reached,
    )
