"""The optimizer's answers, against a check of their own and, on small markets, against every possible answer."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.candidates import Candidate
from allocator.mix import GAP, Mix, Problem, most_served, solve_mix, weight
from allocator.plan import Bucket
from tests.allocator.builders import bucket, candidate, limits

PLACES = ("aws-east", "aws-west", "gcp-north", "azure-south")
RATE = st.sampled_from([0.0, 1.0, 2.5, 4.0, 7.0])
FEW = settings(max_examples=40, deadline=None)


@st.composite
def markets(draw: st.DrawFn, *, buckets: int = 2, most: int = 5) -> list[Candidate]:
    """A few pools with throughput, price and stock of their own; the first serves everything."""
    chosen = draw(st.lists(st.sampled_from(PLACES), min_size=2, max_size=most))
    shapes = {
        f"s{n}": tuple(draw(st.lists(RATE, min_size=buckets, max_size=buckets))) for n in range(2)
    } | {"s9": (1.5,) * buckets}
    made = {}
    for place in ["aws-east", *chosen]:
        shape = "s9" if not made else draw(st.sampled_from(sorted(shapes)))
        if not any(shapes[shape]):
            continue
        pool = candidate(
            f"{place}-{shape}", shapes[shape], usd=draw(st.integers(5, 60)) / 10,
            stock=40 if not made else draw(st.integers(1, 4)), gpus=draw(st.sampled_from([1, 1, 4])),
        )  # fmt: skip
        made.setdefault(pool.key, pool)
    return sorted(made.values(), key=lambda pool: pool.key)


def demand(*rates: float) -> tuple[Bucket, ...]:
    return tuple(bucket(rate, 1000 * (n + 1)) for n, rate in enumerate(rates))


def check(
    pools: Sequence[Candidate], buckets: Sequence[Bucket], mix: Mix, *, region: float = 1.0
) -> None:
    """What a plan promises, computed from the answer alone."""
    load: dict[str, float] = defaultdict(float)
    for number, (of, shares) in enumerate(zip(buckets, mix.shares, strict=True)):
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        for pool in {pool.shape.key: pool for pool in pools}.values():
            share = shares.get(pool.shape.key, 0.0)
            if share:
                load[pool.shape.key] += of.requests_per_second * share / pool.shape.requests_per_second[number]  # fmt: skip
    bought = list(zip(pools, mix.nodes, strict=True))
    for shape, needed in load.items():
        replicas = sum(n * pool.replicas for pool, n in bought if pool.shape.key == shape)
        assert needed <= replicas + 1e-4
    assert all(0 <= n <= pool.stock_nodes for pool, n in bought)
    assert mix.objective == sum(n * pool.price for pool, n in bought)
    assert mix.objective * (1 - GAP) - 1 <= mix.bound <= mix.objective
    capacity: dict[str, float] = defaultdict(float)
    for pool, n in bought:
        capacity[pool.cell] += n * weight(pool, buckets)
    assert max(capacity.values()) <= region * sum(capacity.values()) + 1e-6


@FEW
@given(markets(), st.floats(0.2, 12), st.floats(0.2, 12))
def test_every_bucket_is_served_within_stock_and_the_bill_adds_up(pools, first, second):
    buckets = demand(first, second)
    mix = solve_mix(Problem(pools, buckets, limits()))
    check(pools, buckets, mix)


@FEW
@given(markets(buckets=1, most=3), st.floats(0.2, 9))
def test_no_other_answer_is_cheaper_beyond_the_gap(pools, rate):
    """One bucket: a combination serves it when its replicas' rates add up to the demand."""
    mix = solve_mix(Problem(pools, demand(rate), limits()))
    units = [pool.replicas * pool.shape.requests_per_second[0] for pool in pools]
    counts = [range(min(pool.stock_nodes, int(rate / unit) + 1 if unit else 0) + 1) for pool, unit in zip(pools, units, strict=True)]  # fmt: skip
    cheapest = min(
        sum(n * pool.price for n, pool in zip(nodes, pools, strict=True))
        for nodes in itertools.product(*counts)
        if sum(n * unit for n, unit in zip(nodes, units, strict=True)) >= rate - 1e-9
    )
    assert mix.bound <= cheapest
    assert cheapest * (1 - 1e-9) <= mix.objective <= cheapest * (1 + GAP) + 1


@FEW
@given(markets(most=6), st.floats(0.5, 8), st.sampled_from([0.4, 0.5, 0.6]))
def test_no_region_holds_more_than_its_share(pools, rate, share):
    spread = [
        candidate(f"{place}-s9", (1.5, 1.5), usd=2.0 + n / 10, stock=40)
        for n, place in enumerate(("gcp-east", "gcp-west", "azure-east"))
    ]
    pools = sorted([*pools, *spread], key=lambda pool: pool.key)
    buckets = demand(rate, rate / 2)
    mix = solve_mix(Problem(pools, buckets, limits(max_region_share=share)))
    check(pools, buckets, mix, region=share)


@FEW
@given(markets(), st.floats(0.2, 6), st.floats(1, 3))
def test_more_demand_is_never_cheaper(pools, rate, factor):
    less = solve_mix(Problem(pools, demand(rate, rate), limits()))
    more = solve_mix(Problem(pools, demand(rate * factor, rate * factor), limits()))
    assert more.objective >= less.bound


@FEW
@given(markets(), st.floats(0.2, 6), st.randoms(use_true_random=False))
def test_an_offer_more_is_never_dearer(pools, rate, rng):
    fewer = [pool for pool in pools if pool.shape.key == "s9" or rng.random() < 0.5]
    all_of_them = solve_mix(Problem(pools, demand(rate, rate), limits()))
    some = solve_mix(Problem(fewer, demand(rate, rate), limits()))
    assert all_of_them.bound <= some.objective


def test_spot_that_runs_out_is_filled_up_on_demand():
    spot = candidate("aws-east-a", (1.0,), usd=1, stock=2)
    on_demand = candidate("aws-east-a", (1.0,), usd=3, market="on_demand")
    mix = solve_mix(Problem([on_demand, spot], demand(3), limits()))
    assert mix.nodes == (1, 2)


def test_a_mix_serves_each_bucket_where_it_is_cheap():
    """Neither shape alone is cheap for both sizes."""
    short = candidate("aws-east-a", (10.0, 0.1), usd=1, stock=20)
    long = candidate("aws-east-b", (0.1, 10.0), usd=1, stock=20)
    mix = solve_mix(Problem([short, long], demand(20, 20), limits()))
    assert mix.nodes == (2, 2)
    assert mix.shares == ({"a": pytest.approx(1)}, {"b": pytest.approx(1)})


def test_demand_beyond_all_stock_has_no_mix_and_says_how_much_is_served():
    problem = Problem([candidate("aws-east-a", (1.0,), usd=1, stock=4)], demand(10), limits())
    assert solve_mix(problem) is None
    assert most_served(problem) == pytest.approx(0.4)


def test_a_budget_too_small_has_no_mix():
    problem = Problem([candidate("aws-east-a", (1.0,), usd=2)], demand(2), limits(budget_usd_per_hour=3.9))  # fmt: skip
    assert solve_mix(problem) is None
