"""The spec: what the user asks for, read once from the stack's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocator.errors import SpecError, first_problem, unknown
from allocator.plan import Cloud

PROJECT = "skyblend"
INFRA_SECTIONS = {"clouds"}
"""Sections that the allocator leaves to infra."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SloSpec(_Section):
    """What an answer may take: mean time per output token, time to first token, and head-room on every rate."""

    tpot_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    ttft_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2000.0
    headroom: Annotated[float, Field(gt=0, le=1)] = 0.8


class Service(_Section):
    """The model (a shipped shape), where its weights come from, and the engine's image."""

    model: str
    weights: Annotated[str, Field(min_length=1)]
    engine_image: Annotated[str, Field(min_length=1)] = "vllm/vllm-openai:v0.24.0"
    slo: SloSpec


class WorkloadSpec(_Section):
    """A histogram of stacks/workloads and the mean rate."""

    histogram: str
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class MarketSpec(_Section):
    """Which offers may be used. `regions` may have wildcards: aws-us-*. Prices are per GPU-hour."""

    snapshot: str
    clouds: Annotated[list[Cloud], Field(min_length=1)] = ["aws", "azure", "gcp"]
    regions: Annotated[list[str], Field(min_length=1)] = ["*"]
    gpus: Annotated[list[str], Field(min_length=1)] | None = None
    max_usd_per_gpu_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_interruption_band: Annotated[int, Field(ge=0, le=4)] | None = None
    warn_after_days: Annotated[int, Field(ge=0)] = 180
    refuse_after_days: Annotated[int, Field(ge=0)] = 365


class Limits(_Section):
    """`nodes_per_pool` is an assumed stock; shares are of the plan's whole capacity."""

    nodes_per_pool: Annotated[int, Field(ge=1, le=1000)] = 16
    max_region_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_cloud_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    budget_usd_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Spec(_Section):
    """A stack's whole request."""

    service: Service
    workload: WorkloadSpec
    market: MarketSpec
    limits: Limits = Limits()

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Spec:
        """From the sections of the stack's configuration. Raises SpecError with one line."""
        for name in config:
            if name not in cls.model_fields and name not in INFRA_SECTIONS:
                raise SpecError(
                    f"config: {unknown('section', f'{PROJECT}:{name}', [f'{PROJECT}:{n}' for n in (*cls.model_fields, *INFRA_SECTIONS)])}"
                )
        missing = [name for name in ("service", "workload", "market") if name not in config]
        if missing:
            raise SpecError(
                f"config {PROJECT}:{missing[0]} is missing; copy it from stacks/Pulumi.sandbox.yaml"
            )
        try:
            return cls.model_validate({k: v for k, v in config.items() if k not in INFRA_SECTIONS})
        except ValidationError as error:
            raise SpecError(f"config {PROJECT}:{first_problem(error)}") from error

    def allows_region(self, key: str) -> bool:
        """Whether a region (`aws-us-east-1`) is among the allowed ones."""
        return any(fnmatchcase(key, pattern) for pattern in self.market.regions)


def stack_config(root: Path, stack: str, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    """The sections of a stack's file, as Pulumi gives them to the program.

    An override is `section.key=value` in the words of the stack file. Raises SpecError.
    """
    file = root / "stacks" / f"Pulumi.{stack}.yaml"
    if not file.exists():
        known = [path.name.split(".")[1] for path in (root / "stacks").glob("Pulumi.*.yaml")]
        raise SpecError(unknown("stack", stack, known))
    try:
        own = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config") or {}
    except yaml.YAMLError as error:
        raise SpecError(f"{file.name}: not YAML: {' '.join(str(error).split())}") from error
    prefix = f"{PROJECT}:"
    sections = {n.removeprefix(prefix): v for n, v in own.items() if n.startswith(prefix)}
    for override in overrides:
        override_section(sections, override)
    return sections


def override_section(sections: dict[str, Any], override: str) -> None:
    """Change one value in place. Raises SpecError for what is no `section.key=value`."""
    path, separator, value = override.partition("=")
    section, *steps = path.split(".")
    if not separator or not steps:
        raise SpecError(
            f"cannot read override {override!r}; write workload.requests_per_second=128"
        )
    place: Any = sections
    for step in (section, *steps[:-1]):
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise SpecError(f"cannot read override {override!r}; {step} has no parts")
    try:
        place[steps[-1]] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise SpecError(f"cannot read override {override!r}; {value!r} is not YAML") from None
