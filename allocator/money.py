"""What a plan costs, and how good it provably is."""

from __future__ import annotations

from allocator.mix import Mix, cell_cost
from allocator.plan import HOURS_PER_MONTH, Baseline, Decisions, Money, Proof
from allocator.snapshot import USD_MICRO

SECONDS_PER_HOUR = 3600


def money(made: Decisions, baselines: tuple[Baseline, ...]) -> Money:
    """The bill while nothing is preempted; per million tokens of the given demand, input and output."""
    running = [pool for pool in made.pools if pool.nodes]
    nodes = sum(pool.nodes * pool.price_usd_micro_per_hour for pool in running)
    used = {f"{pool.cloud}-{pool.region}" for pool in running}
    cells = sum(round(cell_cost(cell) * USD_MICRO) for cell in used)
    on_demand = sum(
        pool.nodes * (pool.on_demand_usd_micro_per_hour or pool.price_usd_micro_per_hour)
        for pool in running
    )
    tokens_per_hour = SECONDS_PER_HOUR * sum(
        bucket.requests_per_second * (bucket.input_tokens + bucket.output_tokens)
        for bucket in made.buckets
    )
    hourly = nodes + cells
    return Money(
        hourly_usd_micro=hourly,
        cells_usd_micro=cells,
        monthly_usd_micro=hourly * HOURS_PER_MONTH,
        per_million_tokens_usd_micro=round(hourly * 1e6 / tokens_per_hour),
        expected_fallback_usd_micro=sum(p.nodes * p.fallback_usd_micro_per_hour for p in running),
        same_nodes_on_demand_usd_micro=on_demand,
        baselines=baselines,
    )


def proof(mix: Mix) -> Proof:
    """Objective, bound and gap as the search proved them."""
    return Proof(
        objective_usd_micro=mix.objective,
        bound_usd_micro=mix.bound,
        relative_gap=round((mix.objective - mix.bound) / mix.objective, 9),
        limit_reached=mix.limit_reached,
    )
