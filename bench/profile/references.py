"""Ratios model / reference for what others published: estimates, simulations, plots, kernel times."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from allocator.profile.capacity import Slo, sustained
from allocator.profile.coefficients import DEFAULTS
from allocator.profile.costs import Costs, Replica, costs_of
from allocator.profile.hardware import GPUS
from allocator.profile.headroom import headroom
from allocator.profile.model_config import named_models
from allocator.profile.steps import Array, Size, closed_loop_rate
from bench.profile.tables import DATA

SYSTEMS = {
    "a100_sxm": "A100-80GB", "h100_sxm": "H100", "h200_sxm": "H200", "b200_sxm": "B200", "l40s": "L40S",
}  # fmt: skip
LENGTHS = (25, 100, 250, 500, 1000, 2000)
"""Of Mélange's grids, inputs and outputs."""
FREE = Slo(1e9, 1e9, 1.0)


def references() -> Iterator[tuple[str, Array]]:
    """(reference, ratios of requests/s or, for kernels, of their speed)."""
    yield from _aiconfigurator()
    for name, gpu, slo in (
        ("aibrix_sim_llama2_7b_a100_v1", "A100-80GB", FREE),
        ("aibrix_sim_llama2_7b_a40", "A40", FREE),
        ("aibrix_sim_llama2_7b_a100", "A100-80GB", Slo(1e9, 1e9, 1.0, e2e_ms=5000, percentile=99)),
    ):
        yield f"AIBrix simulator, {name}", _aibrix(name, gpu, slo)
    yield from _vidur()


def winners() -> Iterator[tuple[str, float, float]]:
    """Of each of Mélange's published grids: the share of cells whose better GPU the model names, and the typical factor
    by which its ratio of tokens per dollar is off."""
    for grid in _content("melange_blog_ratio_grids")["grids"]:
        prices = grid["prices"] if isinstance(grid["prices"], list) else [3.67, 7.516]
        model = named_models()["llama-2-70b" if "70b" in grid["model"] else "llama-2-7b"]
        inputs, outputs = (np.array(axis, dtype=np.float64) for axis in zip(*_cells(), strict=True))
        first, second = (
            np.asarray(sustained(_costs(grid[side], model), Size(inputs, outputs), FREE).rates)
            / price
            for side, price in zip(("first", "second"), prices, strict=True)
        )
        published = _published(
            np.array([grid["percent"][r][c] for r, c in np.ndindex(6, 6)], dtype=np.float64)
        )
        factor = np.abs(np.log(first / second / published))
        yield (
            f"{grid['first']} against {grid['second']}, {grid['model']}",
            float(((first > second) == (published > 1)).mean()),
            float(np.exp(np.median(factor))),
        )  # fmt: skip


def _cells() -> list[tuple[int, int]]:
    return [(i, o) for o in LENGTHS for i in LENGTHS]


def _published(percent: Array) -> Array:
    """First over second: positive percents favour the first, negative ones the second."""
    ratios: Array = np.where(percent >= 0, 1 + percent / 100, 1 / (1 - percent / 100))
    return ratios


def _costs(named: str, model: Any) -> Costs:
    """Of "2xH100" or "A10G"."""
    count, _, gpu = named.rpartition("x")
    return costs_of(Replica(GPUS[gpu], int(count or 1), model, model.precision))


def _aiconfigurator() -> Iterator[tuple[str, Array]]:
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in _content("aiconfigurator_0.12.0_vllm_agg")["rows"]:
        groups[row["model"], row["system"], row["tp"]].append(row)
    for (name, system, degree), rows in sorted(groups.items()):
        model = named_models()[name.removeprefix("Meta-").lower()]
        costs = costs_of(Replica(GPUS[SYSTEMS[system]], degree, model, model.precision))
        size = Size(_column(rows, "input"), _column(rows, "output"))
        rates = closed_loop_rate(costs, size, _column(rows, "batch"))
        yield f"AIConfigurator, {name}, {degree} x {SYSTEMS[system]}", np.asarray(rates) / _column(rows, "req_s")  # fmt: skip


def _aibrix(name: str, gpu: str, slo: Slo) -> Array:
    profile = _content(name)
    known = [
        (i, o, rate)
        for o, row in zip(profile["output_tokens"], profile["max_req_s"], strict=True)
        for i, rate in zip(profile["input_tokens"], row, strict=True)
        if rate > 0
    ]
    inputs, outputs, rates = (np.array(axis, dtype=np.float64) for axis in zip(*known, strict=True))
    model = named_models()["llama-2-7b"]
    costs, size = costs_of(Replica(GPUS[gpu], 1, model, model.precision)), Size(inputs, outputs)
    means = sustained(costs, size, slo).rates
    ratios: Array = means * headroom(costs, size, slo, means) / rates
    return ratios


def _vidur() -> Iterator[tuple[str, Array]]:
    """Speed of one layer's products by the model's coefficients at full clock, over the measured one."""
    groups: dict[str, list[float]] = defaultdict(list)
    for row in _content("vidur_gemm_efficiency")["rows"]:
        model, gpu = named_models()[row["model"].lower()], GPUS[row["gpu"]]
        layer = model.linear_params / model.layers
        reads = 2 * layer / (DEFAULTS.weight_bandwidth * gpu.memory_bytes_per_s)
        products = 2 * layer * row["tokens"] / (DEFAULTS.product_share * gpu.flops)
        groups[row["gpu"]].append(row["gemm_ms_per_layer"] / 1e3 / float(np.hypot(reads, products)))
    for gpu_name, ratios in groups.items():
        yield f"Vidur, products of a layer, {gpu_name}", np.array(ratios)


def _content(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def _column(rows: list[dict[str, Any]], name: str) -> Array:
    return np.array([row[name] for row in rows], dtype=np.float64)
