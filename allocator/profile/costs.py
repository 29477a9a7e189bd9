"""What one replica's step is made of: seconds and bytes per token, prompt, running request and step.

The products' time grows with the tokens in the step, reads of weights do not; attention grows with the context.
"""

from __future__ import annotations

from dataclasses import dataclass

from allocator.profile.coefficients import DEFAULTS, MEMORY_SHARE, RESERVED_BYTES, Coefficients
from allocator.profile.hardware import Gpu
from allocator.profile.models import Model, Precision


@dataclass(frozen=True, slots=True)
class Replica:
    """One engine instance: model and precision on `tensor_parallel` GPUs. `kv_bytes`: of one cached value."""

    gpu: Gpu
    tensor_parallel: int
    model: Model
    precision: Precision
    kv_bytes: int = 2


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a replica, seconds at full clock unless the name says otherwise; `*_bytes` per cached token.

    read_s: the weights that every step reads; expert_read_s: one expert in every layer that has experts
    token_s, assignment_s, answer_s: products per token, per (token, expert), per sampled token
    activation_s: per token, what happens between the products, and the all-reduces' bandwidth
    prompt_s, window_prompt_s: attention of a prompt, per square token and per token x window
    kv_s, window_kv_s: attention of a running request per step and token of context; tile_s: per running request
    fixed_s: per step; launch_s, eager_launch_s: the least of a step with a prompt, with and without pieces of a graph
    room_bytes: for KV, over all GPUs (negative: the weights do not fit)
    """

    read_s: float
    expert_read_s: float
    token_s: float
    assignment_s: float
    answer_s: float
    activation_s: float
    prompt_s: float
    window_prompt_s: float
    kv_s: float
    window_kv_s: float
    tile_s: float
    fixed_s: float
    launch_s: float
    eager_launch_s: float
    room_bytes: float
    token_bytes: float
    window_bytes: float
    experts: float
    experts_per_token: float
    window: float
    clock_fall: float
    expert_tile_rows: float


def costs_of(replica: Replica, c: Coefficients = DEFAULTS) -> Costs:
    """The costs of a replica under the coefficients."""
    gpu, t, model, precision = (
        replica.gpu, replica.tensor_parallel, replica.model, replica.precision,
    )  # fmt: skip
    memory, bf16 = gpu.memory_bytes_per_s * t, gpu.flops * t
    eight = precision.fp8 and gpu.fp8_flops > 0
    peak = gpu.fp8_flops * t * c.fp8_product_share if eight else bf16 * c.product_share
    experts_peak = (gpu.fp8_flops * t if eight else bf16) * c.expert_product_share
    weights = c.weight_bandwidth * memory
    expert = model.expert_layers * model.expert_params
    full, windowed = model.layers - model.windowed_layers, model.windowed_layers
    kv_share = max(1 / t, 1 / model.kv_heads) * t
    cached = model.kv_elements * replica.kv_bytes * kv_share
    kv_s = max(
        cached / (c.kv_bandwidth * memory),
        2 * model.heads * (model.kv_elements + model.latent_rank) / (c.attention_share * bf16)
        if model.latent_rank else 0.0,
    )  # fmt: skip
    causal = 2 * model.heads * model.head_dim / (c.attention_share * bf16)
    link_s, latency_s = _all_reduce(gpu, t, model, c)
    launches = model.layers * (c.quantized_launch if precision.quantized else 1)
    eager_s = launches * c.eager_launch_s + model.expert_layers * c.expert_launch_s
    layer_s = c.layer_s + (c.quantized_layer_s if precision.fp8 else 0)
    return Costs(
        read_s=(model.linear_params * precision.linear_bytes + model.head_params * 2) / weights,
        expert_read_s=expert * precision.expert_bytes / weights,
        token_s=2 * model.linear_params / peak,
        assignment_s=2 * expert / experts_peak,
        answer_s=2 * model.head_params / (bf16 * c.product_share),
        activation_s=_activation_bytes(model) / (c.activation_bandwidth * memory) + link_s,
        prompt_s=full * causal,
        window_prompt_s=2 * windowed * causal,
        kv_s=full * kv_s,
        window_kv_s=windowed * kv_s,
        tile_s=model.layers * max(model.kv_heads / t, 1) * c.attention_tile_s / gpu.multiprocessors,
        fixed_s=c.step_s + model.layers * layer_s + model.expert_layers * c.expert_layer_s + latency_s,
        launch_s=launches * c.launch_s,
        eager_launch_s=eager_s,
        room_bytes=(MEMORY_SHARE * gpu.memory_bytes - RESERVED_BYTES) * t - model.weight_bytes(precision),
        token_bytes=full * cached,
        window_bytes=windowed * cached,
        experts=model.experts,
        experts_per_token=model.experts_per_token,
        window=model.window,
        clock_fall=c.clock_fall,
        expert_tile_rows=c.expert_tile_rows,
    )  # fmt: skip


def _activation_bytes(model: Model) -> float:
    """Per token: what norms, rotations, residuals and gates read and write between the products, in 2 bytes."""
    heads = model.heads * model.head_dim
    attention = model.layers * (3 * (heads + model.kv_elements) + 2 * heads + 6 * model.hidden)
    return 2 * (attention + 6 * model.width)


def _all_reduce(gpu: Gpu, t: int, model: Model, c: Coefficients) -> tuple[float, float]:
    """Two per layer: seconds per token for the bandwidth, and per step for the latency."""
    if t == 1:
        return 0.0, 0.0
    bus = c.nvlink_share * gpu.link_bytes_per_s if gpu.nvlink else c.pcie_bytes_per_s
    latency = c.nvlink_latency_s if gpu.nvlink else c.pcie_latency_s
    return 2 * model.layers * 2 * (t - 1) / t * 2 * model.hidden / bus, 2 * model.layers * latency
