"""Head-room: what is promised to a percentile holds where requests arrive at random, and not far above that rate."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.profile.costs import costs_of
from allocator.profile.measured import read_table
from allocator.profile.shapes import looked_up
from allocator.profile.steps import Size
from tests.allocator.profile.builders import modelled, replica, row, slo, table_file
from tests.allocator.profile.engine import play

CASES: dict[str, tuple[str, str, tuple[int, int], dict[str, float], float]] = {
    "decoding": ("A100-80GB", "llama-3.1-8b", (200, 800), {"tpot_ms": 30}, 1.2),
    "a slow GPU": ("L4", "llama-3.1-8b", (250, 100), {"tpot_ms": 80}, 1.3),
    "little KV space": ("A10G", "llama-3.1-8b", (500, 250), {"tpot_ms": 60}, 1.3),
    "prompts and tokens": ("L40S", "llama-3.1-8b", (1000, 100), {"tpot_ms": 60}, 1.3),
    "short answers": ("H100", "llama-3.1-8b", (1000, 20), {"tpot_ms": 60}, 1.4),
    "long prompts": ("H200", "llama-3.1-8b", (8000, 250), {"tpot_ms": 60}, 1.4),
    "prompts that stall the rest": ("A100-80GB", "llama-3.1-8b", (16_000, 200), {"tpot_ms": 80, "ttft_ms": 6000}, 2.0),
    "TTFT": ("A10G", "llama-3.1-8b", (500, 100), {"tpot_ms": 90, "ttft_ms": 600}, 1.4),
    "E2E": ("H100", "qwen3-8b", (300, 300), {"e2e_ms": 6000}, 1.2),
    "experts": ("H100", "gpt-oss-20b", (1500, 400), {"tpot_ms": 30}, 1.4),
}  # fmt: skip
"""GPU, model, size, promises, and how many times the rate is too much for them."""
NOISE = {90: 1.0, 99: 0.5}
"""Of the simulation, percent of its requests: near the limit the load swings slowly. Means over many seeds hold."""


def share_kept(case: str, percentile: float, times: float) -> float:
    """Percent of the simulated requests that kept to the promise kept worst, at so many times the promised rate."""
    gpu, model, size, promises, _ = CASES[case]
    on = replica(gpu, model=model)
    rate = modelled(on, size, percentile=percentile, **promises).requests_per_second
    assert rate > 0
    met = play(costs_of(on), Size(*map(float, size)), times * rate, requests=8000, seed=1)
    bounds = {"ttft_ms": 2000.0, "tpot_ms": 60.0} | promises
    return min(100 * float((met[name] <= bound).mean()) for name, bound in bounds.items())


@pytest.mark.parametrize("percentile", [90, 99])
@pytest.mark.parametrize("case", CASES)
def test_at_the_promised_rate_the_percentile_holds(case: str, percentile: int) -> None:
    assert share_kept(case, percentile, 1.0) >= percentile - NOISE[percentile]


@pytest.mark.parametrize("percentile", [90, 99])
@pytest.mark.parametrize("case", CASES)
def test_well_above_it_the_percentile_does_not_hold(case: str, percentile: int) -> None:
    assert share_kept(case, percentile, CASES[case][-1]) < percentile - NOISE[percentile]


def test_promises_on_means_take_the_whole_rate() -> None:
    assert modelled(replica(), (1000, 100)).share == 1.0


def test_a_measured_mean_rate_takes_the_same_head_room_as_the_model_s(tmp_path: Path) -> None:
    table = read_table(table_file(tmp_path, row(req_per_s=10.0)))
    asked = slo(percentile=99)
    [[rate]] = looked_up([replica()], [(100, 50)], asked, (table,))
    share = modelled(replica(), (100, 50), percentile=99).share
    assert rate.origin.startswith("measured:")
    assert 0.5 < share < 1
    assert rate.requests_per_second == pytest.approx(10.0 * share)
