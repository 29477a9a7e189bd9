"""What a stack serves, in the performance model's terms and in the engine's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from allocator.plan import Engine
from allocator.profile.costs import Replica
from allocator.profile.hardware import GPUS
from allocator.profile.model_config import find_model
from allocator.profile.models import PRECISIONS, Model, Precision
from allocator.spec import Service


@dataclass(frozen=True, slots=True)
class Served:
    """The model's shape, the precision it is served in, and the engine that does it."""

    model: Model
    precision: Precision
    kv_bytes: int
    engine: Engine

    def replica(self, gpu: str, tensor_parallel: int) -> Replica:
        """One replica on so many GPUs of a kind."""
        return Replica(GPUS[gpu], tensor_parallel, self.model, self.precision, self.kv_bytes)


def served(service: Service, root: Path) -> Served:
    """From the spec. Raises SpecError for an unknown model, DataError for a broken config.json.

    The engine quantizes 16-bit weights to fp8 itself; other weights must be kept in their precision already, and tell
    the engine so in their own configuration.
    """
    model = find_model(service.model, root, "config skyblend:service.model")
    precision = PRECISIONS[service.precision] if service.precision else model.precision
    options: tuple[str, ...] = ()
    if precision.fp8 and not model.precision.quantized:
        options += ("--quantization", "fp8")
    if service.precision == "fp16":
        options += ("--dtype", "float16")
    if service.kv_cache:
        options += ("--kv-cache-dtype", service.kv_cache)
    return Served(
        model, precision, 1 if service.kv_cache else 2,
        Engine(service.weights, service.engine_image, options),
    )  # fmt: skip
