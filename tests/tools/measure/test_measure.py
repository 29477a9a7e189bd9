"""Measuring an endpoint whose rate is known, to the end and in two goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.measure.mock_server import Mock
from tests.tools.measure.runs import SIZE, measured, options, refusal, rows
from tools.stack import ROOT


@pytest.mark.usefixtures("engine_time")
def test_rates_are_those_of_the_endpoint_within_5_percent(mock: Mock, out: Path) -> None:
    mock.running, mock.step_s = 6, 0.015
    status, said = measured(
        mock, out, "--grid", "50x20", "400x40", "--concurrency", "12", "--window", "1"
    )
    assert status == 0, said
    for row, outputs in zip(rows(out), (20, 40), strict=True):
        assert row["req_per_s"] == pytest.approx(6 / (outputs * 0.015), rel=0.05)
        assert row["output_tok_per_s"] == pytest.approx(6 / 0.015, rel=0.05)
        assert row["tpot_ms_mean"] == pytest.approx(15, rel=0.05)
        assert (row["finished"], row["failed"]) >= (12, 0)


@pytest.mark.usefixtures("engine_time")
def test_several_tokens_in_one_event_are_counted_each(mock: Mock, out: Path) -> None:
    mock.step_s, mock.tokens_per_event = 0.01, 5
    status, said = measured(mock, out, "--grid", "50x50", "--concurrency", "8", "--window", "1")
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
