"""Head-room: the share of a mean rate at which the promises hold for a percentile of the requests, under Poisson arrivals.

A rate that keeps the promises on average leaves no room for chance: at times more requests are in flight, and each is
slower. With mu(n) the rate that a closed loop of n requests finishes (steps.closed_loop_rate), arrivals of rate L and s(n)
the seconds that a step is longer by one prompt, n are in flight with probability

    p(n) ~ product of (L / mu(k)) ^ (1 - L s(k)) over k = 1 ... n

Exponent 1 is the birth-death chain of a processor-sharing server whose speed depends on its load, which holds for any
distribution of lengths (F. P. Kelly, Reversibility and Stochastic Networks, 1979). The engine shares only the time that
prompts leave: these go first and hold up everything in flight, so that one arrival weighs 1 / (1 - L s) as much, and the
variance of n grows by that. An arrival sees p(n) and is one more. The rule: of p(n), no more than half of what may miss the
promise (_MISSES) is at an n whose time per token is beyond it. And

    TTFT  one step until it is scheduled + the step of its prompt + the wait for other prompts, those before it and those
          read in the same step: P(wait > t) = (1 - (1 - b)^2) exp(-2 t (1 - b) / s), b = L s (M/D/1 in heavy traffic,
          J. F. C. Kingman, 1961), a prompt's part of the decoding beside it counted to s
    E2E   TTFT + (O - 1) times the time per token

tests/allocator/profile/test_headroom.py holds it against a discrete-event simulation of the engine: promised 90 and 99 %,
ten kinds of load kept 94.0 to 100 % and 99.1 to 100 %. It covers Poisson arrivals of like requests and nothing else: bursts
beyond that and the error of the rates are what `Slo.headroom` is for.
"""

from __future__ import annotations

import numpy as np

from allocator.profile.capacity import Slo, meets
from allocator.profile.coefficients import MAX_BATCH, PROMPT_TOKENS
from allocator.profile.costs import Costs
from allocator.profile.steps import Numbers, Size, largest_batch, pace

_HALVINGS = 20
_MISSES = 0.5
"""Of those that the promise allows, what the rule plans for: simulated engines miss up to 1.6 times as many as p(n) says."""


def headroom(costs: Costs, size: Size, slo: Slo, means: Numbers) -> Numbers:
    """The share (0 to 1) of the rates `means` that keeps the promises for `slo.percentile` of the requests.

    `means`: what capacity.sustained answers. Shape as there; 1 where no percentile is asked for.
    """
    if slo.percentile is None:
        return np.ones_like(means)
    misses = _MISSES * (1 - slo.percentile / 100)
    loads = _Loads(costs, size, slo, misses)
    low, high = np.zeros_like(means), np.ones_like(means)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = loads.kept(middle * means) >= 1 - misses
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return low


class _Loads:
    """One to MAX_BATCH requests in flight along a first axis, and what each meets."""

    def __init__(self, costs: Costs, size: Size, slo: Slo, misses: float) -> None:
        fits = np.maximum(np.minimum(largest_batch(costs, size), MAX_BATCH), 1)
        count = np.arange(1.0, MAX_BATCH + 1).reshape(-1, *(1,) * np.ndim(fits))
        held = np.minimum(count, fits)
        met = pace(costs, size, (held - 1) / (size.outputs + 1))
        self.decode, self.tpot = met.decode.total, met.tpot_s
        self.prompt = (met.mixed.total - self.decode) / met.prompts
        self.served = held / (size.outputs * self.tpot + met.mixed.total)
        self.runs = count <= fits
        self.size, self.slo, self.misses = size, slo, misses

    def kept(self, rate: Numbers) -> Numbers:
        """The share of arrivals that find a number in flight with which the promises hold, themselves counted in."""
        prompt = self._prompt(rate)
        first = self._first(rate, prompt)
        whole = first + (self.size.outputs - 1) * self.tpot
        good = self.runs & meets((self.tpot * 1e3, first * 1e3, whole * 1e3), self.slo)
        room = np.maximum(1 - rate * prompt, 1e-3)
        growth = room * np.log(np.maximum(rate, 1e-9) / self.served)
        seen = np.concatenate([np.zeros_like(growth[:1]), np.cumsum(growth, axis=0)])
        shares = np.exp(seen - seen.max(axis=0))
        last = np.minimum(np.exp(growth[-1]), 1 - 1e-9)
        beyond = shares[-1] * last / (1 - last)
        return (shares[:-1] * good).sum(axis=0) / (shares.sum(axis=0) + beyond)

    def _prompt(self, rate: Numbers) -> Numbers:
        """Seconds of a prompt: no more than where the closed loop is as fast as the arrivals, since they share steps."""
        enough = self.served >= np.minimum(rate, self.served.max(axis=0))
        return np.minimum(
            self.prompt, np.take_along_axis(self.prompt, enough.argmax(axis=0)[None], axis=0)
        )

    def _first(self, rate: Numbers, prompt: Numbers) -> Numbers:
        """Seconds to the first token that all arrivals but `misses` stay below."""
        beside = self.decode * np.minimum(self.size.inputs / PROMPT_TOKENS, 1)
        busy = np.minimum(rate * (prompt + beside), 1 - 1e-3)
        late = (1 - (1 - busy) ** 2) / self.misses
        wait = (self.prompt + beside) / 2 / (1 - busy) * np.log(np.maximum(late, 1))
        return self.decode * (1 + 1 / (1 - busy)) + self.prompt + wait
