"""Other programs' measurements become tables that plans can use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allocator.errors import DataError
from allocator.profile.importers import Asked, table_from
from allocator.profile.measured import Table, read_table
from tests.allocator.profile.builders import slo

HEAD = {"gpu": "A100-80GB", "gpus_per_replica": 1, "model": "llama-2-7b"}
NOTHING = Asked("A100-80GB", [], [], None)
VLLM = {
    "date": "20261122-101500", "backend": "vllm", "model_id": "some/model", "num_prompts": 100, "request_rate": "inf",
    "burstiness": 1.0, "max_concurrency": 16, "duration": 10.0, "completed": 100, "total_input_tokens": 51_230,
    "total_output_tokens": 12_800, "request_throughput": 10.0, "output_throughput": 1280.0, "mean_ttft_ms": 50.0,
    "median_ttft_ms": 45.0, "p99_ttft_ms": 120.0, "mean_tpot_ms": 12.0, "median_tpot_ms": 11.9, "p99_tpot_ms": 13.0,
}  # fmt: skip
AIBRIX = {
    "gpu": "simulator-a100", "cost": 1.0, "indexes": [[4, 512], [128, 1024, 2048]], "created": 1748888478.25,
    "tputs": [[60.0, 8.5, 4.2], [3.8, 2.0, 0.0]], "slos": {"percentile": 99, "e2e": 5.0},
}  # fmt: skip
MELANGE = {
    "gpu_info": {"A100": {"cost": 3.67, "tputs": [[20.0, 5.0], [6.0, 0.0]]}},
    "workload_distribution": [[0.5, 0.5], [0.0, 0.0]], "total_request_rate": 8,
}  # fmt: skip


def files(folder: Path, *contents: Any) -> list[Path]:
    made = []
    for number, content in enumerate(contents):
        made.append(folder / f"result{number}.json")
        made[-1].write_text(json.dumps(content))
    return made


def imported(folder: Path, kind: str, *contents: Any, asked: Asked = NOTHING, **head: Any) -> Table:
    out = folder / "made.json"
    out.write_text(table_from(kind, files(folder, *contents), HEAD | head, asked))
    return read_table(out)


def test_results_of_vllm_become_rows_of_closed_and_open_loops(tmp_path: Path):
    opened = VLLM | {"request_rate": 20.0, "max_concurrency": None, "request_throughput": 19.5, "mean_tpot_ms": 30.0}  # fmt: skip
    made = imported(tmp_path, "vllm", VLLM, opened)
    (closed,), (loaded,) = made.cells[512, 128]
    assert (closed.concurrency, closed.tpot_ms_p99, closed.ttft_ms_p50) == (16, 13.0, 45.0)
    assert (loaded.concurrency, loaded.request_rate) == (None, 20.0)
    assert made.rate(512, 128, slo(tpot_ms=20)) == pytest.approx(10.0)
    assert made.rate(512, 128, slo(tpot_ms=40)) == pytest.approx(19.5)
    assert made.source.as_of == "2026-11-22"


def test_a_grid_of_melange_serves_under_its_promise_or_a_looser_one(tmp_path: Path):
    asked = Asked("A100", [100, 500], [25, 250], 40.0)
    made = imported(tmp_path, "melange", MELANGE, asked=asked, measured_on="2024-04-01")
    assert made.rate(100, 25, slo(tpot_ms=40)) == pytest.approx(20.0)
    assert made.rate(100, 250, slo(tpot_ms=120)) == pytest.approx(5.0)
    assert made.rate(500, 25, slo(tpot_ms=120)) == pytest.approx(6.0), "rows are inputs"
    assert made.rate(100, 25, slo(tpot_ms=30)) is None
    assert made.rate(500, 250, slo(tpot_ms=120)) is None, "0: no rate kept it"


def test_a_profile_of_aibrix_has_outputs_as_rows_and_its_promise_inside(tmp_path: Path):
    made = imported(tmp_path, "aibrix", AIBRIX)
    assert made.rate(128, 512, slo(tpot_ms=10)) == pytest.approx(3.8)
    assert made.rate(1024, 512, slo(tpot_ms=10)) == pytest.approx(2.0)
    assert made.rate(1024, 512, slo(tpot_ms=9)) is None, (
        "5 s for 512 tokens say no more than 9.8 ms"
    )
    assert made.source.as_of == "2025-06-02"


@pytest.mark.parametrize(
    ("kind", "content", "asked", "said"),
    [
        ("vllm", VLLM | {"completed": 0}, NOTHING, "completed: should be greater than 0, is 0"),
        ("vllm", [], NOTHING, "should be"),
        ("vllm", VLLM | {"total_output_tokens": 100}, NOTHING, r"rows\.0\.output: should be greater than 1"),
        ("vllm", VLLM | {"date": "today"}, NOTHING, "tells no day; give --measured-on"),
        ("vllm", VLLM | {"request_rate": "fast"}, NOTHING, "request_rate: should be"),
        ("melange", MELANGE, Asked("A10G", [100, 500], [25, 250], 40.0), "unknown GPU 'A10G'"),
        ("melange", MELANGE, Asked("A100", [100], [25, 250], 40.0), r"the grid is 2 x 2 .* given are 1 x 2"),
        ("melange", MELANGE, Asked("A100", [100, 500], [25, 250], None), "tells no promise; give --tpot-ms"),
        ("aibrix", AIBRIX | {"slos": {}}, NOTHING, "slos has neither tpot nor e2e"),
        ("aibrix", AIBRIX | {"indexes": [[4, 512], [128]]}, NOTHING, r"the grid is 3 x 2 .* given are 1 x 2"),
        ("aibrix", AIBRIX | {"tputs": [[1.0], [1.0, 2.0, 3.0]]}, NOTHING, "the grid is"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_told_in_one_line(tmp_path: Path, kind, content, asked, said):
    with pytest.raises(DataError, match=said) as caught:
        table_from(kind, files(tmp_path, content), HEAD, asked)
    assert "result0.json" in str(caught.value)
    assert "\n" not in str(caught.value)
