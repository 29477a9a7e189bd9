"""A plan for people: one table, what it costs, where its numbers come from."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from allocator.plan import PPM, Count, Plan, Pool, Provenance, Source

USD = 1_000_000


def render(plan: Plan, console: Console) -> None:
    """Print the plan: pools with nodes and prices, then the bill, proof, sources and dropped offers."""
    console.print(_table(plan))
    for name, value in facts(plan):
        console.print(Text(f"{name:<11}{value}"), soft_wrap=True)


def saving(plan: Plan) -> float:
    """Percent saved against the same nodes on demand."""
    full = plan.money.same_nodes_on_demand_usd_micro
    return 100 * (1 - plan.money.hourly_usd_micro / full) if full else 0.0


def _table(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("pool", "instance types"):
        table.add_column(column, overflow="fold")
    for column in ("nodes", "max", "replicas", "$/h node", "$/h", "requests"):
        table.add_column(column, justify="right", no_wrap=True)
    served, marked = _served(plan), _assumptions(plan)
    for pool in sorted(plan.decisions.pools, key=lambda pool: (pool.nodes == 0, pool.key)):
        price = pool.price_usd_micro_per_hour / USD
        table.add_row(
            pool.key,
            ", ".join(member.instance_type for member in pool.members),
            str(pool.nodes),
            str(pool.max_nodes),
            str(pool.nodes * pool.replicas_per_node),
            f"{price:.3f}{'*' if pool.members[0].assumed else ' ' if marked else ''}",
            f"{pool.nodes * price:.2f}",
            f"{100 * served[pool.key]:.1f} %" if pool.nodes else "-",
        )
    return table


def _served(plan: Plan) -> dict[str, float]:
    """Each pool's share of all requests: its part of what its shape gets in its cell."""
    made = plan.decisions
    total = sum(bucket.requests_per_second for bucket in made.buckets)
    by_place: Counter[tuple[str, str]] = Counter()
    for route in made.routing:
        rate = made.buckets[route.bucket].requests_per_second
        by_place[route.cell, route.shape] += rate * route.share_ppm / PPM / total  # type: ignore[assignment]
    replicas: Counter[tuple[str, str]] = Counter()
    for pool in made.pools:
        replicas[_place(pool)] += pool.nodes * pool.replicas_per_node
    return {
        pool.key: by_place[_place(pool)]
        * pool.nodes
        * pool.replicas_per_node
        / max(replicas[_place(pool)], 1)
        for pool in made.pools
    }


def _place(pool: Pool) -> tuple[str, str]:
    return f"{pool.cloud}-{pool.region}", pool.shape


def facts(plan: Plan) -> list[tuple[str, str]]:
    """Name and value of everything below the table."""
    money, proof, origin = plan.money, plan.proof, plan.provenance
    numbers = Counter(o.split(":")[0] for s in plan.decisions.shapes for o in s.origins)
    sources = ", ".join(f"{name} {n}" for name, n in sorted(numbers.items()))
    return [
        (
            "cost",
            f"${money.hourly_usd_micro / USD:.2f}/h, ${money.monthly_usd_micro / USD:,.0f}/month, "
            f"${money.per_million_tokens_usd_micro / USD:.3f} per million tokens",
        ),
        (
            "saving",
            f"{saving(plan):.0f} % against the same nodes on demand (${money.same_nodes_on_demand_usd_micro / USD:.2f}/h"
            f"{_spot_only(plan)})",
        ),
        (
            "proof",
            f"no plan within the limits costs less than ${proof.bound_usd_micro / USD:.4f}/h "
            f"(gap {100 * proof.relative_gap:.3f} %{', search limit reached' if proof.limit_reached else ''})",
        ),
        ("prices", _prices(origin.snapshot)),
        *(("*", f"price assumed: {text}") for text in _assumptions(plan)),
        ("throughput", sources),
        ("dropped", _dropped(origin)),
        ("digest", plan.digest),
    ]


def _spot_only(plan: Plan) -> str:
    nodes = sum(p.nodes for p in plan.decisions.pools if not p.on_demand_usd_micro_per_hour)
    return f", with {nodes} never sold on demand at the spot price" if nodes else ""


def _assumptions(plan: Plan) -> list[str]:
    """What the prices of pools rest on beside their sources."""
    return sorted({pool.members[0].assumed for pool in plan.decisions.pools} - {""})


def _prices(snapshot: Source) -> str:
    undated = f" ({', '.join(f'{part}: age unknown' for part in snapshot.undated)})"
    return (
        f"snapshot {snapshot.name}, oldest of {snapshot.as_of}{undated if snapshot.undated else ''}"
    )


def _dropped(origin: Provenance) -> str:
    number = sum(count.offers for count in origin.dropped)
    said = f"{number} of {origin.offers} offers"
    if origin.dropped:
        said += f": {_listed(origin.dropped)}"
    return said + (f"; not in the snapshot: {_listed(origin.left_out)}" if origin.left_out else "")


def _listed(counts: tuple[Count, ...]) -> str:
    return ", ".join(f"{count.reason} {count.offers}" for count in counts)
