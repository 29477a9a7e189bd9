"""Sustainable requests per second of a replica that keeps its promises on average.

The load is a, the prompts that arrive per step; a request sees what an outsider sees, so that at a low rate it meets
hardly any others. The rate is the highest up to the largest a at which every promise holds (mostly that one's; steps that
outgrow the CUDA graphs can make more load serve less):

    rate  a / TPOT
    TPOT  mean time per step met (steps.pace)
    TTFT  one step until it is scheduled + the step of its prompt + waiting for the prompts of others (M/D/1)
    E2E   TTFT + (O - 1) TPOT

What of it holds for a percentile of the requests: headroom.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocator.profile.coefficients import MAX_BATCH
from allocator.profile.costs import Costs
from allocator.profile.steps import Numbers, Size, largest_batch, pace

_HALVINGS = 36
_LIGHTER = 2.0 ** -np.arange(0.125, 3, 0.125)
"""Loads that are looked at below the largest, as shares of it."""
_PARTS = ("weight reads", "compute", "KV reads", "host")
"""Of a step, in the order of steps.Step."""
TOO_LONG = "longer than the model's context"
_NEAR = 0.995
"""Of a promise's bound: it is what limits the rate."""


@dataclass(frozen=True, slots=True)
class Slo:
    """Promises in milliseconds, as means or, with `percentile`, for that share of requests; None: not promised.

    `headroom` scales every rate down, for what is not Poisson: bursts, and errors of the rates.
    """

    tpot_ms: float
    ttft_ms: float
    headroom: float
    e2e_ms: float | None = None
    percentile: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second of one replica, and where the number comes from; 0.0 with the reason where it cannot.

    `batch`: requests in flight at the rate that keeps the promises on average; `limit`: what stops it there. Both of
    the model alone. `share`: what of that rate is left for a percentile (headroom.py).
    """

    requests_per_second: float
    origin: str
    batch: float = 0.0
    limit: str = ""
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model says, as arrays of replicas x sizes: rate (0 where none), batch, and limit or reason."""

    rates: Numbers
    batches: Numbers
    words: Numbers


def sustained(
    costs: Costs, size: Size, slo: Slo, contexts: Numbers = np.inf, batch: Numbers = MAX_BATCH
) -> Answers:
    """The highest rates that keep to the SLO on average.

    `contexts`: the longest request that the model takes; `batch`: how many the engine runs at once.
    """
    fits = largest_batch(costs, size)
    low = np.zeros_like(fits)
    high = np.minimum(fits, batch) / (size.outputs + 1)
    low = np.where(meets(_promises(costs, size, high), slo), high, low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        kept = meets(_promises(costs, size, middle), slo)
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    alone = _bounded(_promises(costs, size, np.zeros_like(low)), slo)
    reasons = {
        TOO_LONG: size.inputs + size.outputs > contexts,
        "weights do not fit in memory": costs.room_bytes <= 0,
        "KV cache of one request does not fit beside the weights": fits < 1,
        **{f"one request alone exceeds {name}": value > bound for name, value, bound in alone},
    }
    masks = np.broadcast_arrays(*reasons.values())
    none = np.logical_or.reduce(masks)
    words = np.select(masks, list(reasons), _limits(costs, size, slo, low, fits))
    best = _most_served(costs, size, low)
    rates = np.where(none, 0.0, best / pace(costs, size, best).tpot_s)
    return Answers(rates, np.where(none, 0.0, best * (size.outputs + 1)), words)


def _most_served(costs: Costs, size: Size, arrivals: Numbers) -> Numbers:
    """Of loads up to `arrivals` the one that finishes most per second."""
    best, most = arrivals, arrivals / pace(costs, size, arrivals).tpot_s
    for share in _LIGHTER:
        rate = share * arrivals / pace(costs, size, share * arrivals).tpot_s
        best = np.where(rate > most, share * arrivals, best)
        most = np.maximum(rate, most)
    return best


def _promises(costs: Costs, size: Size, arrivals: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """TPOT, TTFT and E2E in milliseconds beside so many prompts per step."""
    met = pace(costs, size, arrivals)
    decode, tpot = met.decode.total, met.tpot_s
    one = (met.mixed.total - decode) / met.prompts
    busy = arrivals * one / tpot
    first = 2 * decode + one + one / 2 * busy / (1 - busy)
    return tpot * 1e3, first * 1e3, (first + (size.outputs - 1) * tpot) * 1e3


def _bounded(
    promises: tuple[Numbers, Numbers, Numbers], slo: Slo
) -> list[tuple[str, Numbers, float]]:
    bounds = {"tpot_ms": slo.tpot_ms, "ttft_ms": slo.ttft_ms, "e2e_ms": slo.e2e_ms}
    return [
        (name, value, bound)
        for (name, bound), value in zip(bounds.items(), promises, strict=True)
        if bound is not None
    ]


def meets(promises: tuple[Numbers, Numbers, Numbers], slo: Slo) -> Numbers:
    """Whether TPOT, TTFT and E2E (milliseconds) are within what is promised."""
    return np.logical_and.reduce([value <= bound for _, value, bound in _bounded(promises, slo)])


def _limits(costs: Costs, size: Size, slo: Slo, arrivals: Numbers, fits: Numbers) -> Numbers:
    """What stops the rate: a promise, with what a step mostly waits for where it is TPOT, or the room for requests."""
    met = pace(costs, size, arrivals)
    share = -np.expm1(-arrivals)
    parts = [
        (1 - share) * without + share * beside
        for without, beside in zip(met.decode[:4], met.mixed[:4], strict=True)
    ]
    largest = np.argmax(np.stack(np.broadcast_arrays(*parts)), axis=0)
    bounds = {
        name: value >= _NEAR * bound
        for name, value, bound in _bounded(_promises(costs, size, arrivals), slo)
    }
    tests = {
        "TTFT": bounds["ttft_ms"],
        "E2E": bounds.get("e2e_ms", False),
        **{f"TPOT: {part}": bounds["tpot_ms"] & (largest == n) for n, part in enumerate(_PARTS)},
        "KV space": fits < MAX_BATCH,
    }
    return np.select(np.broadcast_arrays(*tests.values()), list(tests), "engine's batch limit")
