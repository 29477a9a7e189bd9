"""Small markets to draw from: machines of one to eight replicas in a few regions, on both markets, and what may be asked."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from allocator.candidates import Candidate
from tests.allocator.builders import both_markets, candidate

REGIONS = ("aws-east", "aws-west", "gcp-north", "azure-south", "gcp-east")
RATE = st.sampled_from([0.0, 0.5, 1.0, 2.5, 4.0, 7.0])
SHARE = st.sampled_from([0.4, 0.5, 0.6, 0.75, 1.0])
SURVIVE = ("none", "region", "cloud")
QUOTA = st.fixed_dictionaries(
    {
        "cloud": st.sampled_from(["aws", "gcp"]),
        "unit": st.sampled_from(["gpus", "nodes"]),
        "cap": st.integers(0, 6),
    },
    optional={
        "region": st.sampled_from(["east", "west", "north"]),
        "market": st.sampled_from(["spot", "on_demand"]),
        "gpus": st.sampled_from([["l4"], ["h100", "a100"]]),
    },
)


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """A level of survival, and up to three limits."""
    some: dict[str, Any] = {
        "degraded_share": draw(st.sampled_from([0.3, 0.5, 0.8])),
        "on_demand_share": draw(st.sampled_from([0.2, 0.5, 1.0])),
        "max_region_share": draw(SHARE),
        "max_cloud_share": draw(SHARE),
        "min_regions": draw(st.integers(1, 3)),
        "min_clouds": draw(st.integers(1, 3)),
        "budget_usd_per_hour": draw(st.integers(5, 300)) / 10,
        "quotas": [draw(QUOTA)],
    }
    chosen = draw(st.lists(st.sampled_from(sorted(some)), max_size=3, unique=True))
    return {"survive": draw(st.sampled_from(SURVIVE))} | {key: some[key] for key in chosen}


@st.composite
def rates(draw: st.DrawFn, buckets: int) -> dict[str, tuple[float, ...]]:
    """What a replica of each GPU serves; the h100 serves every bucket, another may not."""
    some = st.lists(RATE, min_size=buckets, max_size=buckets).filter(any).map(tuple)
    return {"l4": draw(some), "a100": draw(some), "h100": (1.5,) * buckets}


@st.composite
def tiny(draw: st.DrawFn, *, buckets: int = 2, most: int = 4) -> list[Candidate]:
    """Up to four pools of up to three nodes: few enough to try every plan."""
    of, made = draw(rates(buckets)), {}
    for number in range(draw(st.integers(1, most))):
        gpu = draw(st.sampled_from(sorted(of))) if number else "h100"
        pool = candidate(
            f"{draw(st.sampled_from(REGIONS[:4]))}-{gpu}", of[gpu], usd=draw(st.integers(2, 60)) / 10,
            stock=draw(st.integers(1, 3)), gpus=draw(st.sampled_from([1, 1, 2, 8])),
            market=draw(st.sampled_from(["spot", "on_demand"])),
        )  # fmt: skip
        made.setdefault(pool.key, pool)
    return [made[key] for key in sorted(made)]


@st.composite
def small(draw: st.DrawFn, *, buckets: int = 3) -> list[Candidate]:
    """Two to five regions that sell up to three machines each, at one or two degrees, some on demand too.

    On demand there is plenty, so that a demand of some 10 requests/s is mostly served.
    """
    of, made = draw(rates(buckets)), {}
    for place in REGIONS[: draw(st.integers(2, 5))]:
        for gpu in sorted({"h100", *draw(st.lists(st.sampled_from(sorted(of)), max_size=2))}):
            gpus = draw(st.sampled_from([1, 1, 2, 4, 8]))
            usd, stock = gpus * draw(st.integers(5, 30)) / 10, draw(st.integers(1, 4))
            degrees = [1, 2] if gpus > 1 and draw(st.booleans()) else [1]
            on_demand = gpu == "h100" or draw(st.booleans())
            for degree in degrees:
                serves = tuple(rate * (2.4 if degree == 2 else 1) for rate in of[gpu])
                sold = {"usd": usd, "stock": stock, "gpus": gpus, "degree": degree}
                pools = both_markets(f"{place}-{gpu}", serves, plenty=9, **sold)
                if not on_demand:
                    pools = [candidate(f"{place}-{gpu}", serves, **sold)]
                made |= {pool.key: pool for pool in pools}
    return [made[key] for key in sorted(made)]
