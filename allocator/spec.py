"""The spec: what the user asks for, read once from the stack's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from allocator.errors import SpecError, first_problem, shown, unknown
from allocator.plan import Cloud, Market, Survive

PROJECT = "skyblend"
INFRA_SECTIONS = {"clouds"}
"""Sections that the allocator leaves to infra."""
LEAST_RATE = 0.01
"""Requests per second: below it (one in 100 s) no traffic is left to plan for, and numbers lose their digits."""


def _number(value: Any) -> Any:
    """`1e3` is a number: YAML 1.1 reads it as text, its successors do not."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", value):
        return float(value)
    return value


def _rate(value: Any) -> Any:
    if isinstance(value, int | float) and 0 < value < LEAST_RATE:
        raise ValueError(f"should be at least {LEAST_RATE} (one request in {1 / LEAST_RATE:g} s)")
    return value


def _name(value: Any) -> Any:
    """A file's name that looks like a date, which YAML reads as one; Pulumi's own reader adds midnight to it."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return value.removesuffix("T00:00:00Z") if isinstance(value, str) else value


_Float = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
_Share = Annotated[_Float, Field(gt=0, le=1)]
_Positive = Annotated[_Float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SloSpec(_Section):
    """What an answer may take: time per output token, to the first one, and in all, with head-room on every rate.

    Means, or with `percentile` what that share of the requests keeps to.
    """

    tpot_ms: _Positive
    ttft_ms: _Positive = 2000.0
    e2e_ms: _Positive | None = None
    percentile: Annotated[_Float, Field(ge=50, le=99.9)] | None = None
    headroom: _Share = 0.8


class Service(_Section):
    """The model (a shipped shape, or the path of a config.json), where its weights come from, and the engine's image.

    `precision` and `kv_cache`: of the weights and the KV cache; None: as the model's configuration says, 16 bits.
    """

    model: str
    precision: Literal["bf16", "fp16", "fp8", "int8", "int4", "mxfp4"] | None = None
    kv_cache: Literal["fp8"] | None = None
    weights: Annotated[str, Field(min_length=1)]
    engine_image: Annotated[str, Field(min_length=1)] = "vllm/vllm-openai:v0.24.0"
    slo: SloSpec


class WorkloadSpec(_Section):
    """A histogram of stacks/workloads and the mean rate."""

    histogram: str
    requests_per_second: Annotated[
        _Positive, Field(le=1_000_000), BeforeValidator(_rate), BeforeValidator(_number)
    ]


class MarketSpec(_Section):
    """Which offers may be used. `regions` may have wildcards: aws-us-*. Prices are per GPU-hour.

    With `max_interruption_band` spot offers of unknown band are dropped too: only AWS publishes bands, so that no GCP
    and no Azure spot is left. `observed`: a file of stacks/observed, what the reactors saw. Prices older than `refuse_after_days` make no plan; None: never refused.
    """

    snapshot: Annotated[str, BeforeValidator(_name)]
    clouds: Annotated[list[Cloud], Field(min_length=1)] = ["aws", "azure", "gcp"]
    regions: Annotated[list[str], Field(min_length=1)] = ["*"]
    gpus: Annotated[list[str], Field(min_length=1)] | None = None
    max_usd_per_gpu_hour: _Positive | None = None
    max_interruption_band: Annotated[int, Field(ge=0, le=4)] | None = None
    observed: str | None = None
    warn_after_days: Annotated[int, Field(ge=0)] = 180
    refuse_after_days: Annotated[int, Field(ge=0)] | None = None


class Quota(_Section):
    """What a cloud grants: at most `cap` GPUs or nodes of the named kind at once; None: of any."""

    cloud: Cloud
    region: str | None = None
    market: Market | None = None
    gpus: Annotated[list[str], Field(min_length=1)] | None = None
    unit: Literal["gpus", "nodes"] = "gpus"
    cap: Annotated[int, Field(ge=0)]


class Limits(_Section):
    """`nodes_per_pool` is an assumed stock; shares are of the plan's whole capacity."""

    nodes_per_pool: Annotated[int, Field(ge=1, le=1000)] = 16
    max_region_share: _Share = 1.0
    max_cloud_share: _Share = 1.0
    min_regions: Annotated[int, Field(ge=1, le=100)] = 1
    min_clouds: Annotated[int, Field(ge=1, le=3)] = 1
    budget_usd_per_hour: _Positive | None = None
    quotas: list[Quota] = []


