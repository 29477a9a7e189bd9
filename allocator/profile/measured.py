"""Measured throughput tables, and the choice between a measurement and the performance model.

Order of trust: a measured table where it covers the bucket, else the model. Every number says which it is.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from allocator.plan import Bucket, Shape, Source, digest_of
from allocator.profile.hardware import GPUS, Model
from allocator.profile.table import Row, read_file
from allocator.profile.throughput import Rate, Slo, modelled


@dataclass(frozen=True, slots=True)
class Table:
    """Measured throughput of one replica of a shape for a model, per request size and concurrency."""

    source: Source
    gpu: str
    tensor_parallel: int
    model: str
    cells: dict[tuple[int, int], tuple[Row, ...]]

    def rate(self, inputs: int, outputs: int, slo: Slo) -> float | None:
        """Requests per second within the SLO; None outside the measured sizes, or where no cell near meets it.

        Geometric interpolation in the logarithms of both lengths, between the four cells around the size.
        """
        ins = sorted({i for i, _ in self.cells})
        outs = sorted({o for _, o in self.cells})
        around_in, around_out = _around(ins, inputs), _around(outs, outputs)
        if around_in is None or around_out is None:
            return None
        total = 0.0
        for i, in_weight in around_in:
            for o, out_weight in around_out:
                weight = in_weight * out_weight
                if weight == 0:
                    continue
                rate = _best(self.cells.get((i, o), ()), slo)
                if rate is None:
                    return None
                total += weight * math.log(rate)
        return math.exp(total)


def read_table(file: Path) -> Table:
    """Read and check a table file. Raises DataError."""
    data = read_file(file)
    cells: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in sorted(data.rows, key=lambda row: row.level):
        cells[row.input, row.output].append(row)
    source = Source(
        file.stem, digest_of(data.model_dump(mode="json")), data.measured_on.isoformat()
    )
    return Table(
        source, data.gpu, data.gpus_per_replica, data.model,
        {size: tuple(rows) for size, rows in cells.items()},
    )  # fmt: skip


def _around(edges: list[int], value: int) -> list[tuple[int, float]] | None:
    """The two measured lengths around a value with their weights in the logarithm; None outside."""
    if not edges[0] <= value <= edges[-1]:
        return None
    right = bisect.bisect_left(edges, value)
    if edges[right] == value:
        return [(value, 1.0)]
    low, high = edges[right - 1], edges[right]
    share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return [(low, 1 - share), (high, share)]


def _best(rows: tuple[Row, ...], slo: Slo) -> float | None:
    """The highest rate within the SLO, linear between the concurrency that meets it and the next that does not."""
    best: float | None = None
    for before, row in zip((None, *rows), rows, strict=False):
        if row.tpot_ms_mean <= slo.tpot_ms and (row.ttft_ms_p50 or 0) <= slo.ttft_ms:
            best = max(best or 0.0, row.req_per_s)
        elif before is not None and before.tpot_ms_mean <= slo.tpot_ms < row.tpot_ms_mean:
            step = (slo.tpot_ms - before.tpot_ms_mean) / (row.tpot_ms_mean - before.tpot_ms_mean)
            return max(best or 0.0, before.req_per_s + step * (row.req_per_s - before.req_per_s))
    return best


def shapes(
    wanted: list[tuple[str, int]],
    model: Model,
    buckets: tuple[Bucket, ...],
    slo: Slo,
    tables: tuple[Table, ...],
) -> tuple[Shape, ...]:
    """Throughput of each (GPU, tensor-parallel degree) in every bucket, with origins, by key."""
    made = []
    for gpu, degree in sorted(wanted):
        measured = [
            t for t in tables if (t.gpu, t.tensor_parallel, t.model) == (gpu, degree, model.name)
        ]
        look_up = _look_up(gpu, degree, model, slo, measured)
        rates = [look_up(bucket) for bucket in buckets]
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


def _look_up(
    gpu: str, degree: int, model: Model, slo: Slo, measured: list[Table]
) -> Callable[[Bucket], Rate]:
    def rate(bucket: Bucket) -> Rate:
        size = bucket.input_tokens, bucket.output_tokens
        for table in measured:
            known = table.rate(*size, slo)
            if known is not None:
                return Rate(known, f"measured:{table.source.name}")
        return modelled(GPUS[gpu], degree, model, size, slo)

    return rate
