"""Rates from measured tables, and the choice between a measurement and the performance model.

Order of trust: the newest measured table that covers the request, else the model. Every number says which it is.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allocator.plan import Source, digest_of
from allocator.profile.capacity import Slo
from allocator.profile.costs import Replica
from allocator.profile.table import Measured, Row, read_measured

_Ladders = tuple[tuple[Row, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Measured throughput of one replica, per request size: ladders of load levels, lightest first."""

    source: Source
    gpu: str
    tensor_parallel: int
    model: str
    quantized: str
    kv_bytes: int
    cells: dict[tuple[int, int], _Ladders]

    def covers(self, replica: Replica) -> bool:
        """Whether it was measured on such a replica; 16-bit weights of either kind are alike."""
        return (self.gpu, self.tensor_parallel, self.model, self.quantized, self.kv_bytes) == (
            replica.gpu.name, replica.tensor_parallel, replica.model.name, _quantized(replica), replica.kv_bytes,
        )  # fmt: skip

    def rate(self, inputs: int, outputs: int, slo: Slo) -> float | None:
        """Requests per second that keep to the SLO on average.

        None outside the measured sizes, or where no cell near meets it.

        Geometric interpolation in the logarithms of both lengths, between the four cells around the size. Never
        beyond the shortest and longest lengths, nor above the heaviest load that was measured.
        """
        around_in = _around(sorted({i for i, _ in self.cells}), inputs)
        around_out = _around(sorted({o for _, o in self.cells}), outputs)
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
        return math.exp(total) if around_in and around_out else None


def read_table(file: Path) -> Table:
    """Read and check a table file. Raises DataError."""
    return table_of(read_measured(file))


def table_of(measured: Measured) -> Table:
    """A checked file's rows, by request size and load."""
    table = measured.file
    levels: dict[tuple[int, int], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(table.rows, key=lambda row: row.level):
        levels[row.input, row.output][row.level[2]].append(row)
    return Table(
        source=Source(measured.name, digest_of(table.model_dump(mode="json")), table.measured_on.isoformat()),
        gpu=table.gpu,
        tensor_parallel=table.gpus_per_replica,
        model=table.model,
        quantized=measured.precision.name if measured.precision.quantized else "",
        kv_bytes=measured.kv_bytes,
        cells={size: tuple(map(tuple, kinds.values())) for size, kinds in levels.items()},
    )  # fmt: skip


def _quantized(replica: Replica) -> str:
    return replica.precision.name if replica.precision.quantized else ""


def _around(edges: list[int], value: int) -> list[tuple[int, float]]:
    """The two measured lengths around a value with their weights in the logarithm; empty outside."""
    if not edges[0] <= value <= edges[-1]:
        return []
    right = bisect.bisect_left(edges, value)
    if edges[right] == value:
        return [(value, 1.0)]
    low, high = edges[right - 1], edges[right]
    share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return [(low, 1 - share), (high, share)]


def _best(ladders: _Ladders, slo: Slo) -> float | None:
    """The highest rate within the SLO; between a level that meets it and the next that does not, linear."""
    return max((rate for ladder in ladders for rate in _rates(ladder, slo)), default=None)


def _rates(ladder: tuple[Row, ...], slo: Slo) -> Iterator[float]:
    for before, row in zip((None, *ladder), ladder, strict=False):
        used = _used(row, slo)
        if all(value <= bound for value, bound in used):
            yield row.req_per_s
            continue
        if before:
            earlier = _used(before, slo)
            part = min(
                (bound - known) / (value - known)
                for (known, bound), (value, _) in zip(earlier, used, strict=True)
                if value > bound
            )
            yield before.req_per_s + part * (row.req_per_s - before.req_per_s)
        return


def _used(row: Row, slo: Slo) -> list[tuple[float, float]]:
    """What each promise was kept to on average (the median where there is no mean) and its bound.

    A latency that was not measured counts as 0. Measured percentiles are not used: those of a closed loop are not what
    a stream of Poisson arrivals meets.
    """
    first = row.ttft_ms_mean or row.ttft_ms_p50 or 0.0
    whole = row.e2e_ms_mean or row.e2e_ms_p50 or first + (row.output - 1) * row.tpot_ms_mean
    used = [(row.tpot_ms_mean, slo.tpot_ms), (first, slo.ttft_ms)]
    return used if slo.e2e_ms is None else [*used, (whole, slo.e2e_ms)]
