"""Throughput of every replica shape in every bucket, each number with its origin."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from allocator.plan import Bucket, Shape
from allocator.profile.capacity import TOO_LONG, Rate, Slo, sustained
from allocator.profile.costs import Replica, costs_of
from allocator.profile.fitted import UNFITTED, Fitted
from allocator.profile.headroom import headroom
from allocator.profile.measured import Table
from allocator.profile.steps import Size, stacked


def shapes(
    replicas: Iterable[Replica],
    buckets: tuple[Bucket, ...],
    slo: Slo,
    tables: tuple[Table, ...],
    fitted: Fitted = UNFITTED,
) -> tuple[Shape, ...]:
    """Throughput of each replica in every bucket, with origins, by key."""
    ordered = sorted(replicas, key=lambda r: (r.gpu.name, r.tensor_parallel))
    sizes = [(bucket.input_tokens, bucket.output_tokens) for bucket in buckets]
    made = []
    for replica, rates in zip(ordered, looked_up(ordered, sizes, slo, tables, fitted), strict=True):
        gpu, degree = replica.gpu.name, replica.tensor_parallel
        made.append(
            Shape(
                key=f"{gpu.lower()}-tp{degree}",
                gpu=gpu,
                tensor_parallel=degree,
                requests_per_second=tuple(
                    float(f"{rate.requests_per_second * slo.headroom:.6g}") for rate in rates
                ),
                origins=tuple(rate.origin for rate in rates),
            )
        )
    return tuple(made)


def looked_up(
    replicas: list[Replica],
    sizes: list[tuple[int, int]],
    slo: Slo,
    tables: tuple[Table, ...],
    fitted: Fitted = UNFITTED,
) -> list[list[Rate]]:
    """Per replica and (input, output) size the measured rate where a table covers it, else the model's.

    A promise to a percentile takes the same share of a measured mean rate as of the model's.
    """
    answers = []
    for replica, modelled in zip(
        replicas, modelled_rates(replicas, sizes, slo, fitted), strict=True
    ):
        newest = sorted(
            (table for table in tables if table.covers(replica)),
            key=lambda table: table.source.as_of, reverse=True,
        )  # fmt: skip
        answers.append(
            [_trusted(newest, size, slo, rate) for size, rate in zip(sizes, modelled, strict=True)]
        )
    return answers


def _trusted(tables: list[Table], size: tuple[int, int], slo: Slo, modelled: Rate) -> Rate:
    hopeless = slo.percentile is not None and not modelled.requests_per_second
    if modelled.origin == TOO_LONG or hopeless:
        return modelled
    for table in tables:
        known = table.rate(*size, slo)
        if known is not None:
            return Rate(known * modelled.share, f"measured:{table.source.name}")
    return modelled


def modelled_rates(
    replicas: list[Replica],
    sizes: list[tuple[int, int]],
    slo: Slo,
    fitted: Fitted = UNFITTED,
) -> list[list[Rate]]:
    """The performance model's rates within the SLO, its percentile included, before `slo.headroom`, all in one go."""
    if not replicas or not sizes:
        return [[] for _ in replicas]
    inputs, outputs = np.array(sizes, dtype=np.float64).T
    contexts = [[replica.model.context or np.inf] for replica in replicas]
    costs = stacked([costs_of(replica, fitted.coefficients) for replica in replicas])
    size = Size(inputs, outputs)
    found = sustained(costs, size, slo, np.array(contexts))
    shares = headroom(costs, size, slo, found.rates)
    return [
        [
            Rate(float(rate * share), fitted.origin, float(batch), str(words), float(share))
            if rate > 0
            else Rate(0.0, str(words))
            for rate, share, batch, words in zip(*row, strict=True)
        ]
        for row in zip(found.rates, shares, found.batches, found.words, strict=True)
    ]
