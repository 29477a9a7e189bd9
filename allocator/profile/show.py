"""What a replica sustains over a grid of request sizes, with limits and origins, for a terminal or as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from allocator.profile.capacity import Rate, Slo
from allocator.profile.costs import Replica, costs_of
from allocator.profile.fitted import Fitted
from allocator.profile.measured import Table
from allocator.profile.shapes import looked_up, modelled_rates
from allocator.profile.steps import Size, pace

INPUTS = (128, 512, 1024, 2048, 4096, 8192, 16384, 32768)
OUTPUTS = (32, 128, 256, 512, 1024)
SIZES = [(i, o) for i in INPUTS for o in OUTPUTS]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rates of one replica for SIZES, before the SLO's `headroom`."""

    replica: Replica
    slo: Slo
    rates: list[Rate]
    fitted: Fitted


def grid(replica: Replica, slo: Slo, tables: tuple[Table, ...], fitted: Fitted) -> Grid:
    """Measured where a table covers the size, else modelled; batch and limit always by the model."""
    [rates] = looked_up([replica], SIZES, slo, tables, fitted)
    [modelled] = modelled_rates([replica], SIZES, slo, fitted)
    told = [
        Rate(rate.requests_per_second, rate.origin, model.batch, model.limit, model.share)
        for rate, model in zip(rates, modelled, strict=True)
    ]
    return Grid(replica, slo, told, fitted)


def to_dict(shown: Grid) -> dict[str, Any]:
    """The grid as data."""
    replica = shown.replica
    return {
        "model": replica.model.name,
        "gpu": replica.gpu.name,
        "gpus_per_replica": replica.tensor_parallel,
        "precision": replica.precision.name,
        "slo": asdict(shown.slo),
        "kv_tokens": _kv_tokens(replica),
        "cells": [
            {"input": i, "output": o, **asdict(rate)}
            for (i, o), rate in zip(SIZES, shown.rates, strict=True)
        ],
    }


def render(shown: Grid) -> str:
    """Head, grid of requests/s (a letter per limit, * where measured), legend, reasons, origins."""
    replica, slo = shown.replica, shown.slo
    model = replica.model
    promises = [f"TPOT {slo.tpot_ms:g} ms", f"TTFT {slo.ttft_ms:g} ms"]
    promises += [f"E2E {slo.e2e_ms:g} ms"] if slo.e2e_ms else []
    lines = [
        f"{model.name} in {replica.precision.name} on {replica.tensor_parallel} x {replica.gpu.name}: "
        f"{model.params / 1e9:.1f}e9 parameters, {model.active_params / 1e9:.1f}e9 active, "
        f"{model.weight_bytes(replica.precision) / 1e9:.1f} GB of weights, KV cache of {_kv_tokens(replica):,} tokens",
        f"requests/s of one replica within {', '.join(promises)} "
        + ("on average" if slo.percentile is None else f"at p{slo.percentile:g}"),
        "",
        "input \\ output" + "".join(f"{o:>12}" for o in OUTPUTS),
    ]
    letters: dict[str, str] = {}
    for i in INPUTS:
        row = [rate for (length, _), rate in zip(SIZES, shown.rates, strict=True) if length == i]
        lines.append(f"{i:>14}" + "".join(f"{_cell(rate, letters):>12}" for rate in row))
    lines += ["", *(f"{letter}  {words}" for words, letter in letters.items())]
    measured = sorted({r.origin for r in shown.rates if r.origin.startswith("measured:")})
    lines += [f"*  {origin}" for origin in measured]
    lines += [
        _alone(shown),
        f"origin of the rest: {shown.fitted.origin} (allocator/profile/steps.py)",
        f"{replica.gpu.name}: {replica.gpu.sources}",
    ]
    return "\n".join(lines)


def _alone(shown: Grid) -> str:
    """The fastest answer there is, whatever is promised."""
    met = pace(costs_of(shown.replica, shown.fitted.coefficients), Size(1024, 256), 0.0)
    first = met.decode.total + met.mixed.total
    return (
        f"a request of 1,024/256 alone: TPOT {1e3 * met.tpot_s:.3g} ms, TTFT {1e3 * first:.3g} ms"
    )


def _cell(rate: Rate, letters: dict[str, str]) -> str:
    measured = rate.origin.startswith("measured:")
    words = rate.limit or ("" if measured else f"none: {rate.origin}")
    letter = letters.setdefault(words, "abcdefghijklmnop"[len(letters)]) if words else ""
    number = f"{rate.requests_per_second:.3g}" if rate.requests_per_second else "-"
    return f"{number}{'*' if measured else ''} {letter}"


def _kv_tokens(replica: Replica) -> int:
    """Tokens that the KV cache holds of a long request."""
    costs = costs_of(replica)
    return max(int(costs.room_bytes / (costs.token_bytes or costs.window_bytes)), 0)
