"""The instances of the comparison: seeded, in Mélange's own config format, fixed before any solver was tuned on them.

    python -m bench.mix.grid build/mix        writes every instance as a JSON file

Throughput tables are made, not measured. GPUs differ in strength (0.25 to 16) and price about proportional to it.
Requests/s of a GPU of strength 1 fall with the tokens of a request; a stronger GPU gains on long inputs and loses
a little on short ones (it is bought whole and waits more). Families:

    typical  price per strength spread by 15 %, throughput by 10 % per bucket
    equal    price per strength and throughput spread by 0.5 %: all mixes cost nearly the same
    limited  typical, but no GPU except the strongest serves requests beyond its size (throughput 0)
"""

from __future__ import annotations

import json
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SEED = 2026
TYPES = (2, 4, 8, 16)
SHAPES = {4: (2, 2), 16: (4, 4), 60: (10, 6), 100: (10, 10), 400: (20, 20)}
"""Buckets in all: input sizes x output sizes."""
RATES = (1, 8, 64, 256, 1024)
SLICES = (1, 4, 8, 16)
SHORTEST, LONGEST_INPUT, LONGEST_OUTPUT = 25, 16_000, 2_000


@dataclass(frozen=True, slots=True)
class Instance:
    """One point of the grid; its name says all of it."""

    family: str
    types: int
    buckets: int
    rate: int
    slices: int

    @property
    def name(self) -> str:
        return f"{self.family}-{self.types}x{self.buckets}-{self.rate}rps-sf{self.slices}"


def grid() -> tuple[Instance, ...]:
    """48 instances: every (types, buckets) as `typical` and as one of the other two families, and eight more at the
    sizes of the publication with the family left out. Rates and slice factors are dealt evenly, shuffled by the seed.
    """
    pairs = [(types, buckets) for types in TYPES for buckets in SHAPES]
    hard = {pair: ("equal", "limited")[number % 2] for number, pair in enumerate(pairs)}
    left_out = {"equal": "limited", "limited": "equal"}
    points = [("typical", *pair) for pair in pairs] + [(hard[pair], *pair) for pair in pairs]
    points += [
        (left_out[hard[pair]], *pair) for pair in pairs if pair[0] > 2 and pair[1] in (16, 60, 100)
    ][-8:]
    rng = np.random.default_rng(SEED)
    rates = rng.permutation(np.resize(RATES, len(points)))
    slices = rng.permutation(np.resize(SLICES, len(points)))
    return tuple(
        Instance(*point, int(rate), int(factor))
        for point, rate, factor in zip(points, rates, slices, strict=True)
    )


def config(instance: Instance) -> dict[str, Any]:
    """The instance in Mélange's format."""
    rng = np.random.default_rng([SEED, zlib.crc32(instance.name.encode())])
    rows, columns = SHAPES[instance.buckets]
    inputs = np.geomspace(SHORTEST, LONGEST_INPUT, rows)[:, None]
    outputs = np.geomspace(SHORTEST, LONGEST_OUTPUT, columns)[None, :]
    strengths = np.sort(2 ** rng.uniform(-2, 4, instance.types))
    spread, noise = (0.005, 0.005) if instance.family == "equal" else (0.15, 0.10)
    gpus = {}
    for number, strength in enumerate(strengths):
        gain = 0.0 if instance.family == "equal" else 0.08 * np.log2(strength)
        table = 4000 * strength / (inputs + 8 * outputs) * (inputs / 1000) ** gain
        table = table * np.exp(rng.normal(0, noise, table.shape))
        if instance.family == "limited":
            table = np.where(inputs + outputs > 2500 * strength, 0.0, table)
        price = strength * np.exp(rng.normal(0, spread))
        gpus[f"gpu{number}"] = {"cost": round(float(price), 3), "tputs": _rounded(table)}
    if instance.family == "limited":  # the strongest serves everything
        strongest = gpus[f"gpu{instance.types - 1}"]
        full = 4000 * strengths[-1] / (inputs + 8 * outputs)
        strongest["tputs"] = _rounded(full * np.exp(rng.normal(0, noise, full.shape)))
    return {
        "gpu_info": gpus,
        "workload_distribution": _distribution(rng, inputs, outputs),
        "total_request_rate": float(instance.rate),
        "slice_factor": instance.slices,
    }


def _distribution(
    rng: np.random.Generator, inputs: np.ndarray, outputs: np.ndarray
) -> list[list[float]]:
    """Two kinds of traffic, chat and documents, each log-normal in both lengths; cells below 1e-5 are empty."""
    share = rng.uniform(0.2, 0.8)
    total = np.zeros((inputs.size, outputs.size))
    for weight, middle_in, middle_out in ((share, 300, 250), (1 - share, 4000, 150)):
        part = np.exp(
            -((np.log(inputs / middle_in)) ** 2) / 2 - (np.log(outputs / middle_out)) ** 2 / 2
        )
        part = part * np.exp(rng.normal(0, 0.3, part.shape))
        total += weight * part / part.sum()
    total = np.where(total < 1e-5, 0.0, total)
    return [[float(f"{cell:.6g}") for cell in row] for row in total / total.sum()]


def _rounded(table: np.ndarray) -> list[list[float]]:
    """Three significant digits, as a benchmark reports them."""
    return [[float(f"{cell:.3g}") for cell in row] for row in table]


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for instance in grid():
        (folder / f"{instance.name}.json").write_text(json.dumps(config(instance)) + "\n")


if __name__ == "__main__":
    main()
