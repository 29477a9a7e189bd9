"""A batching engine played step by step: Poisson arrivals, step times of the performance model, nothing of its formulas for loads."""

from __future__ import annotations

import random
from collections import deque
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from allocator.profile.coefficients import MAX_BATCH, PROMPT_TOKENS
from allocator.profile.costs import Costs
from allocator.profile.steps import Size, largest_batch, step

_SETTLING_S = 1.0
"""The power limit follows the last second or so."""


def play(
    costs: Costs, size: Size, rate: float, *, requests: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """What each request met, in milliseconds, from an empty engine on but for the first twentieth.

    Prompts go first, in the order of arrival, at most PROMPT_TOKENS of them in a step; a prompt that is read gives the
    first token at the end of its step. Requests beyond the batch limit or the KV cache wait.
    """
    chance = random.Random(seed)
    room = int(min(MAX_BATCH, largest_batch(costs, size)))
    waiting: deque[list[float]] = deque()
    ends: dict[int, list[tuple[float, float]]] = {}
    met: list[tuple[float, float, float]] = []
    now, arrival, steps, running, hot = 0.0, chance.expovariate(rate), 0, 0, 0.0

    @lru_cache(None)
    def lasts(running: int, prompts: float, clock: float) -> tuple[float, float]:
        took = step(costs, size, float(running), prompts, clock)
        return float(took.total), float(took.compute * clock)

    while len(met) < requests:
        if not waiting and not running:
            now = max(now, arrival)
        while arrival <= now:
            waiting.append([arrival, size.inputs])
            arrival += chance.expovariate(rate)
        read, budget = [], float(PROMPT_TOKENS)
        while waiting and budget and running + len(read) < room:
            part = min(waiting[0][1], budget)
            budget -= part
            waiting[0][1] -= part
            if not waiting[0][1]:
                read.append(waiting.popleft()[0])
        clock = round(1 - costs.clock_fall * min(hot, 1), 2)
        took, busy = lasts(running, round((PROMPT_TOKENS - budget) / size.inputs, 3), clock)
        now += took
        hot += (busy / took - hot) * min(took / _SETTLING_S, 1)
        steps += 1
        done = ends.pop(steps, [])
        met += [
            (first - came, (now - first) / (size.outputs - 1), now - came) for came, first in done
        ]
        if read:
            ends[steps + size.outputs - 1] = [(came, now) for came in read]
        running += len(read) - len(done)
    kept = 1e3 * np.array(met[requests // 20 :])
    return dict(zip(("ttft_ms", "tpot_ms", "e2e_ms"), kept.T, strict=True))
