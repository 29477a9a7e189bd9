"""Runs at the same moment become one, and nobody's signal is left out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from reactor.signals import Signal
from reactor.together import Together


def signal(number: int) -> Signal:
    return Signal("interrupt", "watcher", machine=f"m{number}")


def test_what_arrives_during_a_run_is_in_the_next_one_together() -> None:
    runs: list[list[str]] = []
    started, over = threading.Event(), threading.Event()

    def run(signals: Sequence[Signal]) -> bool:
        runs.append(sorted(each.machine for each in signals))
        started.set()
        over.wait(20)
        return True

    together = Together(run)
    with ThreadPoolExecutor(30) as pool:
        first = pool.submit(together, (signal(0),))
        started.wait(20)
        others = [pool.submit(together, (signal(number),)) for number in range(1, 21)]
        while len(together._next.signals) < 20:
            pass
        over.set()
        assert all(each.result(20) for each in (first, *others))
    assert runs == [["m0"], sorted(f"m{number}" for number in range(1, 21))]


def test_a_run_that_does_not_end_fails_for_all_who_joined_it() -> None:
    together = Together(lambda signals: False)
    assert not together((signal(1),))


def test_a_run_that_raises_is_no_success_and_the_next_one_works() -> None:
    answers = iter([ValueError("no"), None])

    def run(signals: Sequence[Signal]) -> bool:
        if error := next(answers):
            raise error
        return True

    together = Together(run)
    with pytest.raises(ValueError, match="no"):
        together((signal(1),))
    assert together((signal(2),))


def test_every_signal_is_run_once_whatever_the_order() -> None:
    seen: list[str] = []

    def run(signals: Sequence[Signal]) -> bool:
        seen.extend(each.machine for each in signals)
        return True

    together = Together(run)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: together((signal(number),)), range(500)))
    assert sorted(seen) == sorted(f"m{number}" for number in range(500))
