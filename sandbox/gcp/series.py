"""Machine series with GPUs: what is built in, which disks they take, which quota they count against.

Sources: Compute Engine's pages on GPU machine types, on Persistent Disk and Hyperdisk machine support, and on
allocation quotas.
"""

from __future__ import annotations

from dataclasses import dataclass

_N1_GPUS = ("nvidia-tesla-t4", "nvidia-tesla-v100", "nvidia-tesla-p100", "nvidia-tesla-p4")


@dataclass(frozen=True, slots=True)
class Series:
    """Machine types that start with `prefix`. `gpus` are the accelerator types that fit; `bundled` says that they
    come with the machine. `no_disks` are prefixes of disk types that the series does not take."""

    prefix: str
    gpus: tuple[str, ...]
    quota: str
    bundled: bool = True
    no_disks: tuple[str, ...] = ()


_ALL_PD = ("pd-",)
_SLOW_PD = ("pd-standard",)
_SERIES = (
    Series("g2-", ("nvidia-l4", "nvidia-l4-vws"), "NVIDIA_L4_GPUS", no_disks=_SLOW_PD),
    Series("a2-highgpu-", ("nvidia-tesla-a100",), "NVIDIA_A100_GPUS"),
    Series("a2-megagpu-", ("nvidia-tesla-a100",), "NVIDIA_A100_GPUS"),
    Series("a2-ultragpu-", ("nvidia-a100-80gb",), "NVIDIA_A100_80GB_GPUS"),
    Series("a3-highgpu-", ("nvidia-h100-80gb",), "NVIDIA_H100_GPUS", no_disks=_SLOW_PD),
    Series("a3-edgegpu-", ("nvidia-h100-80gb",), "NVIDIA_H100_GPUS", no_disks=_SLOW_PD),
    Series("a3-megagpu-", ("nvidia-h100-mega-80gb",), "NVIDIA_H100_MEGA_GPUS", no_disks=_SLOW_PD),
    Series("a3-ultragpu-", ("nvidia-h200-141gb",), "NVIDIA_H200_GPUS", no_disks=_ALL_PD),
    Series("a4-", ("nvidia-b200",), "NVIDIA_B200_GPUS", no_disks=_ALL_PD),
    Series("a4x-", ("nvidia-gb200",), "NVIDIA_GB200_GPUS", no_disks=_ALL_PD),
    Series("g4-", ("nvidia-rtx-pro-6000",), "NVIDIA_RTX_PRO_6000_GPUS", no_disks=_ALL_PD),
    Series("n1-", _N1_GPUS, "CPUS", bundled=False),
)
_PLAIN = Series("", (), "CPUS", bundled=False)


def series_of(machine_type: str) -> Series:
    """The series of a machine type; one without GPUs for all others."""
    return next((s for s in _SERIES if machine_type.startswith(s.prefix)), _PLAIN)


def quota_family(machine_type: str, accelerators: list[str], *, spot: bool) -> str:
    """The quota metric that a machine counts against; preemptible machines have metrics of their own."""
    metric = series_of(machine_type).quota
    if accelerators:
        metric = accelerators[0].replace("-tesla", "").replace("-", "_").upper() + "_GPUS"
    return f"PREEMPTIBLE_{metric}" if spot else metric
