"""GPUs and model shapes: the constants of the performance model.

GPU peaks are dense; L4, L40S, A100, H100, H200 and B200 as in NVIDIA AIConfigurator's system files (0.12.0), the
others from the vendor's data sheets.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. `link_bytes_per_s` is the interconnect per GPU in one direction; `nvlink` tells which kind."""

    name: str
    flops: float
    memory_bytes: float
    memory_bytes_per_s: float
    link_bytes_per_s: float
    nvlink: bool


def _gpu(name: str, tflops: float, gb: float, gb_s: float, link: float, *, nvlink: bool) -> Gpu:
    return Gpu(name, tflops * 1e12, gb * 1e9, gb_s * 1e9, link * 1e9, nvlink)


GPUS = {
    gpu.name: gpu
    for gpu in (
        _gpu("T4", 65, 16, 320, 16, nvlink=False),
        _gpu("L4", 121, 24, 300, 32, nvlink=False),
        _gpu("A10G", 70, 24, 600, 32, nvlink=False),
        _gpu("L40S", 362, 48, 864, 32, nvlink=False),
        _gpu("A100-40GB", 312, 40, 1555, 300, nvlink=True),
        _gpu("A100-80GB", 312, 80, 2039, 300, nvlink=True),
        _gpu("H100", 989, 80, 3350, 450, nvlink=True),
        _gpu("H200", 989, 141, 4800, 450, nvlink=True),
        _gpu("B200", 2250, 180, 7700, 900, nvlink=True),
    )
}
TENSOR_PARALLEL = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Model:
    """A dense decoder: sizes as in its config.json; weights and KV cache in 2 bytes."""

    name: str
    params: float
    layers: int
    hidden: int
    kv_heads: int
    head_dim: int

    @property
    def kv_bytes_per_token(self) -> float:
        """Bytes of KV cache per token, over all GPUs of a replica."""
        return 2 * self.layers * self.kv_heads * self.head_dim * 2


MODELS = {
    model.name: model
    for model in (
        Model("llama-2-7b", 6.74e9, 32, 4096, 32, 128),
        Model("llama-3.1-8b", 8.03e9, 32, 4096, 8, 128),
        Model("llama-2-70b", 68.98e9, 80, 8192, 8, 128),
        Model("llama-3.1-70b", 70.55e9, 80, 8192, 8, 128),
    )
}


def degrees(gpu: Gpu, gpus: int) -> tuple[int, ...]:
    """Tensor-parallel degrees on a node. Over PCIe at most 2: the model is up to 2x too high beyond (bench/)."""
    most = gpus if gpu.nvlink else min(gpus, 2)
    return tuple(t for t in TENSOR_PARALLEL if t <= most)
