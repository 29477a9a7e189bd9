"""The performance model's coefficients: one name, one value, one source each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What the model takes of a GPU's peaks, and the seconds that no peak explains.

    "Fitted": to the two H200 tables of stacks/profiles together (python -m bench.profile). Times are for a host with
    CPU cores to spare.
    """

    weight_bandwidth: float = 0.80
    """Of the memory's peak, reading weights. Measured products of few rows: H100 .77-.89, A100 .75, A40 .79 (Vidur)."""
    kv_bandwidth: float = 0.90
    """Of the memory's peak, reading the KV cache: what a copy reaches on H100 and H200."""
    activation_bandwidth: float = 0.80
    """Of the memory's peak, norms, rotations and activations between the products. Assumed."""
    product_share: float = 0.80
    """Of the bf16 peak, large products at full clock: 8192^3 on H200 and H100 reaches .80."""
    fp8_product_share: float = 0.70
    """Of the fp8 peak: as above, and scales to apply. Assumed."""
    expert_product_share: float = 0.55
    """Of the peak, grouped products of a mixture of experts. Assumed."""
    attention_share: float = 0.60
    """Of the bf16 peak, causal attention over a prompt: FlashAttention-3 on H100, 4 to 16 thousand tokens."""
    clock_fall: float = 0.19
    """Part of the clock that is lost to the power limit where products fill all the time. Fitted; an H200 was seen to fall
    from 1,980 to about 1,450 MHz."""
    attention_tile_s: float = 2.5e-6
    """Seconds of one multiprocessor to start and end the attention of one sequence and KV head in one layer. Fitted."""
    expert_tile_rows: float = 64.0
    """Rows to which the tokens of one expert are filled up in a grouped product (half of it on average). vLLM's kernel."""
    step_s: float = 600e-6
    """Per step: scheduling and sampling that the GPU waits for. Assumed, as the next."""
    layer_s: float = 12e-6
    """Per layer: starts and ends of its kernels."""
    quantized_layer_s: float = 15e-6
    """Per layer, on top, with fp8 weights: kernels that quantize the activations. An fp8 8B step of 64 running requests
    took 4.7 ms."""
    expert_layer_s: float = 20e-6
    """Per layer of experts, on top: routing, sorting, summing. Seen: Qwen3-30B-A3B, as the next."""
    expert_launch_s: float = 0.60e-3
    """Per layer of experts, on top of the next two in steps above GRAPH_TOKENS."""
    launch_s: float = 0.17e-3
    """Per layer, the least that a step with a prompt takes: no full CUDA graph covers it, only pieces, and the host
    launches the rest. Below what the H200 tables' shortest prompts show."""
    eager_launch_s: float = 0.40e-3
    """The same above GRAPH_TOKENS, where no graph is. Below what the tables' prompts of 500 tokens show."""
    quantized_launch: float = 1.6
    """Times so much with quantized weights: an fp8 8B step of 64 running requests took 9 ms with a 128-token prompt in it."""
    nvlink_share: float = 0.6
    """Of the link's peak, all-reduce of large tensors. Assumed, as the next three."""
    nvlink_latency_s: float = 12e-6
    pcie_latency_s: float = 60e-6
    pcie_bytes_per_s: float = 4e9


DEFAULTS = Coefficients()
GRAPH_TOKENS = 512
"""Largest step that pieces of a CUDA graph cover (vLLM's default)."""
MEMORY_SHARE = 0.90
"""Of a GPU's memory, what the engine takes (vLLM's default)."""
RESERVED_BYTES = 2e9
"""Per GPU, for activations and CUDA graphs: the H200 tables' KV caches leave 2.4 to 2.8 GB."""
MAX_BATCH = 256
"""Requests that run at once (vLLM's default on most GPUs; 1,024 on the largest)."""
PROMPT_TOKENS = 8192
"""Of prompts, that one step reads at most (vLLM's default for servers on large GPUs)."""
