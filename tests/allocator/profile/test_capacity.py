"""The performance model: monotone where physics is, honest about what it cannot say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.profile.hardware import GPUS, degrees
from allocator.profile.model_config import named_models
from allocator.profile.shapes import modelled_rates
from tests.allocator.profile.builders import modelled, replica, slo

some = settings(max_examples=30, deadline=None)
gpus = st.sampled_from(sorted(GPUS))
models = st.sampled_from(sorted(named_models()))
sizes = st.tuples(st.integers(16, 3000), st.integers(8, 1000))
promises = st.fixed_dictionaries(
    {"tpot_ms": st.floats(20, 200), "ttft_ms": st.floats(50, 3000)},
    optional={"percentile": st.sampled_from([50, 90, 99]), "e2e_ms": st.floats(1e3, 1e5)},
)


def rate(gpu: str, size: tuple[int, int], model: str = "llama-3.1-8b", **asked: float) -> float:
    return modelled(replica(gpu, model=model), size, **asked).requests_per_second


@some
@given(gpus, models, sizes, promises, st.sampled_from(["tpot_ms", "ttft_ms"]), st.floats(1, 3))
def test_a_looser_promise_never_lowers_the_rate(gpu, model, size, asked, loosened, wider):
    looser = asked | {loosened: asked[loosened] * wider}
    assert rate(gpu, size, model, **asked) <= rate(gpu, size, model, **looser) * (1 + 1e-6)


@some
@given(gpus, models, sizes, promises)
def test_a_promise_to_more_requests_never_raises_the_rate(gpu, model, size, asked):
    served = [rate(gpu, size, model, **asked | {"percentile": p}) for p in (50, 90, 99)]
    assert all(more <= fewer * 1.03 for fewer, more in pairwise(served)), served


@some
@given(gpus, models, sizes, promises, st.integers(1, 900), st.booleans())
def test_longer_requests_never_have_a_higher_rate(gpu, model, size, asked, more, longer_input):
    """With experts almost: what runs has read them already, so that a prompt beside it costs less."""
    slack = 0.15 if named_models()[model].experts else 0.05
    inputs, outputs = size
    longer = (inputs + more, outputs) if longer_input else (inputs, outputs + more)
    assert rate(gpu, longer, model, **asked) <= rate(gpu, size, model, **asked) * (1 + slack)


@some
@given(models, sizes, promises)
def test_a_faster_gpu_of_a_kind_is_never_slower(model, size, asked):
    """But for steps that wait for the host on either: the faster one finishes less beside a prompt."""
    ladder = ("A100-40GB", "A100-80GB", "H100", "H200", "B200")
    served = [rate(gpu, size, model, **asked) for gpu in ladder]
    assert all(b >= a * 0.9 for a, b in pairwise(served)), served


@some
@given(models, st.lists(sizes, min_size=2, max_size=4), promises)
def test_replicas_and_sizes_asked_together_answer_as_if_asked_alone(model, asked_sizes, asked):
    both = [replica("H200", model=model), replica("L40S", 2, model)]
    together = modelled_rates(both, asked_sizes, slo(**asked))
    assert together == [[modelled(one, size, **asked) for size in asked_sizes] for one in both]


@pytest.mark.parametrize(
    ("on", "size", "asked", "why"),
    [
        (replica("L4", model="llama-3.1-70b"), (500, 100), {}, "weights do not fit in memory"),
        (
            replica("L4"), (40_000, 100), {},
            "KV cache of one request does not fit beside the weights",
        ),
        (replica("L4"), (500, 100), {}, "one request alone exceeds tpot_ms"),
        (replica("H200"), (60_000, 100), {}, "one request alone exceeds ttft_ms"),
        (replica("H200"), (500, 500), {"e2e_ms": 500}, "one request alone exceeds e2e_ms"),
        (replica("H200", model="llama-2-7b"), (4000, 100), {}, "longer than the model's context"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_says_why(on, size, asked, why):
    answer = modelled(on, size, **asked)
    assert (answer.requests_per_second, answer.origin) == (0.0, why)


@pytest.mark.parametrize(
    ("on", "size", "asked", "limit"),
    [
        (replica("H200"), (128, 128), {}, "engine's batch limit"),
        (replica("H100"), (8000, 1000), {}, "KV space"),
        (replica("H200"), (2000, 32), {}, "TPOT: compute"),
        (replica("A10G"), (500, 256), {"tpot_ms": 45}, "TPOT: weight reads"),
        (replica("H200", model="llama-2-7b"), (3500, 500), {"tpot_ms": 25}, "TPOT: KV reads"),
        (replica("H200"), (32_000, 32), {}, "TTFT"),
        (replica("H200"), (1000, 500), {"e2e_ms": 5000}, "E2E"),
    ],
)
def test_what_limits_a_rate_is_told(on, size, asked, limit):
    assert modelled(on, size, **asked).limit == limit


def test_very_long_prompts_get_a_small_rate_where_a_request_alone_meets_the_promises():
    """Seconds of prompt would stall every running request; at a low rate hardly any other runs."""
    answer = modelled(replica("H100"), (60_000, 100), ttft_ms=10_000)
    assert 0 < answer.requests_per_second < 0.5


def test_one_request_alone_decodes_as_fast_as_its_weights_can_be_read():
    """72 tokens/s for an 8B model on an A100-40GB; vLLM was seen at 75."""
    assert rate("A100-40GB", (64, 256), tpot_ms=1000 / 70) > 0
    assert rate("A100-40GB", (64, 256), tpot_ms=1000 / 80) == 0


@pytest.mark.parametrize(("model", "seen"), [("llama-3.1-8b", 891_392), ("llama-2-7b", 228_480)])
def test_the_kv_cache_is_as_large_as_the_engine_said(model, seen):
    from allocator.profile.costs import costs_of

    costs = costs_of(replica("H200", model=model))
    assert costs.room_bytes / costs.token_bytes == pytest.approx(seen, rel=0.02)


def test_fewer_bytes_per_weight_and_fewer_active_parameters_are_faster():
    size = (500, 250)
    assert rate("H200", size, "mixtral-8x7b") > rate("H200", size, "llama-3.1-70b", tpot_ms=500)
    full, eight, four = (
        modelled(replica("H200", precision=name), size, tpot_ms=12).requests_per_second
        for name in ("bf16", "fp8", "int4")
    )
    assert full < four < eight
    assert modelled(replica("A10G", precision="int4"), size).requests_per_second > rate("A10G", size)  # fmt: skip


@given(gpus, st.integers(1, 16))
def test_a_replica_never_spans_more_gpus_than_a_node_has_nor_more_than_two_over_pcie(gpu, count):
    offered = degrees(GPUS[gpu], count)
    assert offered[0] == 1
    assert max(offered) <= count
    assert GPUS[gpu].nvlink or max(offered) <= 2
