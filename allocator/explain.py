"""A plan for people: the pools, who stands in for them, and below that what it costs, survives and rests on."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from allocator.facts import USD, Fact, assumptions, facts, shares
from allocator.plan import PPM, Plan, Pool


def render(plan: Plan, console: Console, more: Sequence[Fact] = ()) -> None:
    """Print the plan: pools with nodes and prices, their fallback, then the facts and more of them."""
    console.print(_pools(plan))
    if plan.decisions.fallback:
        console.print()
        console.print(_fallback(plan))
    write([*facts(plan), *more], console)


def write(lines: list[Fact], console: Console) -> None:
    """Print (name, value) lines, one a line however long."""
    console.print()
    for name, value in lines:
        console.print(Text(f"{name:<11}{value}"), soft_wrap=True)


def new_table(*left: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table: columns of text, then columns of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in left:
        table.add_column(column, overflow="fold")
    for column in right:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _pools(plan: Plan) -> Table:
    """Active pools first, then those that retire."""
    table = new_table(
        "pool", "instance types",
        right=("nodes", "max", "replicas", "$/h node", "$/h", "requests"),
    )  # fmt: skip
    served, marked = shares(plan), bool(assumptions(plan))
    shown = [pool for pool in plan.decisions.pools if pool.role != "fallback"]
    for pool in sorted(shown, key=lambda pool: (pool.state == "retiring", pool.key)):
        price = pool.price_usd_micro_per_hour / USD
        table.add_row(
            pool.key,
            ", ".join(member.instance_type for member in pool.members),
            "retiring" if pool.state == "retiring" else str(pool.nodes),
            str(pool.max_nodes),
            str(pool.nodes * pool.replicas_per_node),
            f"{price:.3f}{'*' if pool.members[0].assumed else ' ' if marked else ''}",
            f"{pool.nodes * price:.2f}",
            f"{100 * served[pool.key]:.1f} %" if pool.nodes else "-",
        )
    return table


def _fallback(plan: Plan) -> Table:
    """A line per spot pool: the on-demand pools that stand in for it, first choice first."""
    pools = {pool.key: pool for pool in plan.decisions.pools}
    table = new_table("while spot is gone", "on demand instead, first choice first ($/h for what one node does)")  # fmt: skip
    for fallback in plan.decisions.fallback:
        stands = [
            f"{_short(pools[stand.pool], pools[fallback.pool])} "
            f"{pools[stand.pool].price_usd_micro_per_hour / USD * stand.nodes_ppm / PPM:.2f}"
            for stand in fallback.stands
        ]
        table.add_row(fallback.pool, ", ".join(stands))
    return table


def _short(stand: Pool, spot: Pool) -> str:
    """A pool's machines; its region only where it is another."""
    machine = f"{stand.gpu.lower()}x{stand.gpus_per_node}"
    return machine if stand.region == spot.region else f"{machine} in {stand.region}"
