"""`python -m allocator profile`, as a person and as a program use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.__main__ import main
from allocator.profile.table import read_file
from tests.allocator.builders import project
from tests.allocator.profile.builders import SHIPPED, row, table_file
from tests.allocator.profile.test_importers import VLLM, files

H200 = str(SHIPPED / "h200-vllm0.24.0-llama-3.1-8b.json")


def test_show_prints_grid_limits_and_origins(capsys):
    assert (
        main(["profile", "show", "--model", "llama-3.1-8b", "--gpu", "H200", "--tpot-ms", "60"])
        == 0
    )
    printed = capsys.readouterr().out
    for words in ("8.0e9 parameters", "16.1 GB of weights", "requests/s of one replica within TPOT 60 ms, TTFT 2000 ms",
                  "measured:h200-vllm0.24.0-llama-3.1-8b", "origin of the rest: model", "TPOT: compute", "KV space",
                  "AIConfigurator"):  # fmt: skip
        assert words in printed


def test_show_says_why_nothing_is_served_and_what_one_request_alone_would_take(capsys):
    assert (
        main(["profile", "show", "--model", "llama-3.1-8b", "--gpu", "L4", "--tpot-ms", "60"]) == 0
    )
    printed = capsys.readouterr().out
    assert "none: one request alone exceeds tpot_ms" in printed
    assert "a request of 1,024/256 alone: TPOT 6" in printed


def test_show_for_machines_has_every_cell_with_its_origin(capsys):
    words = [
        "--gpu",
        "H100",
        "--tpot-ms",
        "50",
        "--precision",
        "fp8",
        "--kv-cache",
        "fp8",
        "--json",
    ]
    assert main(["profile", "show", "--model", "qwen3-32b", *words]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["precision"], shown["gpu"]) == ("fp8", "H100")
    assert {"input", "output", "requests_per_second", "origin", "batch", "limit", "share"} == set(
        shown["cells"][0]
    )
    assert all(cell["origin"] for cell in shown["cells"])


def test_check_prints_the_four_figures(capsys):
    assert main(["profile", "check", "--table", H200, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 117
    assert told["mape"] < 0.1
    assert 0.9 < told["median_ratio"] < 1.1
    assert told["max_ratio"] < 1.3


def test_fit_prints_the_error_before_and_after_and_plans_take_it_when_written(tmp_path, capsys):
    root = project(tmp_path)
    words = ["profile", "fit", "--table", H200, "--root", str(root)]
    assert main(words) == 0
    assert not (root / "stacks/coefficients.json").exists()
    assert main([*words, "--write"]) == 0
    printed = capsys.readouterr().out
    assert "before mean error" in printed
    assert "after  mean error" in printed
    told = json.loads((root / "stacks/coefficients.json").read_text())
    assert told["fitted_to"] == ["h200-vllm0.24.0-llama-3.1-8b"]
    assert (
        main(
            [
                "profile",
                "show",
                "--model",
                "qwen3-8b",
                "--gpu",
                "H100",
                "--tpot-ms",
                "60",
                "--root",
                str(root),
            ]
        )
        == 0
    )
    assert "model, fitted to h200-vllm0.24.0-llama-3.1-8b" in capsys.readouterr().out


def test_import_writes_a_table_that_check_reads(tmp_path: Path, capsys):
    out = tmp_path / "mine.json"
    words = [
        "--gpu",
        "A100-80GB",
        "--model",
        "llama-2-7b",
        "--engine",
        "vllm 0.24.0",
        "--out",
        str(out),
    ]
    assert main(["profile", "import", "vllm", *map(str, files(tmp_path, VLLM)), *words]) == 0
    assert read_file(out).engine == "vllm 0.24.0"
    assert main(["profile", "check", "--table", str(out)]) == 0
    assert "1 rows, requests/s at equal concurrency" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "--model", "llama", "--gpu", "L4", "--tpot-ms", "60"], "--model: unknown model 'llama'"),
        (["show", "--model", "no/config.json", "--gpu", "L4", "--tpot-ms", "60"], "No such file or directory"),
        (["show", "--model", "llama-2-7b", "--gpu", "L5", "--tpot-ms", "60"], "--gpu: unknown GPU 'L5'; did you mean"),
        (["show", "--model", "llama-2-7b", "--gpu", "L4", "--tpot-ms", "60", "--precision", "fp9"], "--precision: unknown precision"),
        (["check", "--table", "nowhere.json"], "profile nowhere.json: No such file or directory"),
        (["check", "--table", H200, "--model-config", "nowhere.json"], "model nowhere.json: No such file"),
        (["import", "vllm", "x.json", "--gpu", "L4", "--model", "m", "--out", "y.json"], "profile import x.json: No such"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(words, said, capsys):
    assert main(["profile", *words]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert said in told
    assert told.count("\n") == 1


def test_a_file_that_is_not_text_is_one_line(tmp_path: Path, capsys):
    file = table_file(tmp_path, row())
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["profile", "check", "--table", str(file)]) == 1
    assert capsys.readouterr().err.startswith("error: profile made.json: ")
