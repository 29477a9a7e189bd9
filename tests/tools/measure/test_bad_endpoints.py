"""Endpoints that fail, hang, are slow, lie or answer nonsense, and options that make none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tools.measure.mock_server import Mock
from tests.tools.measure.runs import measured, refusal, rows


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
    longer = ("--grid", "100x2", "100x2000", "--concurrency", "1", "--cell-limit", "2.5")
    assert "no steady window in 2.5 s" in measured(mock, out, *longer)[1]


def test_a_window_that_is_not_steady_is_thrown_away(
    mock: Mock, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([False, True])
    monkeypatch.setattr("tools.measure.load.is_steady", lambda row: next(told))
    assert measured(mock, out)[0] == 0
    assert next(told, None) is None
    assert len(mock.asked) > 2 * 12


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


def test_an_endpoint_that_does_not_stream_is_refused(mock: Mock, out: Path) -> None:
    mock.tokens_per_event = 1000
    mock.first_event = False
    assert "the endpoint sent an answer in one piece" in refusal(mock, out)


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