class Relax(_Section):
    """A demand that may be given up, at most to `to`, where nothing else makes a plan."""

    limit: Literal[
        "max_region_share", "max_cloud_share", "min_regions", "min_clouds", "budget_usd_per_hour",
        "degraded_share", "on_demand_share", "survive",
    ]  # fmt: skip
    to: Annotated[float, Field(ge=0), BeforeValidator(_number)] | Survive


class Policy(_Section):
    """What must hold when things go wrong, and what a change must be worth.

    After the loss of any one region or cloud (`survive`) `degraded_share` of every bucket is still served, re-routed.
    `on_demand_share` of the demand is held on demand. The deployed plan stays unless another one saves at least
    `switch_threshold` of the bill; a node started or stopped counts `switch_usd`, spread over a day.
    """

    survive: Survive = "region"
    degraded_share: _Share = 1.0
    on_demand_share: Annotated[_Float, Field(ge=0, le=1)] = 0.0
    switch_threshold: Annotated[_Float, Field(ge=0, lt=1)] = 0.03
    switch_usd: Annotated[_Float, Field(ge=0, le=1000)] = 0.1
    relax: list[Relax] = []


class Spec(_Section):
    """A stack's whole request."""

    service: Service
    workload: WorkloadSpec
    market: MarketSpec
    limits: Limits = Limits()
    policy: Policy = Policy()

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Spec:
        """From the sections of the stack's configuration. Raises SpecError with one line."""
        for name in config:
            if name not in cls.model_fields and name not in INFRA_SECTIONS:
                raise SpecError(
                    f"config: {unknown('section', f'{PROJECT}:{name}', [f'{PROJECT}:{n}' for n in (*cls.model_fields, *INFRA_SECTIONS)])}"
                )
        for name in sorted(INFRA_SECTIONS & config.keys()):
            if not isinstance(config[name], Mapping | None):
                raise SpecError(
                    f"config {PROJECT}:{name}: should be a mapping of keys to values, is {shown(config[name])}"
                )
        missing = [name for name in ("service", "workload", "market") if name not in config]
        if missing:
            raise SpecError(
                f"config {PROJECT}:{missing[0]} is missing; copy it from stacks/Pulumi.sandbox.yaml"
            )
        try:
            return cls.model_validate({k: v for k, v in config.items() if k not in INFRA_SECTIONS})
        except ValidationError as error:
            raise SpecError(f"config {PROJECT}:{first_problem(error, cls)}") from error

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
    prefix = f"{PROJECT}:"
    own = _mapping_in(_yaml_of(file), file).get("config")
    own = _mapping_in({} if own is None else own, file, "config: ")
    sections = {
        name.removeprefix(prefix): value
        for name, value in own.items()
        if isinstance(name, str) and name.startswith(prefix)
    }
    for override in overrides:
        override_section(sections, override)
    return sections


def _yaml_of(file: Path) -> Any:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{file.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{file.name}: not UTF-8 text: {error.reason} at byte {error.start}"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"{file.name}: not YAML: {' '.join(str(error).split())}") from error
    return {} if content is None else content


def _mapping_in(content: Any, file: Path, place: str = "") -> dict[Any, Any]:
    if not isinstance(content, dict):
        raise SpecError(
            f"{file.name}: {place}should be a mapping, is {shown(content)}; see stacks/Pulumi.sandbox.yaml"
        )
    return content


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
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SpecError(f"cannot read override {override!r}; {value!r} is not YAML") from None
