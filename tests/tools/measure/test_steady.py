"""Rows from windows of known answers."""

from __future__ import annotations

import pytest

from tools.measure.cells import Cell
from tools.measure.endpoint import Answer
from tools.measure.steady import Window, is_steady, row

CELL = Cell(input=100, output=10, concurrency=5)
STEP = 0.1


def answer(sent: float, *, tokens: int = 10, finished: bool = True) -> Answer:
    """First token a step after sending, then one each step; it ends with its last token."""
    times = [sent + STEP * k for k in range(1, tokens + 1)]
    return Answer(sent, times, 100, 10 if finished else 0, times[-1] if finished else None)


def closed_loop(until: float) -> list[Answer]:
    """Five slots, one request a second each, half-way through when the others start."""
    return [
        answer(slot / 5 + round_)
        for round_ in range(10)
        for slot in range(5)
        if slot / 5 + round_ + 1 <= until
    ]


def window(start: float, end: float, answers: list[Answer]) -> Window:
    return Window(start, end, tuple(answers), 0, 0.1)


def test_rate_and_latencies_are_those_of_the_window_alone() -> None:
    made = row(CELL, window(2.001, 6.001, closed_loop(20)))
    assert made["req_per_s"] == pytest.approx(5)
    assert made["output_tok_per_s"] == pytest.approx(50)
    assert made["finished"] == 20
    for key in ("tpot_ms_mean", "tpot_ms_p99", "ttft_ms_mean", "ttft_ms_p50"):
        assert made[key] == pytest.approx(100)
    assert is_steady(made)


def test_answers_under_way_count_by_their_tokens() -> None:
    under_way = answer(5.001, tokens=6, finished=False)
    whole = window(0.0, 5.0, [answer(0.5), answer(2.5)])
    more = window(0.0, 6.0, [answer(0.5), answer(2.5), under_way])
    assert row(CELL, whole)["req_per_s"] == pytest.approx(2 / 5)
    assert row(CELL, more)["req_per_s"] == pytest.approx(2.6 / 6, abs=1e-4)


def test_a_window_that_ends_in_a_pause_is_not_steady() -> None:
    made = row(CELL, window(2.001, 10.0, closed_loop(6.001)))
    assert made["req_per_s"] == pytest.approx(2.5, rel=0.1)
    assert not is_steady(made)


def test_without_a_first_token_in_the_window_latency_is_not_told() -> None:
    made = row(Cell(100, 10, 1), window(0.35, 0.95, [answer(0.0)]))
    assert made["ttft_ms_mean"] is made["ttft_ms_p99"] is None
    assert made["tpot_ms_mean"] == pytest.approx(100)
    assert is_steady(made)
