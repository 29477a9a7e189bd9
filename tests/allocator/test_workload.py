"""Buckets: no traffic lost, tokens kept, and every request finds one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.errors import DataError
from allocator.workload import Histogram, buckets, read_histogram
from tests.allocator.conftest import PROJECT

SHIPPED = sorted((PROJECT / "stacks/workloads").glob("*.json"))


def histogram(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": "made",
        "input_upper": [100, 1000, None],
        "output_upper": [50, None],
        "counts": [[1, 2], [3, 4], [5, 6]],
        "input_tokens": {"max": 3000},
        "output_tokens": {"max": 400},
    }
    return made | changes


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_histogram_keeps_its_whole_rate_in_a_manageable_number_of_buckets(
    file: Path,
) -> None:
    made = buckets(read_histogram(file)[0], 64.0)
    assert sum(bucket.requests_per_second for bucket in made) == pytest.approx(64.0, abs=1e-6)
    assert 10 <= len(made) <= 60


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_bucket_s_size_lies_within_its_bounds(file: Path) -> None:
    for bucket in buckets(read_histogram(file)[0], 1.0):
        assert 1 <= bucket.input_tokens <= (bucket.input_upper or 10**6)
        assert 2 <= bucket.output_tokens <= (bucket.output_upper or 10**6)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_mean_sizes_stay_near_the_trace_s_own(file: Path) -> None:
    made, trace = buckets(read_histogram(file)[0], 1.0), json.loads(file.read_text())
    for side in ("input_tokens", "output_tokens"):
        mean = sum(getattr(bucket, side) * bucket.requests_per_second for bucket in made)
        assert mean == pytest.approx(trace[side]["mean"], rel=0.25), side


@given(
    st.lists(st.lists(st.integers(0, 1000), min_size=2, max_size=2), min_size=3, max_size=3).filter(
        lambda counts: any(map(sum, counts))
    ),
    st.floats(0.1, 1000.0),
)
def test_traffic_and_tokens_are_conserved(counts: list[list[int]], rate: float) -> None:
    made = buckets(Histogram.model_validate(histogram(counts=counts)), rate)
    assert sum(b.requests_per_second for b in made) == pytest.approx(rate, rel=1e-6)
    middles = (50.0, 550.0, 2000.0)
    tokens = sum(m * n for m, row in zip(middles, counts, strict=True) for n in row)
    expected = rate * tokens / sum(map(sum, counts))
    assert sum(b.requests_per_second * b.input_tokens for b in made) == pytest.approx(
        expected, rel=0.02
    )


def test_a_rare_size_keeps_a_rate_above_nothing() -> None:
    rare = Histogram.model_validate(histogram(counts=[[10**15, 1], [0, 0], [0, 0]]))
    assert all(bucket.requests_per_second > 0 for bucket in buckets(rare, 0.01))


def test_places_are_distinct_and_in_a_fixed_order() -> None:
    made = buckets(read_histogram(SHIPPED[0])[0], 1.0)
    places = [(bucket.input_upper or 10**9, bucket.output_upper or 10**9) for bucket in made]
    assert places == sorted(set(places))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"counts": [[1, 2]]}, "a row per input bin"),
        ({"counts": [[0, 0]] * 3}, "all zero"),
        ({"counts": [[-1, 2], [0, 0], [0, 0]]}, "greater than or equal to 0"),
        ({"input_upper": [100, 50, None]}, "must rise"),
        ({"input_upper": [None, 100, 1000]}, "must rise"),
        ({"input_tokens": {"max": 0}}, "input_tokens.max"),
        ({"input_tokens": {"max": 1e300}}, "input_tokens.max: should be less than .*, is 1e\\+300"),
        ({"output_tokens": {"max": float("inf")}}, "output_tokens.max: should be a finite number"),
        ({"counts": [[10**400, 2], [3, 4], [5, 6]]}, "counts.0.0: "),
    ],
)
def test_a_broken_histogram_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    file = tmp_path / "made.json"
    file.write_text(json.dumps(histogram(**changes)))
    with pytest.raises(DataError, match=said) as caught:
        read_histogram(file)
    assert str(caught.value).startswith("workload made.json:")
    assert "\n" not in str(caught.value)
