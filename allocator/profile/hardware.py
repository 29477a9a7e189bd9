"""GPUs: the constants of the performance model, with where each is from.

Which instance types hold how many of them is in the market snapshot. One machine's GPUs are linked alike: NVLink or
PCIe, as `nvlink` says.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20
TENSOR_PARALLEL = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: dense peaks (`fp8_flops` 0 where it has none), memory as the driver reports it.

    `link_bytes_per_s` is the interconnect per GPU in one direction; `nvlink` tells which kind.
    """

    name: str
    flops: float
    fp8_flops: float
    memory_bytes: float
    memory_bytes_per_s: float
    link_bytes_per_s: float
    nvlink: bool
    multiprocessors: int
    sources: str


SYSTEM_FILES = "AIConfigurator 0.12.0 system files"
SHEET = "vendor's data sheet"
_DRIVER = "memory: nvidia-smi"


def _gpu(
    name: str, tflops: float, fp8: float, mib: int, gb_s: float, link: float, units: int, peaks: str,
    *, nvlink: bool = False,
) -> Gpu:  # fmt: skip
    said = f"peaks, bandwidth: {peaks}; link, multiprocessors: {SHEET}; {_DRIVER}"
    return Gpu(
        name, tflops * 1e12, fp8 * 1e12, mib * MIB, gb_s * 1e9, link * 1e9, nvlink, units, said
    )


GPUS = {
    gpu.name: gpu
    for gpu in (
        _gpu("T4", 65, 0, 15360, 320, 16, 40, SHEET),
        _gpu("L4", 121, 242, 23034, 300, 32, 58, SYSTEM_FILES),
        _gpu("A10G", 70, 0, 23028, 600, 32, 80, SHEET),
        _gpu("A40", 149.7, 0, 46068, 696, 56, 84, SHEET),
        _gpu("L40S", 362, 733, 46068, 864, 32, 142, SYSTEM_FILES),
        _gpu("A100-40GB", 312, 0, 40960, 1555, 300, 108, SHEET, nvlink=True),
        _gpu("A100-80GB", 312, 0, 81920, 2039, 300, 108, SYSTEM_FILES, nvlink=True),
        _gpu("H100", 989, 1979, 81559, 3350, 450, 132, SYSTEM_FILES, nvlink=True),
        _gpu("H200", 989, 1979, 143771, 4800, 450, 132, SYSTEM_FILES, nvlink=True),
        _gpu("B200", 2250, 4500, 183359, 7700, 900, 148, SYSTEM_FILES, nvlink=True),
        _gpu("MI300X", 1307, 2615, 196592, 5300, 448, 304, SHEET, nvlink=True),
    )
}


def degrees(gpu: Gpu, gpus: int) -> tuple[int, ...]:
    """Tensor-parallel degrees on a node. Over PCIe at most 2: the model is up to 2x too high beyond (bench/profile)."""
    most = gpus if gpu.nvlink else min(gpus, 2)
    return tuple(t for t in TENSOR_PARALLEL if t <= most)
