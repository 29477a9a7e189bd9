"""Inputs of a replay beside the traces: demand over time, and prices from a market snapshot."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from allocator.errors import DataError
from allocator.replay.traces import TraceSet


def read_demand(file: Path) -> tuple[tuple[float, int], ...]:
    """Demand over time: lines of `seconds,replicas`, from then on; a first line of words is a heading.

    Raises DataError, in one line, where the file is something else.
    """
    try:
        rows = [
            row for row in csv.reader(file.read_text(encoding="utf-8").splitlines()) if any(row)
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"demand {file}: {reason}") from error
    if rows and len(rows[0]) == 2 and not _numeric(rows[0][0]):
        rows = rows[1:]
    if not rows:
        raise DataError(f"demand {file}: needs at least one line of seconds,replicas")
    changes = []
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not _numeric(row[0]) or not row[1].strip().isdecimal():
            raise DataError(
                f"demand {file}: row {number} must be seconds,replicas with a whole number of replicas, is {','.join(row)[:40]!r}"
            )
        changes.append((float(row[0]), int(row[1])))
    return tuple(sorted(changes))


def snapshot_prices(
    file: Path, traces: TraceSet, otherwise: float
) -> tuple[tuple[float, ...], list[str]]:
    """Spot prices per zone as shares of the cheapest on-demand price of the set's regions, and regions of unknown price.

    Where the snapshot does not sell the machine on spot, or nowhere on demand, the share is `otherwise`.
    """
    from allocator.snapshot import read_snapshot

    spot: dict[str, int] = {}
    on_demand: dict[str, int] = {}
    gpu, _, gpus = traces.traces[0].machine.upper().rpartition("_")
    regions = {trace.region for trace in traces.traces}
    for offering in read_snapshot(file).offerings:
        if (
            offering.region not in regions
            or offering.gpu.upper() != gpu
            or offering.gpus != int(gpus)
        ):
            continue
        for prices, price in (
            (spot, offering.spot_usd_micro),
            (on_demand, offering.on_demand_usd_micro),
        ):
            if price is not None:
                prices[offering.region] = min(price, prices.get(offering.region, price))
    whole = min(on_demand.values(), default=0)
    known = {region: price / whole for region, price in spot.items()} if whole else {}
    shares = tuple(known.get(trace.region, otherwise) for trace in traces.traces)
    return shares, sorted(regions - known.keys())


def _numeric(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
