"""The performance model: monotone where physics is, honest about what it cannot say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.profile.hardware import GPUS, MODELS, degrees
from allocator.profile.throughput import Slo, modelled
from tests.allocator.conftest import PROJECT

LLAMA = MODELS["llama-3.1-8b"]
gpus = st.sampled_from(sorted(GPUS))
sizes = st.tuples(st.integers(16, 8000), st.integers(8, 2000))
tpots = st.floats(20.0, 200.0)


def rate(gpu: str, size: tuple[int, int], *, tpot: float = 60.0, ttft: float = 2000.0) -> float:
    return modelled(GPUS[gpu], 1, LLAMA, size, Slo(tpot, ttft, 0.8)).requests_per_second


@given(gpus, sizes, tpots, st.floats(1.0, 3.0))
def test_a_looser_time_per_token_never_lowers_the_rate(
    gpu: str, size: tuple[int, int], tpot: float, wider: float
) -> None:
    assert rate(gpu, size, tpot=tpot) <= rate(gpu, size, tpot=tpot * wider) * (1 + 1e-9)


@given(gpus, sizes, st.floats(50.0, 3000.0), st.floats(1.0, 3.0))
def test_a_looser_time_to_first_token_never_lowers_the_rate(
    gpu: str, size: tuple[int, int], ttft: float, wider: float
) -> None:
    assert rate(gpu, size, ttft=ttft) <= rate(gpu, size, ttft=ttft * wider) * (1 + 1e-9)


@given(gpus, sizes, st.integers(1, 2000))
def test_longer_requests_never_have_a_higher_rate(
    gpu: str, size: tuple[int, int], more: int
) -> None:
    inputs, outputs = size
    assert rate(gpu, (inputs + more, outputs)) <= rate(gpu, size) * (1 + 1e-6)


@given(sizes, tpots)
def test_a_faster_gpu_of_a_kind_is_never_slower(size: tuple[int, int], tpot: float) -> None:
    ladder = ("A100-40GB", "A100-80GB", "H100", "H200", "B200")
    served = [rate(gpu, size, tpot=tpot, ttft=1e6) for gpu in ladder]
    assert served == sorted(served)


def test_a_model_that_does_not_fit_says_so() -> None:
    answer = modelled(GPUS["L4"], 1, MODELS["llama-3.1-70b"], (500, 100), Slo(60, 2000, 0.8))
    assert (answer.requests_per_second, answer.origin) == (0.0, "does not fit in memory")


def test_an_slo_below_one_request_alone_says_so() -> None:
    """Reading 16 GB of weights takes an L4 67 ms."""
    answer = modelled(GPUS["L4"], 1, LLAMA, (500, 100), Slo(60, 2000, 0.8))
    assert (answer.requests_per_second, answer.origin) == (
        0.0,
        "SLO not met by a single request",
    )


def test_one_request_alone_decodes_as_fast_as_its_weights_can_be_read() -> None:
    """72 tokens/s for an 8B model on an A100-40GB; vLLM was seen at 75."""
    slo = Slo(1000 / 70, 2000, 0.8)
    assert modelled(GPUS["A100-40GB"], 1, LLAMA, (64, 256), slo).requests_per_second > 0
    slo = Slo(1000 / 80, 2000, 0.8)
    assert modelled(GPUS["A100-40GB"], 1, LLAMA, (64, 256), slo).requests_per_second == 0


@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-2-7b"])
def test_the_model_is_near_a_measured_engine(model: str) -> None:
    """Best measured rate per size within 120 ms: a coarse grid of concurrencies, so a wide band per size."""
    file = PROJECT / f"stacks/profiles/h200-vllm0.24.0-{model}.json"
    best: dict[tuple[int, int], float] = {}
    for row in json.loads(file.read_text())["rows"]:
        if row["tpot_ms_mean"] <= 120:
            size = row["input"], row["output"]
            best[size] = max(best.get(size, 0.0), row["req_per_s"])
    slo = Slo(120, 1e9, 1.0)
    ratios = sorted(
        modelled(GPUS["H200"], 1, MODELS[model], size, slo).requests_per_second / measured
        for size, measured in best.items()
    )
    assert 0.8 < ratios[len(ratios) // 2] < 1.05
    assert ratios[0] > 0.6
    assert ratios[-1] < 1.4


@given(gpus, st.integers(1, 16))
def test_a_replica_never_spans_more_gpus_than_a_node_has_nor_more_than_two_over_pcie(
    gpu: str, count: int
) -> None:
    offered = degrees(GPUS[gpu], count)
    assert offered[0] == 1
    assert max(offered) <= count
    assert GPUS[gpu].nvlink or max(offered) <= 2
