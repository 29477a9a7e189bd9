"""The format of measured tables: one JSON file per GPU, replica size, model and engine set-up.

    {
      "what": "measured closed-loop throughput of one replica, per request size and concurrency",
      "gpu": "H200",                       the name in allocator/profile/hardware.py
      "gpus_per_replica": 1,               the tensor-parallel degree
      "model": "qwen3-14b",                what a stack's service.model says; any name where none is shipped
      "model_config": {...},               the content of its config.json; or `model_shape`, the sizes in it alone
      "engine": "vllm 0.24.0",
      "dtype": "bfloat16",                 of activations, and of weights that are not quantized
      "quantization": "fp8",               of the weights; left out or null: as model_config says, else none
      "kv_cache_dtype": "auto",            auto: as dtype
      "weights": "random (load_format=dummy)",
      "measured_on": "2026-11-22",         the day, YYYY-MM-DD
      "method": "closed loop at fixed requests in flight; ...",
      "engine_defaults": {"max_num_seqs": 512, "gpu_memory_utilization": 0.9},
      "units": {"input": "tokens", "req_per_s": "requests/s", "tpot_ms": "ms per output token after the first", ...},
      "rows": [
        {"input": 1000, "output": 250, "concurrency": 16, "req_per_s": 9.41, "tpot_ms_mean": 6.725,
         "tpot_ms_p99": 6.784, "ttft_ms_p50": 27.837, "ttft_ms_p99": 27.96}
      ]
    }

A row is one steady load on one replica: `concurrency` requests always in flight (closed loop), or `request_rate`
requests per second arriving whatever happens (open loop, read where there is no `concurrency`). `req_per_s` is what was finished. Latencies are milliseconds;
all but `tpot_ms_mean` may be left out or null. `tpot_capped`: its `tpot_ms_mean` is an upper bound. Keys that are not
listed in the classes below are kept out of it and allowed: notes, versions, windows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from allocator.errors import DataError, first_problem, unknown
from allocator.profile.model_config import model_of, named_models, read_model
from allocator.profile.models import PRECISIONS, Model, Precision

_Tokens = Annotated[int, Field(gt=0, le=10_000_000)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Row(BaseModel):
    """One request size under one load level."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    input: _Tokens
    output: Annotated[_Tokens, Field(gt=1)]
    concurrency: Annotated[int, Field(gt=0)] | None = None
    request_rate: _Positive | None = None
    req_per_s: _Positive
    tpot_ms_mean: _Positive
    tpot_ms_p50: _Positive | None = None
    tpot_ms_p99: _Positive | None = None
    ttft_ms_mean: _Positive | None = None
    ttft_ms_p50: _Positive | None = None
    ttft_ms_p99: _Positive | None = None
    e2e_ms_mean: _Positive | None = None
    e2e_ms_p50: _Positive | None = None
    e2e_ms_p99: _Positive | None = None
    tpot_capped: bool = False

    @model_validator(mode="after")
    def _one_load(self) -> Row:
        if self.concurrency is None and self.request_rate is None:
            raise ValueError("needs concurrency or request_rate")
        return self

    @property
    def level(self) -> tuple[int, int, str, float]:
        """Size and load, which no two rows of a table share."""
        if self.concurrency is not None:
            return self.input, self.output, "concurrency", self.concurrency
        return self.input, self.output, "request_rate", self.request_rate or 0.0


class EngineSettings(BaseModel):
    """What bounds the running batch; None: not told."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    max_num_seqs: Annotated[int, Field(gt=0)] | None = None
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = None


class TableFile(BaseModel):
    """A whole file, as above."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    what: str = ""
    gpu: Annotated[str, Field(min_length=1)]
    gpus_per_replica: Annotated[int, Field(ge=1)]
    model: Annotated[str, Field(min_length=1)]
    model_json: Annotated[dict[str, Any] | None, Field(alias="model_config")] = None
    model_shape: dict[str, Any] | None = None
    engine: str = ""
    dtype: str = "bfloat16"
    quantization: str | None = None
    kv_cache_dtype: str = "auto"
    weights: str = ""
    measured_on: date
    method: str = ""
    engine_defaults: EngineSettings = EngineSettings()
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_row_twice(self) -> TableFile:
        (level, times), *_ = Counter(row.level for row in self.rows).most_common(1)
        if times > 1:
            size, (kind, load) = level[:2], level[2:]
            raise ValueError(f"rows: {size[0]}/{size[1]} at {kind} {load:g} is there {times} times")
        return self


@dataclass(frozen=True, slots=True)
class Measured:
    """A table's rows with what was measured: the model's shape, None where neither the file nor a shipped one tells."""

    name: str
    file: TableFile
    model: Model | None
    precision: Precision
    kv_bytes: int


def read_measured(file: Path, config: Path | None = None) -> Measured:
    """A table and its model: from `config` (a config.json), else from the table, else the shipped shape of its name.

    Raises DataError.
    """
    table = read_file(file)
    content = table.model_json or table.model_shape
    if config is not None:
        model: Model | None = read_model(config)
    elif content is not None:
        model = model_of(content, table.model, f"{file.name}: model_config")
    else:
        model = named_models().get(table.model)
    return Measured(
        file.stem,
        table,
        model,
        _precision(table, model, file.name),
        1 if table.kv_cache_dtype.startswith("fp8") else 2,
    )


def _precision(table: TableFile, model: Model | None, file: str) -> Precision:
    if table.quantization is None:
        half = "fp16" if table.dtype in ("float16", "half") else "bf16"
        own = model.precision if model else PRECISIONS[half]
        return own if own.quantized else PRECISIONS[half]
    name = table.quantization.lower()
    known = (
        "fp8" if name.startswith("fp8") else "int4" if name.startswith(("awq", "gptq")) else name
    )
    if known not in PRECISIONS:
        raise DataError(f"profile {file}: quantization: {unknown('precision', name, PRECISIONS)}")
    return PRECISIONS[known]


def read_file(file: Path) -> TableFile:
    """Read and check a table. Raises DataError: file, field and what is wrong, in one line."""
    try:
        return TableFile.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"profile {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"profile {file.name}: {first_problem(error)}") from error
