"""Measured tables: those that plans use, and those that are only for comparison."""

from __future__ import annotations

from pathlib import Path

from allocator.profile.table import Measured, read_measured

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "bench/data/profiles"
SHIPPED = ROOT / "stacks/profiles"
FITTED_TO = ("h200-vllm0.24.0-llama-3.1-8b", "h200-vllm0.24.0-llama-2-7b")
"""What the default coefficients were fitted to; all other tables are tests of the model."""


def measured() -> dict[str, Measured]:
    """Every table by name, the fitted ones first."""
    files = {file.stem: file for folder in (SHIPPED, DATA) for file in folder.glob("*vllm*.json")}
    files = {name: file for name, file in files.items() if "aiconfigurator" not in name}
    order = sorted(files, key=lambda name: (name not in FITTED_TO, name))
    return {name: read_measured(files[name]) for name in order}
