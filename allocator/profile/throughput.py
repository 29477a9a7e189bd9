"""The performance model: requests per second one replica sustains in a bucket within the SLO.

Roofline of a continuous-batching engine: decode reads the weights once and every running request's KV cache per step,
prefill of arriving requests shares the engine. With P parameters of w bytes, batch b, I input and O output tokens,
tensor-parallel degree t, peak F flop/s, memory B byte/s and M bytes per GPU:

    t_prefill = (2 P I + 2 layers hidden I^2) / (eta_p F t) + all-reduce of I tokens
    t_decode(b) = max(P w / (eta_w B t), 2 P b / (eta_d F t)) + b (I + O/2) kv / (eta_k B t) + host + all-reduce
    step(b) = t_decode(b) + b / (O - 1) t_prefill         mean time per output token
    rate(b) = b / ((O - 1) step(b))
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from allocator.profile.hardware import Gpu, Model

ETA_WEIGHTS = 0.80
ETA_KV = 0.70
ETA_PREFILL = 0.60
ETA_DECODE = 0.55
STEP_S = 600e-6
LAYER_S = 12e-6
MEMORY_SHARE = 0.90
RESERVED_BYTES = 2e9
MAX_BATCH = 256
WEIGHT_BYTES = 2
NVLINK_LATENCY_S = 12e-6
PCIE_LATENCY_S = 60e-6
PCIE_BYTES_PER_S = 4e9
NVLINK_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Slo:
    """Mean time per output token and time to first token, milliseconds. `headroom` scales every rate down.

    A mean-rate capacity keeps its promise under bursts only with room to spare: 0.7-0.85 is usual.
    """

    tpot_ms: float
    ttft_ms: float
    headroom: float


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second of one replica, and where the number comes from; 0.0 with the reason where it cannot."""

    requests_per_second: float
    origin: str


def modelled(gpu: Gpu, tensor_parallel: int, model: Model, size: tuple[int, int], slo: Slo) -> Rate:
    """The highest rate whose step time and time to first token are within the SLO (before head-room)."""
    replica = Replica(gpu, tensor_parallel, model, *size)
    if replica.largest_batch < 1:
        return Rate(0.0, "does not fit in memory")
    if not replica.within(1.0, slo):
        return Rate(0.0, "SLO not met by a single request")
    low, high = 1.0, replica.largest_batch
    if replica.within(high, slo):
        low = high
    else:
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if replica.within(middle, slo) else (low, middle)
    return Rate(replica.rate(low), "model")


@dataclass(frozen=True, slots=True)
class Replica:
    """One engine instance serving requests of one size: the formulas above."""

    gpu: Gpu
    t: int
    model: Model
    inputs: int
    outputs: int

    @property
    def largest_batch(self) -> float:
        """Requests whose KV cache fits beside the weights."""
        gpu, model = self.gpu, self.model
        room = (
            MEMORY_SHARE * gpu.memory_bytes * self.t
            - RESERVED_BYTES * self.t
            - model.params * WEIGHT_BYTES
        )
        if room / model.kv_bytes_per_token < self.inputs + self.outputs:
            return 0.0
        return min(room / (model.kv_bytes_per_token * (self.inputs + self.outputs / 2)), MAX_BATCH)

    def _all_reduce(self, tokens: float) -> float:
        """Seconds to add up `tokens` hidden vectors over the GPUs once; bandwidth term only."""
        if self.t == 1:
            return 0.0
        bus = NVLINK_SHARE * self.gpu.link_bytes_per_s if self.gpu.nvlink else PCIE_BYTES_PER_S
        return 2 * (self.t - 1) / self.t * 2 * tokens * self.model.hidden / bus

    @property
    def prefill_s(self) -> float:
        """Seconds of engine time for one prompt."""
        model, flops = self.model, ETA_PREFILL * self.gpu.flops * self.t
        compute = 2 * model.params * self.inputs + 2 * model.layers * model.hidden * self.inputs**2
        return compute / flops + 2 * model.layers * self._all_reduce(self.inputs)

    def _decode_s(self, batch: float) -> float:
        gpu, model, t = self.gpu, self.model, self.t
        weights = model.params * WEIGHT_BYTES / (ETA_WEIGHTS * gpu.memory_bytes_per_s * t)
        compute = 2 * model.params * batch / (ETA_DECODE * gpu.flops * t)
        context = batch * (self.inputs + self.outputs / 2) * model.kv_bytes_per_token
        cache = context / (ETA_KV * gpu.memory_bytes_per_s * t)
        latency = 0.0 if t == 1 else NVLINK_LATENCY_S if gpu.nvlink else PCIE_LATENCY_S
        network = 2 * model.layers * (latency + self._all_reduce(batch))
        return max(weights, compute) + cache + STEP_S + model.layers * LAYER_S + network

    def step_s(self, batch: float) -> float:
        """Mean seconds per output token with `batch` requests running."""
        return self._decode_s(batch) + batch / max(self.outputs - 1, 1) * self.prefill_s

    def rate(self, batch: float) -> float:
        """Requests per second with `batch` requests running."""
        return batch / (max(self.outputs - 1, 1) * self.step_s(batch))

    def within(self, batch: float, slo: Slo) -> bool:
        """Whether the mean TPOT and TTFT are within the SLO; both grow with the batch."""
        step = self.step_s(batch)
        busy = min(self.rate(batch) * self.prefill_s, 1 - 1e-9)
        first = step + self.prefill_s * (1 + busy / (2 * (1 - busy)))
        return step * 1e3 <= slo.tpot_ms and first * 1e3 <= slo.ttft_ms and math.isfinite(first)
