"""The baselines: by hand, against every possible answer on tiny markets, and against each other."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allocator import baselines as module
from allocator.baselines import baselines, melange, single_type, skyserve, without_survival
from allocator.candidates import Candidate
from allocator.mix import GAP, Problem, cell_cost, solve_mix
from allocator.plan import Bucket, Market
from allocator.spec import Policy
from tests.allocator.builders import bucket, candidate, limits

PLACES = ("aws-east", "aws-west", "gcp-north", "azure-south", "azure-west")
RATE = st.sampled_from([0.0, 1.0, 2.5, 4.0])
FEW = settings(max_examples=60, deadline=None)


@st.composite
def problems(
    draw: st.DrawFn, *markets: Market, survive: str = "none", stocks: tuple[int, int] = (1, 4)
) -> Problem:
    """Up to three shapes in a few places, 1 or 4 GPUs a node; some serve only a part, together they serve everything."""
    rates = st.lists(RATE, min_size=2, max_size=2).filter(any)
    shapes = {"s0": tuple(draw(rates)), "s1": tuple(draw(rates)), "s9": (1.5, 1.0)}
    pools: dict[str, Candidate] = {}
    for _ in range(draw(st.integers(1, 9))):
        name = draw(st.sampled_from(sorted(shapes)))
        pool = candidate(
            f"{draw(st.sampled_from(PLACES))}-{name}", shapes[name],
            usd=draw(st.integers(5, 60)) / 10, stock=draw(st.integers(*stocks)),
            gpus=draw(st.sampled_from([1, 1, 4])), market=draw(st.sampled_from(markets)),
        )  # fmt: skip
        if pool.market == "spot":
            spend = draw(st.sampled_from([0, 20_000, 300_000]))
            pool = dataclasses.replace(pool, fallback_price=spend)
        pools[pool.key] = pool
    assume(all(map(any, zip(*(p.shape.requests_per_second for p in pools.values()), strict=True))))
    demand = tuple(bucket(draw(st.floats(0.2, 6)), 1000 * n) for n in (1, 2))
    order = draw(st.permutations(sorted(pools)))
    return problem([pools[key] for key in order], demand, survive=survive)


def problem(
    pools: Sequence[Candidate], demand: tuple[Bucket, ...], *, survive: str = "none"
) -> Problem:
    return Problem(pools, demand, limits(), Policy(survive=survive))  # type: ignore[arg-type]


def cell(pool: Candidate) -> int:
    return round(cell_cost(pool.cell) * 1e6)


def serves(pool: Candidate, nodes: int, demand: Sequence[Bucket]) -> bool:
    rates = pool.shape.requests_per_second
    if not all(rates):
        return False
    busy = sum(of.requests_per_second / rate for of, rate in zip(demand, rates, strict=True))
    return busy <= nodes * pool.replicas + 1e-9


def least(pool: Candidate, demand: Sequence[Bucket]) -> int | None:
    """The first number of nodes that serves, tried one after the other."""
    return next((n for n in range(1, 40) if serves(pool, n, demand)), None)


class TestByHand:
    def test_a_single_type_is_one_machine_in_its_cheapest_region_with_no_stock_limit(self):
        pools = [
            candidate("aws-east-big", (4.0,), usd=5, gpus=4, stock=1, market="on_demand"),
            candidate("gcp-north-big", (4.0,), usd=4, gpus=4, stock=1, market="on_demand"),
            candidate("aws-east-big", (4.0,), usd=1, gpus=4, market="spot"),
        ]
        found = single_type(problem(pools, (bucket(60),)))  # 3.75 nodes
        assert found.hourly_usd_micro == 4 * 4_000_000 + 102_000
        assert found.why == "4 x bigx4 on demand in gcp-north"

    def test_melange_mixes_what_one_region_sells_and_does_not_mix_regions(self):
        short, long = (9.0, 0.5), (0.5, 9.0)
        pools = [
            candidate("aws-east-a", short, usd=2, market="on_demand"),
            candidate("aws-east-b", long, usd=2, market="on_demand"),
            candidate("gcp-north-a", short, usd=1, market="on_demand"),
            candidate("azure-west-b", long, usd=1, market="on_demand"),
        ]
        found = melange(problem(pools, (bucket(9), bucket(9))))
        assert found.hourly_usd_micro == 4_000_000 + 151_000
        assert found.why == "1 x ax1, 1 x bx1 on demand in aws-east"

    def test_melange_takes_a_node_of_several_replicas_as_a_type_of_its_own(self):
        pools = [
            candidate("aws-east-a", (1.0,), usd=1, gpus=1, market="on_demand"),
            candidate("aws-east-a", (1.0,), usd=3, gpus=4, market="on_demand"),
        ]
        found = melange(problem(pools, (bucket(6),)))
        assert found.hourly_usd_micro == 3_000_000 + 2_000_000 + 151_000
        assert found.why == "2 x ax1, 1 x ax4 on demand in aws-east"

    def test_skyserve_adds_two_nodes_and_spreads_over_three_regions(self):
        places = ("aws-east", "aws-west", "gcp-north", "azure-south")
        pools = [candidate(f"{p}-a", (1.0,), usd=1 + n, stock=9) for n, p in enumerate(places)]
        found = skyserve(problem(pools, (bucket(5),)))  # 7 nodes: 3, 2, 2
        nodes = (3 * 1 + 2 * 2 + 2 * 3) * 1_000_000
        assert found.hourly_usd_micro == nodes + 151_000 + 151_000 + 102_000
        assert found.why == (
            "7 x ax1 (2 extra) on spot in 3 regions; no survival promised: one region lost leaves 80 % served"
        )

    def test_skyserve_goes_to_more_regions_where_stock_ends(self):
        places = ("aws-east", "aws-west", "gcp-north", "azure-south")
        pools = [candidate(f"{p}-a", (1.0,), usd=1 + n, stock=2) for n, p in enumerate(places)]
        assert "in 4 regions" in skyserve(problem(pools, (bucket(5),))).why
        assert skyserve(problem(pools, (bucket(6.5),))).hourly_usd_micro is None

    def test_skyserve_does_with_one_region_where_only_one_sells(self):
        found = skyserve(problem([candidate("aws-east-a", (1.0,), usd=1)], (bucket(2),)))
        assert found.hourly_usd_micro == 4_000_000 + 151_000
        assert "in 1 region;" in found.why
        assert found.why.endswith("one region lost leaves 0 % served")

    def test_the_expected_fallback_decides_but_is_not_on_the_bill(self):
        cheap = candidate("aws-east-a", (1.0,), usd=1)
        risky = dataclasses.replace(cheap, fallback_price=600_000)
        calm = candidate("aws-east-b", (1.0,), usd=1.5)
        found = skyserve(problem([risky, calm], (bucket(2),)))
        assert found.hourly_usd_micro == 4 * 1_500_000 + 151_000
        free = without_survival(problem([risky, calm], (bucket(2),)))
        assert free.hourly_usd_micro == 2 * 1_500_000 + 151_000

    def test_who_cannot_serve_says_why(self):
        pools = [
            candidate("aws-east-a", (1.0, 0.0), usd=1),
            candidate("gcp-north-b", (0.0, 1.0), usd=1),
        ]
        found = baselines(problem(pools, (bucket(1), bucket(1))))
        assert [row.hourly_usd_micro for row in found] == [None, None, None, 2_253_000]
        assert [row.why for row in found[:3]] == [
            "no GPU type that is sold on demand serves every request size",
            "no region sells on demand what every request size needs",
            "no GPU type that is sold on spot serves every request size",
        ]
        assert without_survival(problem(pools, (bucket(99), bucket(1)))).hourly_usd_micro is None

    def test_the_order_is_fixed(self):
        found = baselines(problem([candidate("aws-east-a", (1.0,), usd=1)], (bucket(1),)))
        assert [row.name for row in found] == [
            "single type on demand", "Mélange on demand", "SkyServe-like spot", "no survival",
        ]  # fmt: skip


class TestAgainstEveryAnswer:
    @FEW
    @given(problems("on_demand"))
    def test_no_single_type_is_cheaper(self, asked):
        bills = [
            nodes * pool.price + cell(pool)
            for pool in asked.candidates
            if (nodes := least(pool, asked.buckets)) is not None
        ]
        assert single_type(asked).hourly_usd_micro == min(bills, default=None)

    @FEW
    @given(problems("spot"))
    def test_no_even_spread_over_the_cheapest_regions_is_cheaper(self, asked):
        assert skyserve(asked).hourly_usd_micro in _cheapest_spreads(asked)

    @FEW
    @given(problems("on_demand"))
    def test_regions_that_are_not_solved_are_not_cheaper(self, asked):
        """Each region alone, which leaves nothing to skip."""
        by_cell: dict[str, list[Candidate]] = defaultdict(list)
        for pool in asked.candidates:
            by_cell[pool.cell].append(pool)
        alone = [
            melange(dataclasses.replace(asked, candidates=p)).hourly_usd_micro
            for p in by_cell.values()
        ]
        bills = [bill for bill in alone if bill is not None]
        assert melange(asked).hourly_usd_micro == min(bills, default=None)


def _cheapest_spreads(asked: Problem) -> set[int | None]:
    """Bills of the spreads of least bill and expected fallback, of all counts that are even as far as stock goes."""
    machines: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for pool in asked.candidates:
        machines[pool.shape.key, pool.gpus].append(pool)
    ranked: dict[int, set[int | None]] = defaultdict(set)
    for sellers in machines.values():
        needed = least(sellers[0], asked.buckets)
        if needed is None:
            continue
        ordered = sorted(sellers, key=lambda pool: (pool.price + pool.fallback_price, pool.key))
        for counts in itertools.product(*(range(pool.stock_nodes + 1) for pool in ordered)):
            used = [(pool, n) for pool, n in zip(ordered, counts, strict=True) if n]
            if sum(counts) != needed + 2 or len(used) < min(3, len(ordered)):
                continue
            if any(n == 0 for n in counts[: len(used)]):
                continue
            most = max(n for _, n in used)
            if any(n < most - 1 and n < pool.stock_nodes for pool, n in used):
                continue
            bill = sum(pool.price * n + cell(pool) for pool, n in used)
            whole = bill + sum(pool.fallback_price * n for pool, n in used)
            ranked[whole].add(bill)
    return ranked[min(ranked)] if ranked else {None}


class TestAgainstEachOther:
    @FEW
    @given(problems("on_demand"))
    def test_a_mix_is_never_dearer_than_the_best_single_type(self, asked):
        one, mix = single_type(asked).hourly_usd_micro, melange(asked).hourly_usd_micro
        if one is not None:
            assert mix is not None
            assert mix <= one

    @FEW
    @given(problems("on_demand"))
    def test_no_survival_in_one_region_of_a_plan_is_never_dearer_than_melange(self, asked):
        """Its market is more, its stock less: with enough stock it can buy Mélange's mix."""
        pools = [dataclasses.replace(pool, stock_nodes=60) for pool in asked.candidates]
        asked = dataclasses.replace(asked, candidates=pools)
        mix, plan = melange(asked).hourly_usd_micro, without_survival(asked).hourly_usd_micro
        if mix is not None:
            assert plan is not None
            assert plan <= mix * (1 + GAP) + 1

    @settings(max_examples=25, deadline=None)
    @given(problems("spot", "on_demand", survive="region", stocks=(2, 30)))
    def test_no_survival_is_never_dearer_than_the_plan(self, asked):
        """With nothing expected beyond the bill, so that both are chosen by it."""
        pools = [dataclasses.replace(pool, fallback_price=0) for pool in asked.candidates]
        asked = dataclasses.replace(asked, candidates=pools)
        plan, free = solve_mix(asked), without_survival(asked).hourly_usd_micro
        if plan is not None:
            assert free is not None
            assert free <= plan.objective * (1 + GAP) + 1

    @FEW
    @given(problems("spot", "on_demand"), st.randoms(use_true_random=False))
    def test_the_order_of_candidates_changes_nothing(self, asked, rng):
        shuffled = list(asked.candidates)
        rng.shuffle(shuffled)
        other = dataclasses.replace(asked, candidates=shuffled)
        for baseline in (single_type, melange, skyserve):
            assert baseline(asked) == baseline(other)

    @FEW
    @given(problems("spot", "on_demand"))
    def test_what_is_deployed_changes_nothing(self, asked):
        running = {pool.key: 1 for pool in asked.candidates}
        assert baselines(asked) == baselines(dataclasses.replace(asked, deployed=running))


@FEW
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.floats(0, 1))
def test_nodes_are_spread_within_stock_and_as_evenly_as_it_allows(stocks, part):
    nodes = math.ceil(part * sum(stocks))
    counts = module._even(stocks, nodes)
    assert sum(counts) == nodes
    for count, stock in zip(counts, stocks, strict=True):
        assert 0 <= count <= stock
        assert count == stock or count >= max(counts) - 1


@pytest.mark.parametrize(
    ("parallel", "name"), [(1, "3 x ax8 on demand"), (4, "3 x ax8-tp4 on demand")]
)
def test_machines_are_named_with_their_parallel_degree(parallel, name):
    pool = candidate("aws-east-a", (1.0,), usd=1, gpus=8, market="on_demand")
    shape = dataclasses.replace(pool.shape, tensor_parallel=parallel)
    asked = problem([dataclasses.replace(pool, shape=shape)], (bucket(2.5 * 8 / parallel),))
    assert single_type(asked).why.startswith(name)
