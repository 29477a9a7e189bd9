"""Measured tables: used where they apply, never stretched beyond what was measured."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.errors import DataError
from allocator.plan import Bucket
from allocator.profile.measured import Table, read_table
from allocator.profile.shapes import shapes
from tests.allocator.profile.builders import SHIPPED, replica, row, slo, table_file

MEASURED = read_table(SHIPPED / "h200-vllm0.24.0-llama-3.1-8b.json")
SLO = slo()
TRAFFIC = (Bucket(1000, 250, None, None, 1.0),)


def table(folder: Path, *rows: tuple[int, int, int, float, float], **head: Any) -> Table:
    """From (input, output, concurrency, requests/s, tpot_ms)."""
    names = ("input", "output", "concurrency", "req_per_s", "tpot_ms_mean")
    return read_table(
        table_file(folder, *(dict(zip(names, row, strict=True)) for row in rows), **head)
    )


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
    tight = MEASURED.rate(inputs, outputs, slo(tpot_ms=tpot))
    loose = MEASURED.rate(inputs, outputs, slo(tpot_ms=tpot * wider))
    assert tight is None or (loose is not None and loose >= tight * (1 - 1e-9))


def test_a_late_first_token_stops_the_rate_between_the_loads_too(tmp_path: Path) -> None:
    rows = [row(concurrency=c, req_per_s=r, ttft_ms_p50=t) for c, r, t in ((16, 10.0, 100.0), (64, 30.0, 500.0))]  # fmt: skip
    made = read_table(table_file(tmp_path, *rows))
    assert made.rate(100, 50, slo(ttft_ms=300)) == pytest.approx(20.0)
    assert made.rate(100, 50, slo(ttft_ms=50)) is None


def test_open_and_closed_loops_of_a_size_are_two_ladders(tmp_path: Path) -> None:
    closed = row(concurrency=64, req_per_s=30.0)
    opened = row(concurrency=None, request_rate=40.0, req_per_s=40.0, tpot_ms_mean=70.0)
    made = read_table(table_file(tmp_path, closed, opened))
    assert made.rate(100, 50, SLO) == pytest.approx(30.0)
    assert made.rate(100, 50, slo(tpot_ms=80)) == pytest.approx(40.0)


def test_every_number_says_where_it_comes_from() -> None:
    traffic = (*TRAFFIC, Bucket(20_000, 250, None, None, 1.0))
    made = shapes([replica("L40S"), replica("H200")], traffic, SLO, (MEASURED,))
    assert [(shape.key, shape.origins[0]) for shape in made] == [
        ("h200-tp1", "measured:h200-vllm0.24.0-llama-3.1-8b"),
        ("l40s-tp1", "model"),
    ]
    assert made[0].origins[1] == "model", "longer than anything measured"


@pytest.mark.parametrize(
    "other",
    [replica(model="mistral-7b"), replica(precision="fp8"), replica("H200", 2), replica("H100")],
)
def test_a_table_of_another_replica_is_not_used(other) -> None:
    (made,) = shapes([other], TRAFFIC, SLO, (MEASURED,))
    assert made.origins == ("model",)


def test_the_newest_table_wins(tmp_path: Path) -> None:
    own = [(i, o, 16, 1.5, 20.0) for i in (500, 2000) for o in (100, 500)]
    newer = table(tmp_path, *own, measured_on="2027-01-01")
    (made,) = shapes([replica()], TRAFFIC, SLO, (MEASURED, newer))
    assert (made.requests_per_second, made.origins) == ((1.2,), ("measured:made",))
    older = table(tmp_path, *own, measured_on="2025-01-01")
    (made,) = shapes([replica()], TRAFFIC, SLO, (older, MEASURED))
    assert made.origins == ("measured:h200-vllm0.24.0-llama-3.1-8b",)


def test_no_measurement_makes_a_model_take_more_than_its_context(tmp_path: Path) -> None:
    long = table(tmp_path, (8000, 100, 16, 3.0, 40.0), model="llama-2-7b")
    traffic = (Bucket(8000, 100, None, None, 1.0),)
    (made,) = shapes([replica(model="llama-2-7b")], traffic, SLO, (long,))
    assert (made.requests_per_second, made.origins) == (
        (0.0,),
        ("longer than the model's context",),
    )


@settings(deadline=None)
@given(st.floats(0.1, 1.0))
def test_head_room_scales_every_rate(headroom: float) -> None:
    wanted = [replica(), replica("A100-80GB", 2)]
    full = shapes(wanted, TRAFFIC, slo(headroom=1.0), (MEASURED,))
    part = shapes(wanted, TRAFFIC, slo(headroom=headroom), (MEASURED,))
    for one, other in zip(part, full, strict=True):
        scaled = headroom * other.requests_per_second[0]
        assert math.isclose(one.requests_per_second[0], scaled, rel_tol=1e-4)


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
    with pytest.raises(DataError, match=rf"^profile made\.json: {said}"):
        read_table(table_file(tmp_path, row(**change)))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"quantization": "fp7"}, "quantization: unknown precision 'fp7'; did you mean fp8"),
        ({"measured_on": "yesterday"}, "measured_on: should be a valid date"),
        ({"gpu": None}, "gpu: Field required"),
        (
            {"model_shape": {"hidden_size": 0}},
            r"model made\.json: model_config: hidden_size: should be",
        ),
    ],
)
def test_a_broken_head_is_told_by_its_field(
    tmp_path: Path, head: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_table(table_file(tmp_path, **head))
    assert "made.json" in str(caught.value)


def test_the_same_load_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"100/50 at concurrency 16 is there 2 times"):
        table(tmp_path, (100, 50, 16, 10.0, 20.0), (100, 50, 16, 11.0, 20.0))


@pytest.mark.parametrize("text", ["", "{}", '{"gpu": "H200", "rows": []}'])
def test_a_broken_table_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "made.json").write_text(text)
    with pytest.raises(DataError, match=r"^profile made\.json: ") as caught:
        read_table(tmp_path / "made.json")
    assert "\n" not in str(caught.value)
