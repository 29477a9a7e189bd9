"""Mélange's config: the answer against hand-made cases, and an enumeration with its own linear program."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.melange import Answer, Config, solve
from allocator.melange import search as search_module
from allocator.melange.search import common_amount
from allocator.solver import INFINITY, Program, Row, Status, solve_linear

PUBLISHED = {
    "gpu_info": {
        "A10G": {"cost": 1.01, "tputs": [[2, 1], [5, 2]]},
        "A100-80GB": {"cost": 3.67, "tputs": [[20, 20], [40, 20]]},
    },
    "workload_distribution": [[0.2, 0.1], [0.5, 0.2]],
    "total_request_rate": 30.0,
    "slice_factor": 1,
}
"""The example file of the published program."""


def config(
    costs: list[float], tputs: list[list[list[float]]], distribution: list[list[float]], rate: float
) -> Config:
    gpus = {
        f"g{number}": {"cost": cost, "tputs": rates}
        for number, (cost, rates) in enumerate(zip(costs, tputs, strict=True))
    }
    return Config.model_validate(
        {"gpu_info": gpus, "workload_distribution": distribution, "total_request_rate": rate}
    )


def work(asked: Config) -> np.ndarray:
    """GPUs of each type that each bucket with traffic takes, (types, buckets)."""
    rates = np.array(asked.workload_distribution) * asked.total_request_rate
    rows = [np.array(gpu.tputs)[rates > 0] for gpu in asked.gpu_info.values()]
    with np.errstate(divide="ignore"):
        return rates[rates > 0] / np.array(rows)


def serves(load: np.ndarray, counts: tuple[int, ...]) -> bool:
    """Whether counts take all work, by a linear program of its own: the largest part that can be served is 1."""
    types, buckets = load.shape
    pairs = [(g, b) for g in range(types) for b in range(buckets) if np.isfinite(load[g, b])]
    served = len(pairs)
    rows: list[Row] = []
    for bucket in range(buckets):
        own = [number for number, (_, b) in enumerate(pairs) if b == bucket]
        rows.append((0.0, 0.0, [*own, served], [*[1.0] * len(own), -1.0]))
    for gpu in range(types):
        own = [number for number, (g, _) in enumerate(pairs) if g == gpu]
        rows.append((-INFINITY, float(counts[gpu]), own, [load[pairs[n]] for n in own]))
    costs = np.zeros(served + 1)
    costs[served] = -1.0
    answer = solve_linear(
        Program(costs, np.ones(served + 1), np.zeros(served + 1, dtype=bool), rows)
    )
    return answer.status is Status.OPTIMAL and answer.objective <= -1 + 1e-7


def check(asked: Config, answer: Answer) -> None:
    """The routing serves every bucket within the counts, and cost and bound belong together."""
    names = list(asked.gpu_info)
    loads = dict.fromkeys(names, 0.0)
    for i, row in enumerate(asked.workload_distribution):
        for o, part in enumerate(row):
            shares = answer.routing[i][o]
            if not part:
                assert shares == {}
                continue
            assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
            assert min(shares.values()) > 0
            for name, share in shares.items():
                rate = share * part * asked.total_request_rate
                loads[name] += rate / asked.gpu_info[name].tputs[i][o]
    for name in names:
        assert loads[name] <= answer.counts[name] + 1e-9 * max(1, answer.counts[name] / 1e4)
    costs = [asked.gpu_info[name].cost * answer.counts[name] for name in names]
    assert answer.cost == pytest.approx(math.fsum(costs), rel=1e-12)
    assert answer.bound <= answer.cost
    assert 0 <= answer.gap <= 1e-6


def rates(low: float = 0.2, high: float = 5.0) -> st.SearchStrategy[float]:
    return st.one_of(st.just(0.0), st.sampled_from([1.0, 2.0, 3.0]), st.floats(low, high))


@st.composite
def configs(draw: st.DrawFn, types: int = 3, most: float = 6.0) -> Config:
    """Small: up to 3 types and 2 x 2 buckets, about ten GPUs; ties and unserved buckets of a type are common."""
    rows, columns = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    count = draw(st.integers(1, types))
    costs = draw(
        st.lists(
            st.one_of(st.integers(1, 4).map(float), st.floats(0.3, 4)),
            min_size=count, max_size=count,
        )
    )  # fmt: skip
    tputs = [[[draw(rates()) for _ in range(columns)] for _ in range(rows)] for _ in range(count)]
    tputs[0] = [[rate or 1.0 for rate in row] for row in tputs[0]]
    parts = st.one_of(st.just(0.0), st.sampled_from([0.25, 0.5]), st.floats(0.05, 1))
    distribution = [[draw(parts) for _ in range(columns)] for _ in range(rows)]
    distribution[0][0] = distribution[0][0] or 0.5
    return config(costs, tputs, distribution, draw(st.floats(0.1, most)))


class TestByHand:
    def test_one_type_is_bought_up_to_the_whole_load(self):
        answer = solve(config([2.0], [[[4, 2]]], [[0.5, 0.5]], 10))  # 1.25 + 2.5 GPUs
        assert answer.counts == {"g0": 4}
        assert (answer.cost, answer.bound) == (8.0, 8.0)

    def test_the_published_example_costs_a_third_less_than_its_slices(self):
        answer = solve(Config.model_validate(PUBLISHED))
        check(Config.model_validate(PUBLISHED), answer)
        assert answer.counts == {"A10G": 1, "A100-80GB": 1}  # slices: 3 and 1, 6.70
        assert answer.cost == pytest.approx(4.68)

    def test_a_whole_load_is_not_rounded_up_for_its_rounding_error(self):
        assert 0.28 * 25 > 7
        assert solve(config([1.0], [[[1.0]]], [[0.28]], 25)).counts == {"g0": 7}

    def test_a_tiny_load_still_needs_a_gpu(self):
        assert solve(config([1.0], [[[1000.0]]], [[1e-6]], 1e-3)).counts == {"g0": 1}

    def test_a_bucket_goes_where_it_is_served(self):
        answer = solve(config([1.0, 9.0], [[[5, 0]], [[5, 1]]], [[0.9, 0.1]], 10))
        assert answer.counts == {"g0": 2, "g1": 1}
        assert answer.routing[0][1] == {"g1": 1.0}

    def test_buckets_without_traffic_need_no_type(self):
        answer = solve(config([1.0], [[[1, 0], [0, 1]]], [[0.5, 0.0], [0.0, 0.5]], 2))
        assert answer.routing == [[{"g0": 1.0}, {}], [{}, {"g0": 1.0}]]

    def test_types_that_cost_nothing_take_what_they_can(self):
        answer = solve(config([0.0, 2.0], [[[1, 0]], [[9, 4]]], [[0.5, 0.5]], 6))
        assert answer.counts == {"g0": 3, "g1": 1}
        assert (answer.cost, answer.gap) == (2.0, 0.0)
        only = solve(config([0.0], [[[1.0]]], [[1.0]], 2))
        assert (only.counts, only.cost, only.gap) == ({"g0": 2}, 0.0, 0.0)

    @pytest.mark.parametrize("cost", [1e-6, 1.0, 1e6])
    @pytest.mark.parametrize("rate", [1e-3, 1.0, 1e5])
    def test_large_and_small_numbers_keep_their_proof(self, cost, rate):
        table_ = [[[3.1, 0.7], [1.9, 0.2]], [[7.3, 2.2], [4.1, 0.9]]]
        asked = config([cost, 2.6 * cost], table_, [[0.4, 0.3], [0.2, 0.1]], rate)
        answer = solve(asked)
        check(asked, answer)
        ideal = (work(asked) * np.array([[cost], [2.6 * cost]])).min(axis=0).sum()
        assert ideal <= answer.cost * (1 + 1e-12) <= ideal + 3.6 * cost + 1e-9 * answer.cost

    @pytest.mark.parametrize(
        ("costs", "amount"),
        [
            ([1.01, 3.67], 0.01), ([0.5, 1.25], 0.25), ([2.0, 6.0], 2.0), ([7.516, 0.7], 0.004),
            ([math.pi, 1.0], 0.0), ([1e-6, 3e-6], 1e-6),
        ],
    )  # fmt: skip
    def test_costs_have_a_common_amount_or_none(self, costs, amount):
        assert common_amount(np.array(costs)) == pytest.approx(amount, abs=1e-15)


class TestAnyConfig:
    @settings(max_examples=80, deadline=None)
    @given(asked=configs())
    def test_no_cheaper_counts_serve(self, asked):
        answer = solve(asked)
        check(asked, answer)
        load = work(asked)
        costs = [gpu.cost for gpu in asked.gpu_info.values()]
        most = [
            range(math.ceil(row[np.isfinite(row)].sum() + 1e-9) + 1) if costs[number] else range(1)
            for number, row in enumerate(load)
        ]
        cheaper = sorted(
            (math.fsum(n * cost for n, cost in zip(counts, costs, strict=True)), counts)
            for counts in itertools.product(*most)
        )
        for cost, counts in cheaper:
            if cost >= answer.cost * (1 - 1e-6):
                break
            assert not serves(load, counts)

    @settings(max_examples=40, deadline=None)
    @given(asked=configs(types=2, most=3.0), factor=st.integers(1, 2))
    def test_slices_are_never_cheaper(self, asked, factor):
        load = np.repeat(work(asked), factor, axis=1) / factor
        costs = np.array([gpu.cost for gpu in asked.gpu_info.values()])
        best = INFINITY
        for chosen in itertools.product(range(load.shape[0]), repeat=load.shape[1]):
            taken = load[chosen, np.arange(load.shape[1])]
            if np.isfinite(taken).all():
                whole = np.ceil(np.bincount(chosen, taken, len(costs)) - 1e-9)
                best = min(best, float(whole @ costs))
        assert solve(asked).cost <= best * (1 + 1e-9)

    @settings(max_examples=40, deadline=None)
    @given(asked=configs(), factor=st.floats(1, 3))
    def test_more_traffic_never_costs_less(self, asked, factor):
        more = asked.model_copy(update={"total_request_rate": asked.total_request_rate * factor})
        assert solve(more).cost >= solve(asked).cost * (1 - 2e-9)

    @settings(max_examples=40, deadline=None)
    @given(asked=configs(), scale=st.sampled_from([1e-5, 0.25, 3.0, 1e5]), turn=st.integers(1, 2))
    def test_order_of_types_and_currency_change_nothing(self, asked, scale, turn):
        names = list(asked.gpu_info)
        turned = {
            name: asked.gpu_info[name].model_copy(
                update={"cost": asked.gpu_info[name].cost * scale}
            )
            for name in names[turn:] + names[:turn]
        }
        answer = solve(asked.model_copy(update={"gpu_info": turned}))
        assert answer.cost == pytest.approx(solve(asked).cost * scale, rel=1e-8)

    @pytest.mark.parametrize("seed", range(6))
    def test_many_types_and_buckets_are_routed_within_their_counts(self, seed):
        rng = np.random.default_rng(seed)
        strength = 2 ** rng.uniform(-2, 4, 10)
        tputs = strength[:, None, None] * rng.uniform(0.5, 2, (10, 6, 5))
        tputs[strength < 1, 4:] = 0.0
        costs = np.round(strength * rng.uniform(0.9, 1.1, 10), 3)
        distribution = rng.dirichlet(np.ones(30)).reshape(6, 5)
        asked = config(costs.tolist(), tputs.tolist(), distribution.tolist(), 10.0 ** (seed % 3))
        check(asked, solve(asked))

    @pytest.mark.parametrize("rate", [7.0, 70.0])
    def test_types_of_the_very_same_worth_are_told_apart_by_what_fits(self, rate):
        costs = [1.1, 2.3, 3.7]
        tputs = [[[2 * cost, cost / 3]] for cost in costs]
        asked = config(costs, tputs, [[0.5, 0.5]], rate)
        answer = solve(asked)
        check(asked, answer)
        ideal = rate * 0.5 * (1 / 2 + 3)
        sums = {
            round(sum(n * c for n, c in zip(counts, costs, strict=True)), 9)
            for counts in itertools.product(range(250), range(110), range(70))
            if counts[0] < 4 or counts[1] < 4
        }
        assert answer.cost <= min(total for total in sums if total >= ideal - 1e-9) + 1e-9

    @settings(max_examples=25, deadline=None)
    @given(asked=configs())
    def test_beyond_the_limit_the_general_solver_gives_the_same_cost(self, asked):
        cost = solve(asked).cost
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search_module, "NODES", 0)
            answer = solve(asked)
        check(asked, answer)
        assert answer.cost == pytest.approx(cost, rel=2e-9)
