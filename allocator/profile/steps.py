"""The performance model: how long the steps of a continuous-batching engine take under a load.

A request of I input and O output tokens is one step that reads its prompt and O - 1 that decode; one more step passes
before an arrival is scheduled. With a prompts arriving per step, a (O - 1) requests decode. Of T tokens in a step:

    products   hypot(weights / bandwidth, flops(T) / peak), the experts' apart: E (1 - (1 - k/E)^T) of them are read
    attention  of each running request over its context, of each prompt over itself
    the rest   activations per token, a fixed time per step and layer, all-reduces
    floor      a step with a prompt leaves the full CUDA graph: it takes at least what the host needs to launch it, more
               where its tokens, which differ from step to step, exceed what pieces of a graph cover

Prompts arrive at random: a step has any with probability 1 - exp(-a). Where products fill the time, the
power limit lowers the clock. Long prompts are read in chunks; that moves their work between steps and is left out.

Every argument may be an array: replicas along one axis, request sizes along another (see `stacked`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allocator.profile.coefficients import GRAPH_TOKENS
from allocator.profile.costs import Costs

Numbers = Any  # float or NDArray[float64], broadcast together
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Size:
    """Input and output tokens of a request."""

    inputs: Numbers
    outputs: Numbers


class Step(NamedTuple):
    """Seconds of one step by what it waits for."""

    reads: Numbers
    compute: Numbers
    cache: Numbers
    rest: Numbers
    total: Numbers


class Pace(NamedTuple):
    """What a request meets: a step without a prompt, one with so many prompts, the mean time per output token."""

    decode: Step
    mixed: Step
    prompts: Numbers
    tpot_s: Numbers


def stacked(costs: list[Costs]) -> Costs:
    """Many replicas' costs as columns, to be met with sizes as rows."""
    columns = {
        field.name: np.array([[getattr(each, field.name)] for each in costs], dtype=np.float64)
        for field in fields(Costs)
    }
    return Costs(**columns)  # type: ignore[arg-type]


def pace(costs: Costs, size: Size, arrivals: Numbers) -> Pace:
    """The steps that a request meets where so many prompts of others arrive per step (a mean: any number from 0)."""
    running = 1 + arrivals * (size.outputs - 1)
    mixed_share = -np.expm1(-arrivals)
    prompts = np.where(mixed_share > 0, arrivals / np.where(mixed_share > 0, mixed_share, 1), 1.0)
    clock: Numbers = 1.0
    for _ in range(2):
        decode = step(costs, size, running, 0.0, clock)
        mixed = step(costs, size, running, prompts, clock)
        tpot = (1 - mixed_share) * decode.total + mixed_share * mixed.total
        products = (1 - mixed_share) * decode.compute + mixed_share * mixed.compute
        clock = 1 - costs.clock_fall * np.minimum(products * clock / tpot, 1)
    return Pace(decode, mixed, prompts, tpot)


def step(costs: Costs, size: Size, running: Numbers, prompts: Numbers, clock: Numbers) -> Step:
    """One step of so many running requests and whole prompts."""
    tokens = running + prompts * size.inputs
    share = costs.experts_per_token / np.maximum(costs.experts, 1)
    touched = costs.experts * (1 - (1 - share) ** tokens)
    rows = tokens * costs.experts_per_token + touched * costs.expert_tile_rows / 2
    dense = (tokens * costs.token_s + (running + prompts) * costs.answer_s) / clock
    experts = rows * costs.assignment_s / clock
    expert_reads = touched * costs.expert_read_s
    context = size.inputs + size.outputs / 2
    own = prompts * size.inputs / clock
    attention = own * (
        size.inputs * costs.prompt_s + np.minimum(size.inputs, costs.window) * costs.window_prompt_s
    )
    cache = running * (
        context * costs.kv_s + np.minimum(context, costs.window) * costs.window_kv_s + costs.tile_s
    )
    products = np.hypot(costs.read_s, dense) + np.hypot(expert_reads, experts)
    rest = tokens * costs.activation_s + costs.fixed_s
    total = products + attention + cache + rest
    eager = np.clip(tokens / GRAPH_TOKENS - 0.5, 0, 1)
    launches = costs.launch_s + eager * (costs.eager_launch_s - costs.launch_s)
    return Step(
        reads=costs.read_s + expert_reads,
        compute=dense + experts + attention,
        cache=cache,
        rest=rest,
        total=np.where(prompts > 0, np.maximum(total, launches), total),
    )


def closed_loop_rate(costs: Costs, size: Size, concurrency: Numbers) -> Numbers:
    """Requests per second with so many always in flight: one ends as the next comes. What the KV cache does not hold waits."""
    held = np.minimum(concurrency, largest_batch(costs, size))
    met = pace(costs, size, (held - 1) / (size.outputs + 1))
    return held / (size.outputs * met.tpot_s + met.mixed.total)


def largest_batch(costs: Costs, size: Size) -> Numbers:
    """Requests whose KV cache fits beside the weights, on average half way through; 0 where not even one does whole."""

    def cached(tokens: Numbers) -> Numbers:
        return tokens * costs.token_bytes + np.minimum(tokens, costs.window) * costs.window_bytes

    fits = costs.room_bytes >= cached(size.inputs + size.outputs)
    return np.where(fits, costs.room_bytes / cached(size.inputs + size.outputs / 2), 0.0)
