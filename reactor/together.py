"""Runs that are asked for while another one is under way are one run: a storm of notices is looked at as a whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reactor.signals import Signal


@dataclass(slots=True)
class _Batch:
    """Signals for one run; `done` is what came of it."""

    signals: list[Signal] = field(default_factory=list)
    done: bool | None = None


class Together:
    """For a process that is called from several threads. `run`: one run for all these signals; whether it came to an end."""

    def __init__(self, run: Callable[[Sequence[Signal]], bool]) -> None:
        self._run = run
        self._turn, self._joining = threading.Lock(), threading.Lock()
        self._next = _Batch()

    def __call__(self, signals: Sequence[Signal]) -> bool:
        """Join the next run and wait for it; an exception of `run` is that of the caller whose turn it was."""
        with self._joining:
            batch = self._next
            batch.signals += signals
        with self._turn:
            if batch.done is None:
                with self._joining:
                    self._next = _Batch()
                batch.done = False
                batch.done = self._run(batch.signals)
        return batch.done
