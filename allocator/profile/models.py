"""A decoder's shape: the sizes that decide what a step costs, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precision:
    """How weights are kept: bytes of one weight in the linear layers and in the experts, scales included.

    Embedding and output layer stay at 2 bytes. `fp8`: products run at the fp8 peak where the GPU has one.
    """

    name: str
    linear_bytes: float
    expert_bytes: float
    fp8: bool = False

    @property
    def quantized(self) -> bool:
        """Whether any weight takes fewer than 2 bytes."""
        return self.expert_bytes < 2


FOUR_BITS = 4.25 / 8
"""Four bits and one scale byte per 32 weights (mxfp4), or about that (AWQ, GPTQ: 2 bytes and a zero per 128)."""
PRECISIONS = {
    precision.name: precision
    for precision in (
        Precision("bf16", 2, 2),
        Precision("fp16", 2, 2),
        Precision("fp8", 1, 1, fp8=True),
        Precision("int8", 1, 1),
        Precision("int4", FOUR_BITS, FOUR_BITS),
        Precision("mxfp4", 2, FOUR_BITS),
    )
}


@dataclass(frozen=True, slots=True)
class Model:
    """Sizes as in its config.json; norms and biases (below 0.1 % of the parameters) are left out.

    `linear_params` are those of all layers that every token passes: attention, dense feed-forward, shared experts,
    routers. `expert_params` is one expert in one of the `expert_layers`. `width` is what a token's feed-forward is wide,
    summed over the layers. `kv_elements` are cached per token and layer; `windowed_layers` keep `window` tokens only.
    `latent_rank`: values per cached token that each head reads twice (MLA); 0: heads have keys of their own.
    `context`: the longest request; None: not told.
    """

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    linear_params: float
    width: float
    kv_elements: int
    latent_rank: int = 0
    experts: int = 0
    experts_per_token: int = 0
    expert_layers: int = 0
    expert_params: float = 0.0
    windowed_layers: int = 0
    window: int = 0
    context: int | None = None
    precision: Precision = PRECISIONS["bf16"]

    @property
    def params(self) -> float:
        """Parameters in all."""
        experts = self.expert_layers * self.experts * self.expert_params
        return self.linear_params + experts + (1 if self.tied else 2) * self.head_params

    @property
    def active_params(self) -> float:
        """Parameters that one token passes, the output layer among them, the embedding not."""
        experts = self.expert_layers * self.experts_per_token * self.expert_params
        return self.linear_params + experts + self.head_params

    @property
    def head_params(self) -> float:
        """Parameters of the output layer; the embedding has as many."""
        return self.vocabulary * self.hidden

    def weight_bytes(self, precision: Precision) -> float:
        """Bytes of all weights."""
        experts = self.expert_layers * self.experts * self.expert_params
        ends = (1 if self.tied else 2) * self.head_params * 2
        return self.linear_params * precision.linear_bytes + experts * precision.expert_bytes + ends
