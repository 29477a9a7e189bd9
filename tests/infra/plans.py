"""Plans made by hand, everything defaulted but the point."""

from __future__ import annotations

import dataclasses
from typing import Any

from allocator.plan import (
    PPM,
    Bucket,
    Cell,
    Decisions,
    Engine,
    Member,
    Money,
    Plan,
    Pool,
    Proof,
    Provenance,
    Role,
    Shape,
    Source,
)

AWS = Cell("aws-us-east-1", "aws", "us-east-1", ("use1-az1", "use1-az2", "use1-az4"), 600_000)
GCP = Cell("gcp-us-central1", "gcp", "us-central1", ("us-central1-a", "us-central1-b"), 300_000)
AZURE = Cell("azure-eastus", "azure", "eastus", (), 100_000)

_MEMBERS = {
    "aws": (Member("g6.xlarge", ("use1-az1", "use1-az4"), 300_000), Member("g6.2xlarge", (), 400_000)),
    "gcp": (
        Member("g2-standard-4", ("us-central1-a",), 280_000),
        Member("g2-standard-8", ("us-central1-a",), 330_000),
    ),
    "azure": (
        Member("Standard_NC4as_T4_v3", (), 200_000),
        Member("Standard_NC8as_T4_v3", (), 250_000),
    ),
}  # fmt: skip


def pool(cell: Cell, role: Role = "spot", **changes: Any) -> Pool:
    """A pool of one-GPU nodes in a cell: 2 nodes of 4 on spot, none of 4 as fallback."""
    made = Pool(
        key=f"{cell.key}-l4x1-tp1-{role}",
        cloud=cell.cloud,
        region=cell.region,
        shape="l4-tp1",
        gpu="L4",
        gpus_per_node=1,
        tensor_parallel=1,
        replicas_per_node=1,
        role=role,
        state="active",
        members=_MEMBERS[cell.cloud],
        nodes=0 if role == "fallback" else 2,
        max_nodes=4,
        price_usd_micro_per_hour=300_000,
        on_demand_usd_micro_per_hour=800_000,
        fallback_usd_micro_per_hour=0,
        risk=None,
        cold_start_s=183,
        limited_by="",
        why="cheapest",
    )
    return dataclasses.replace(made, **changes)


def plan(*cells: Cell, pools: tuple[Pool, ...] | None = None) -> Plan:
    """A plan over the cells (all three clouds unless told); a spot and a fallback pool in each unless told."""
    cells = cells or (AWS, GCP, AZURE)
    if pools is None:
        pools = tuple(pool(cell, role) for cell in cells for role in ("spot", "fallback"))
    return Plan(
        decisions=Decisions(
            engine=Engine("meta-llama/Llama-3.1-8B-Instruct", "vllm/vllm-openai:v0.15.0"),
            buckets=(Bucket(512, 128, 1024, 256, 8.0),),
            shapes=(Shape("l4-tp1", "L4", 1, (2.0,), ("model",)),),
            cells=cells,
            pools=pools,
            fallback=(),
            routing=(),
            survive="none",
            losses=(),
            hedge=(),
            quota_groups=(),
            budgets=(),
            relaxed=(),
        ),
        money=Money(1_800_000, 0, 1_314_000_000, 250_000, 0, 4_800_000, ()),
        proof=Proof(1_800_000, 1_800_000, 0.0, False),
        changes=(),
        provenance=Provenance(
            "0",
            "0",
            Source("prices", "0", "2026-06-18"),
            Source("w", "0", "2026-01-01"),
            (),
            10,
            (),
        ),
    )


def doubled(original: Plan) -> Plan:
    """The same plan for twice the rate: more nodes, more headroom, other shares, nothing else."""
    decisions = original.decisions
    pools = tuple(
        dataclasses.replace(p, nodes=2 * p.nodes, max_nodes=2 * p.max_nodes)
        for p in decisions.pools
    )
    cells = tuple(
        dataclasses.replace(cell, share_ppm=(PPM - cell.share_ppm) // 2) for cell in decisions.cells
    )
    return dataclasses.replace(
        original, decisions=dataclasses.replace(decisions, cells=cells, pools=pools)
    )
