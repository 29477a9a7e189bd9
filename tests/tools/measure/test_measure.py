"""Measuring an endpoint whose rate is known, and endpoints that fail, hang, lie or answer nonsense."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from tests.tools.measure.mock_server import Mock, serving
from tools.measure.__main__ import main
from tools.stack import ROOT

SIZE = "100x20"


@pytest.fixture
def mock() -> Iterator[Mock]:
    with serving(Mock()) as served:
        yield served


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "table.json"


def options(mock: Mock, out: Path, *more: str) -> list[str]:
    """A short measurement; options in `more` win."""
    return [
        "--endpoint", mock.url, "--model", "tiny", "--gpu", "H200", "--engine", "mock 1", "--out", str(out),
        "--grid", SIZE, "--concurrency", "2", "--window", "0.3", *more,
    ]  # fmt: skip


def measured(mock: Mock, out: Path, *more: str) -> tuple[int, str]:
    """Exit status and standard error of a run that may fail."""
    with redirect_stderr(io.StringIO()) as said:
        status = main(options(mock, out, *more))
    return status, said.getvalue()


def refusal(mock: Mock, out: Path, *more: str) -> str:
    """The one line of error that a run ends with."""
    status, said = measured(mock, out, *more)
    assert status == 1, said
    last = said.splitlines()[-1]
    assert last.startswith("error: ")
    return last.removeprefix("error: ")


def rows(out: Path) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(out.read_text())["rows"]
    return made


def test_rates_are_those_of_the_endpoint_within_5_percent(mock: Mock, out: Path) -> None:
    mock.running, mock.step_s = 6, 0.015
    status, said = measured(
        mock, out, "--grid", "50x20", "400x40", "--concurrency", "12", "--window", "2"
    )
    assert status == 0, said
    for row, outputs in zip(rows(out), (20, 40), strict=True):
        assert row["req_per_s"] == pytest.approx(6 / (outputs * 0.015), rel=0.05)
        assert row["output_tok_per_s"] == pytest.approx(6 / 0.015, rel=0.05)
        assert row["tpot_ms_mean"] == pytest.approx(15, rel=0.05)
        assert (row["finished"], row["failed"]) >= (12, 0)


def test_several_tokens_in_one_event_are_counted_each(mock: Mock, out: Path) -> None:
    mock.step_s, mock.tokens_per_event = 0.01, 5
    status, said = measured(mock, out, "--grid", "50x50", "--concurrency", "8", "--window", "2")
    assert status == 0, said
    (row,) = rows(out)
    assert row["req_per_s"] == pytest.approx(8, rel=0.05)
    assert row["tpot_ms_mean"] == pytest.approx(10, rel=0.05)


def test_the_table_says_what_was_measured(mock: Mock, out: Path, tmp_path: Path) -> None:
    config = {"hidden_size": 64, "num_hidden_layers": 2, "model_type": "llama"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    status, said = measured(
        mock, out, "--gpus-per-replica", "2", "--model-config", str(tmp_path / "config.json"),
        "--about", "quantization=fp8", "--about", 'engine_defaults={"max_num_seqs": 512}',
    )  # fmt: skip
    assert status == 0, said
    table = json.loads(out.read_text())
    said_of_it = ("gpu", "gpus_per_replica", "model", "engine", "quantization")
    assert [table[key] for key in said_of_it] == ["H200", 2, "tiny", "mock 1", "fp8"]
    assert table["engine_defaults"] == {"max_num_seqs": 512}
    assert table["model_config"] == config
    assert table["model_shape"] == {"hidden_size": 64, "num_hidden_layers": 2}
    assert {(row["input"], row["output"], row["concurrency"]) for row in rows(out)} == {
        (100, 20, 2)
    }
    assert set(table["units"]) <= {*rows(out)[0], "tpot_ms", "ttft_ms"}


def test_prompts_have_exactly_the_wanted_tokens_and_no_two_are_alike(mock: Mock, out: Path) -> None:
    assert measured(mock, out)[0] == 0
    prompts = [tuple(body["prompt"]) for body in mock.asked]
    assert {len(prompt) for prompt in prompts[2:]} == {100}
    assert len(set(prompts)) == len(prompts) > 10
    assert {body["model"] for body in mock.asked} == {"served"}
    assert all(body["ignore_eos"] for body in mock.asked)


def test_an_endpoint_that_takes_no_token_ids_is_asked_with_words(mock: Mock, out: Path) -> None:
    mock.ids = False
    status, said = measured(mock, out)
    assert status == 0, said
    assert "asking with text" in said
    words = {len(body["prompt"].split()) for body in mock.asked[4:]}
    assert words == {46}  # 7 tokens of template, 2 a word


def test_the_key_comes_from_the_environment(
    mock: Mock, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mock.key = "s3cret"
    assert "HTTP 401: wrong key" in refusal(mock, out)
    monkeypatch.setenv("MY_KEY", "s3cret")
    assert measured(mock, out, "--api-key-env", "MY_KEY")[0] == 0
    assert "s3cret" not in out.read_text()
    assert "no such variable" in refusal(mock, out, "--api-key-env", "OTHER")


def test_a_killed_run_goes_on_without_losing_or_repeating_cells(mock: Mock, out: Path) -> None:
    more = ("--concurrency", "1,2,3,4")
    journal = out.with_name("table.journal.jsonl")
    words = [sys.executable, "-m", "allocator", "profile", "measure", *options(mock, out, *more)]
    run = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert run.stderr
    for line in run.stderr:
        if line.startswith(f"{SIZE} at 2"):
            break
    run.kill()
    run.communicate()
    before = journal.read_bytes()
    journal.write_bytes(before + b'{"row": {"input": 1')  # killed in the middle of a line
    noted = [json.loads(line)["row"] for line in before.splitlines()[1:]]
    assert [row["concurrency"] for row in noted][:2] == [1, 2]

    status, said = measured(mock, out, *more)
    assert status == 0, said
    assert journal.read_bytes().startswith(before)
    assert [row["concurrency"] for row in rows(out)] == [1, 2, 3, 4]
    assert rows(out)[: len(noted)] == noted

    asked = len(mock.asked)
    assert measured(mock, out, *more)[0] == 0
    assert len(mock.asked) == asked


def test_a_journal_of_other_settings_is_not_mixed_in(mock: Mock, out: Path) -> None:
    assert measured(mock, out)[0] == 0
    said = refusal(mock, out, "--gpu", "L4")
    assert said.startswith("journal table.journal.jsonl was begun with gpu 'H200', not 'L4'")
    out.with_name("table.journal.jsonl").write_text("{}\n")
    assert "journal table.journal.jsonl, line 1: not of this program" in refusal(mock, out)


def test_an_endpoint_that_hangs_ends_with_an_error_that_names_the_cell(
    mock: Mock, out: Path
) -> None:
    assert measured(mock, out)[0] == 0
    mock.hung_from = len(mock.asked) + 10
    said = refusal(mock, out, "--stall", "1", "--concurrency", "2,4")
    assert said.startswith("cell 100x20 at 4: no token came for 1 s, the endpoint hangs")
    assert [row["concurrency"] for row in rows(out)] == [2]


def test_an_endpoint_that_hangs_from_the_start_is_told_with_the_cell(mock: Mock, out: Path) -> None:
    mock.hung_from = 0
    said = refusal(mock, out, "--stall", "0.5")
    assert said.endswith("the endpoint fell silent, before cell 100x20 at 2")


def test_single_failures_are_counted_and_survived(mock: Mock, out: Path) -> None:
    mock.refuse = lambda number, body: (503, "overloaded") if number % 15 == 0 else None
    assert measured(mock, out)[0] == 0
    assert rows(out)[0]["failed"] >= 1


def test_an_endpoint_that_keeps_failing_ends_the_run_with_its_words(mock: Mock, out: Path) -> None:
    mock.refuse = lambda number, body: (503, "over\nloaded") if number > 8 else None
    said = refusal(mock, out, "--concurrency", "8")
    assert said.startswith("cell 100x20 at 8: ")
    assert "the last failure: HTTP 503: over loaded" in said
    assert not out.exists()


def test_a_cell_that_the_endpoint_refuses_is_left_out_with_its_reason(
    mock: Mock, out: Path
) -> None:
    mock.refuse = lambda number, body: (
        (400, "context too long") if len(body["prompt"]) > 500 else None
    )
    assert measured(mock, out, "--grid", "100,600x20")[0] == 0
    assert [row["input"] for row in rows(out)] == [100]
    (missing,) = json.loads(out.read_text())["not_measured"]
    assert (missing["input"], missing["why"]) == (600, "refused with HTTP 400: context too long")
    assert measured(mock, out, "--grid", "100,600x20")[1] == ""


def test_a_cell_too_slow_for_its_limit_is_left_out(mock: Mock, out: Path) -> None:
    status, said = measured(
        mock, out, "--grid", "100x2", "100x2000", "--cell-limit", "2", "--concurrency", "1"
    )
    assert status == 0
    assert "100x2000 at 1: not measured: no steady window in 2 s, 0 requests finished" in said


def test_a_window_that_is_not_steady_is_thrown_away(
    mock: Mock, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([False, True])
    monkeypatch.setattr("tools.measure.load.is_steady", lambda row: next(told))
    assert measured(mock, out)[0] == 0
    assert next(told, None) is None
    assert len(mock.asked) > 2 * 12
    assert rows(out)[0]["req_per_s"] == pytest.approx(20, rel=0.2)


def test_the_whole_run_ends_in_time_and_says_how_to_go_on(mock: Mock, out: Path) -> None:
    more = ("--grid", "100x2", "100x2000", "--concurrency", "1")
    said = refusal(mock, out, *more, "--max-minutes", "0.05")
    assert (
        said == "--max-minutes are over at cell 100x2000 at 1; the same command goes on from there"
    )
    (missing,) = json.loads(out.read_text())["not_measured"]
    assert (missing["output"], missing["why"]) == (2000, "not reached")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("{", "malformed event in the stream: {"),
        ("[]", "malformed event in the stream: []"),
        ('{"choices": [{"delta": 3}]}', "malformed event in the stream"),
        ('{"usage": {"prompt_tokens": "many"}}', "malformed event in the stream"),
        ('{"error": {"message": "out of memory"}}', "out of memory"),
        ("x" * 2_000_000, "an event of more than 1 MiB"),
    ],
)
def test_nonsense_in_the_stream_is_told_in_one_line(
    mock: Mock, out: Path, event: str, said: str
) -> None:
    mock.extra_event = event
    assert said in refusal(mock, out)


def test_an_endpoint_without_counts_is_refused(mock: Mock, out: Path) -> None:
    mock.usage = False
    assert "the stream ended without counts of tokens (usage)" in refusal(mock, out)


def test_an_endpoint_that_counts_a_token_more_than_the_ids_is_asked_with_words(
    mock: Mock, out: Path
) -> None:
    mock.counts_off = 1
    status, said = measured(mock, out)
    assert status == 0
    assert "asking with text" in said


def test_an_endpoint_that_ends_answers_early_is_refused(mock: Mock, out: Path) -> None:
    mock.longest = 3
    said = refusal(mock, out)
    assert "counted 3 tokens of answer where 32 were asked for" in said
    assert "it needs stream_options and ignore_eos or min_tokens" in said
    mock.obeys_min_tokens = True
    assert measured(mock, out)[0] == 0


def test_no_endpoint_is_one_line(mock: Mock, out: Path) -> None:
    assert "Cannot connect" in refusal(mock, out, "--endpoint", "http://127.0.0.1:9/v1")
    assert "should be like http://" in refusal(mock, out, "--endpoint", "localhost:8000")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--grid", "100", "write input x output tokens"),
        ("--grid", "100x1", "--grid 1: should be whole numbers of at least 2"),
        ("--concurrency", "4,", "--concurrency 4,: should be whole numbers of at least 1"),
        ("--model-config", "nowhere.json", "No such file or directory"),
        ("--about", "gpu=L4", "--about gpu: has an option of its own"),
    ],
)
def test_options_that_make_no_sense_are_one_line(
    mock: Mock, out: Path, option: str, value: str, said: str
) -> None:
    assert said in refusal(mock, out, option, value)
