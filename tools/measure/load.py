"""A closed loop on one cell: always as many requests in flight, until a steady window was seen.

The first request of the k-th of n slots asks for k/n of the output, so that requests do not start and end together.
Warm-up lasts until every slot is past its first request. The window then runs from one finished request to another,
long enough for as many to finish as are in flight; one that is not steady is thrown away and the next begins.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np

from tools.measure.cells import Cell
from tools.measure.endpoint import Answer, Endpoint
from tools.measure.errors import CellSkipped, MeasureError, RequestFailed, RequestRefused
from tools.measure.prompts import Prompts
from tools.measure.steady import Window, is_steady, row

ENOUGH_FINISHED = 12
FEWEST_FINISHED = 4
LONGEST_WINDOW = 3
"""Times the wanted window: for cells where requests finish rarely, the fewest are then enough."""
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: the steady window, a whole cell, and how long an endpoint may be silent."""

    window_s: float
    cell_s: float
    stall_s: float


async def measured(
    cell: Cell, endpoint: Endpoint, prompts: Prompts, limits: Limits
) -> dict[str, Any]:
    """Load the endpoint until a steady window was seen, and return its row.

    Raises CellSkipped if this cell cannot be measured, MeasureError if the endpoint fails or hangs.
    """
    loop = _Loop(cell, endpoint, prompts, limits)
    slots = [asyncio.create_task(loop.slot(k)) for k in range(cell.concurrency)]
    try:
        return await loop.watch()
    finally:
        for slot in slots:
            slot.cancel()
        await asyncio.gather(*slots, return_exceptions=True)


class _Loop:
    def __init__(self, cell: Cell, endpoint: Endpoint, prompts: Prompts, limits: Limits) -> None:
        self._cell, self._endpoint, self._prompts, self._limits = cell, endpoint, prompts, limits
        self._random = np.random.default_rng()
        self._began = perf_counter()
        self._running: dict[int, Answer] = {}
        self._answers: list[Answer] = []
        self._ended: list[float] = []
        self._failures: list[RequestFailed] = []
        self._broken: Exception | None = None
        self._warm: set[int] = set()
        self._steady_from: tuple[int, float] | None = None
        """How many had ended when the window began, and this process's CPU seconds then."""
        self._news = asyncio.Event()

    async def slot(self, k: int) -> None:
        """One request after the other; after a failure with a pause that doubles from 0.1 to 5 s."""
        outputs = max(2, round(self._cell.output * (k + 1) / self._cell.concurrency))
        pause = 0.1
        while self._broken is None:
            try:
                await self._request(k, outputs)
            except RequestFailed as error:
                self._failures.append(error)
                self._news.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
            except (RequestRefused, CellSkipped) as error:
                self._broken = error
                self._news.set()
            else:
                outputs, pause = self._cell.output, 0.1

    async def _request(self, k: int, outputs: int) -> None:
        body = self._prompts.request(self._cell.input, outputs, self._random)
        self._running[k] = answer = Answer()
        try:
            await self._endpoint.stream(self._prompts.path, body, answer)
        finally:
            del self._running[k]
        self._prompts.check(answer, self._cell.input, outputs)
        self._answers.append(answer)
        self._ended.append(perf_counter())
        self._warm.add(k)
        if self._steady_from is None and len(self._warm) == self._cell.concurrency:
            self._steady_from = (len(self._ended), process_time())
        self._news.set()

    async def watch(self) -> dict[str, Any]:
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._news.wait()
            except TimeoutError:
                self._check_silence()
            self._news.clear()
            if window := self._window():
                made = row(self._cell, window)
                if is_steady(made):
                    return made
                self._steady_from = (len(self._ended), process_time())
            self._check_bounds()

    def _window(self) -> Window | None:
        if self._steady_from is None:
            return None
        before, cpu_s = self._steady_from
        start, end = self._ended[before - 1], self._ended[-1]
        finished, length = len(self._ended) - before, end - start
        enough = max(ENOUGH_FINISHED, self._cell.concurrency)
        if not (
            (length >= self._limits.window_s and finished >= enough)
            or (length >= LONGEST_WINDOW * self._limits.window_s and finished >= FEWEST_FINISHED)
        ):
            return None
        share = (process_time() - cpu_s) / (perf_counter() - start)
        answers = (*self._answers, *self._running.values())
        return Window(start, end, answers, len(self._failures), share)

    def _check_silence(self) -> None:
        heard = [self._began, *self._ended[-1:]]
        heard += [answer.tokens_at[-1] for answer in self._running.values() if answer.tokens_at]
        if perf_counter() - max(heard) > self._limits.stall_s:
            raise MeasureError(
                f"cell {self._cell}: no token came for {self._limits.stall_s:g} s, the endpoint hangs; "
                "look at its log, or allow more with --stall"
            )

    def _check_bounds(self) -> None:
        if isinstance(self._broken, CellSkipped):
            raise self._broken
        if self._broken is not None:
            raise CellSkipped(f"refused with {self._broken}")
        most = max(20, 2 * self._cell.concurrency, len(self._ended) // 10)
        if len(self._failures) > most:
            raise MeasureError(
                f"cell {self._cell}: {len(self._failures)} requests failed and {len(self._ended)} finished, "
                f"the last failure: {self._failures[-1]}; the same command goes on from this cell"
            )
        if perf_counter() - self._began > self._limits.cell_s:
            raise CellSkipped(
                f"no steady window in {self._limits.cell_s:g} s, {len(self._ended)} requests finished; "
                "allow more with --cell-limit"
            )
