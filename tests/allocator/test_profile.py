"""Measured tables: used where they apply, never stretched beyond what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.errors import DataError
from allocator.plan import Bucket
from allocator.profile.hardware import MODELS
from allocator.profile.measured import Table, read_table, shapes
from allocator.profile.throughput import Slo
from tests.allocator.conftest import PROJECT

MEASURED = read_table(PROJECT / "stacks/profiles/h200-vllm0.24.0-llama-3.1-8b.json")
SLO = Slo(60.0, 2000.0, 0.8)


def table(folder: Path, *rows: tuple[int, int, int, float, float]) -> Table:
    """From (input, output, concurrency, requests/s, tpot_ms)."""
    names = ("input", "output", "concurrency", "req_per_s", "tpot_ms_mean")
    data: dict[str, Any] = {
        "gpu": "H200",
        "gpus_per_replica": 1,
        "model": "llama-3.1-8b",
        "measured_on": "2026-11-22",
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
    }
    (folder / "made.json").write_text(json.dumps(data))
    return read_table(folder / "made.json")


def test_at_a_measured_size_the_rate_is_the_measured_one(tmp_path: Path) -> None:
    made = table(tmp_path, (100, 50, 16, 10.0, 20.0), (100, 50, 64, 30.0, 50.0))
    assert made.rate(100, 50, SLO) == pytest.approx(30.0)


def test_between_two_concurrencies_the_rate_is_where_the_slo_is_met(tmp_path: Path) -> None:
    made = table(tmp_path, (100, 50, 16, 10.0, 20.0), (100, 50, 64, 30.0, 100.0))
    assert made.rate(100, 50, SLO) == pytest.approx(20.0)


def test_between_sizes_the_rate_is_between_those_around(tmp_path: Path) -> None:
    made = table(
        tmp_path,
        *((i, o, 16, r, 20.0) for i, o, r in ((100, 50, 40.0), (400, 50, 10.0))),
        *((i, o, 16, r, 20.0) for i, o, r in ((100, 200, 40.0), (400, 200, 10.0))),
    )
    assert made.rate(200, 100, SLO) == pytest.approx(20.0), "half way in the logarithm"


@pytest.mark.parametrize("size", [(99, 50), (401, 50), (100, 49), (100, 201)])
def test_outside_the_measured_sizes_there_is_no_rate(tmp_path: Path, size: tuple[int, int]) -> None:
    corners = [(i, o, 16, 10.0, 20.0) for i in (100, 400) for o in (50, 200)]
    assert table(tmp_path, *corners).rate(*size, SLO) is None


def test_a_size_with_an_unmeasured_neighbour_has_no_rate(tmp_path: Path) -> None:
    three = [(i, o, 16, 10.0, 20.0) for i, o in ((100, 50), (400, 50), (100, 200))]
    assert table(tmp_path, *three).rate(200, 100, SLO) is None


def test_below_the_lowest_concurrency_there_is_no_rate(tmp_path: Path) -> None:
    assert table(tmp_path, (100, 50, 16, 10.0, 90.0)).rate(100, 50, SLO) is None


@given(st.integers(100, 16000), st.integers(25, 1000), st.floats(10, 100), st.floats(1, 2))
def test_a_looser_slo_never_lowers_a_measured_rate(
    inputs: int, outputs: int, tpot: float, wider: float
) -> None:
    tight = MEASURED.rate(inputs, outputs, Slo(tpot, 2000, 0.8))
    loose = MEASURED.rate(inputs, outputs, Slo(tpot * wider, 2000, 0.8))
    assert tight is None or (loose is not None and loose >= tight * (1 - 1e-9))


def test_every_number_says_where_it_comes_from() -> None:
    traffic = (Bucket(1000, 250, None, None, 1.0), Bucket(20_000, 250, None, None, 1.0))
    made = shapes([("H200", 1), ("L40S", 1)], MODELS["llama-3.1-8b"], traffic, SLO, (MEASURED,))
    assert [(shape.key, shape.origins[0]) for shape in made] == [
        ("h200-tp1", "measured:h200-vllm0.24.0-llama-3.1-8b"),
        ("l40s-tp1", "model"),
    ]
    assert made[0].origins[1] == "model", "longer than anything measured"


def test_a_table_of_another_model_is_not_used() -> None:
    traffic = (Bucket(1000, 250, None, None, 1.0),)
    (made,) = shapes([("H200", 1)], MODELS["llama-2-7b"], traffic, SLO, (MEASURED,))
    assert made.origins == ("model",)


@given(st.floats(0.1, 1.0))
def test_head_room_scales_every_rate(headroom: float) -> None:
    traffic = (Bucket(1000, 250, None, None, 1.0),)
    wanted = [("H200", 1), ("A100-80GB", 2)]
    full = shapes(wanted, MODELS["llama-3.1-8b"], traffic, Slo(60, 2000, 1.0), (MEASURED,))
    part = shapes(wanted, MODELS["llama-3.1-8b"], traffic, Slo(60, 2000, headroom), (MEASURED,))
    for one, other in zip(part, full, strict=True):
        assert one.requests_per_second[0] == pytest.approx(
            headroom * other.requests_per_second[0], rel=1e-4
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"req_per_s": -1}, r"rows\.0\.req_per_s: should be greater than 0, is -1"),
        ({"output": 1}, r"rows\.0\.output: should be greater than 1, is 1"),
        ({"concurrency": None}, r"rows\.0: needs concurrency or request_rate"),
        ({"tpot_ms_mean": None}, r"rows\.0\.tpot_ms_mean: should be a valid number"),
    ],
)
def test_a_broken_row_is_told_by_its_number_and_field(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    row = {"input": 100, "output": 50, "concurrency": 4, "req_per_s": 1.0, "tpot_ms_mean": 9.0}
    head = {"gpu": "H200", "gpus_per_replica": 1, "model": "m", "measured_on": "2026-11-22"}
    (tmp_path / "made.json").write_text(json.dumps(head | {"rows": [row | change]}))
    with pytest.raises(DataError, match=rf"^profile made\.json: {said}"):
        read_table(tmp_path / "made.json")


def test_the_same_load_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"100/50 at concurrency 16 is there 2 times"):
        table(tmp_path, (100, 50, 16, 10.0, 20.0), (100, 50, 16, 11.0, 20.0))


@pytest.mark.parametrize("text", ["", "{}", '{"gpu": "H200", "rows": []}'])
def test_a_broken_table_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "made.json").write_text(text)
    with pytest.raises(DataError, match=r"^profile made\.json: ") as caught:
        read_table(tmp_path / "made.json")
    assert "\n" not in str(caught.value)
