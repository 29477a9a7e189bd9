"""Model shapes from Hugging Face's config.json: dense, mixture of experts, GQA, MHA, MLA, sliding windows.

Keys that are not known are ignored, so that a new model's file is read as far as it tells.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from allocator.errors import DataError, SpecError, first_problem, unknown
from allocator.profile.models import PRECISIONS, Model, Precision

_NAMED = Path(__file__).with_name("models.json")
_UNGATED = {"falcon", "gpt2", "gpt_bigcode", "gpt_neox", "gptj", "mpt", "nemotron", "opt", "phi", "starcoder2"}  # fmt: skip
"""Model types whose feed-forward has two matrices; all others have three (gate, up, down)."""
_FOUR_BIT = {"awq", "gptq", "awq_marlin", "gptq_marlin", "auto-round"}
_Size = Annotated[int, Field(gt=0, le=10_000_000)]
_Count = Annotated[int, Field(ge=0, le=10_000_000)]


def _either(*names: str, default: Any = ...) -> Any:
    return Field(default, validation_alias=AliasChoices(*names))


class _Config(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    model_type: str = ""
    hidden_size: _Size
    num_hidden_layers: Annotated[int, Field(gt=0, le=10_000)]
    num_attention_heads: _Size
    num_key_value_heads: _Size | None = None
    head_dim: _Size | None = None
    intermediate_size: _Size
    vocab_size: _Size
    tie_word_embeddings: bool = False
    max_position_embeddings: _Size | None = None
    dtype: str = _either("dtype", "torch_dtype", default="bfloat16")
    quantization_config: dict[str, Any] | None = None

    sliding_window: _Count | None = None
    use_sliding_window: bool = True
    layer_types: list[str] | None = None

    experts: _Count | None = _either(
        "num_local_experts", "num_experts", "n_routed_experts", default=None
    )
    experts_per_token: _Size | None = _either("num_experts_per_tok", "moe_topk", default=None)
    moe_intermediate_size: _Size | None = None
    n_shared_experts: _Count | None = None
    shared_expert_intermediate_size: _Count | None = None
    first_k_dense_replace: _Count = 0
    decoder_sparse_step: _Size = 1
    mlp_only_layers: list[int] = []

    kv_lora_rank: _Size | None = None
    q_lora_rank: _Size | None = None
    qk_nope_head_dim: _Count = 0
    qk_rope_head_dim: _Count = 0
    v_head_dim: _Size | None = None


def find_model(name: str, root: Path, asked: str) -> Model:
    """A shipped shape by its name, or the config.json at a path below `root`; `asked`: where the name was given.

    Raises SpecError for an unknown name, DataError for a broken file.
    """
    if name in named_models():
        return named_models()[name]
    if not name.endswith(".json"):
        raise SpecError(
            f"{asked}: {unknown('model', name, named_models())} (or give the path of its config.json)"
        )
    return read_model(root / name)


@cache
def named_models() -> dict[str, Model]:
    """The shipped shapes by name; models.json holds the keys of their published config.json that matter here."""
    known = json.loads(_NAMED.read_text(encoding="utf-8"))
    return {name: model_of(config, name, _NAMED.name) for name, config in known.items()}


def read_model(file: Path) -> Model:
    """The shape in a config.json, named after the file or, where that is config.json, its folder. Raises DataError."""
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise DataError(f"model {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"model {file}: not JSON: {error}") from error
    name = file.resolve().parent.name if file.stem == "config" else file.stem
    return model_of(content, name, str(file))


def model_of(content: Any, name: str, file: str) -> Model:
    """The shape that a config.json's content describes. Raises DataError naming `file` and the field."""
    if isinstance(content, dict) and isinstance(content.get("text_config"), dict):
        content = content | content["text_config"]
    try:
        config = _Config.model_validate(content)
    except ValidationError as error:
        raise DataError(f"model {file}: {first_problem(error)}") from error
    heads = config.num_attention_heads
    if config.experts and config.experts_per_token is None:
        raise DataError(
            f"model {file}: num_experts_per_tok: missing beside {config.experts} experts"
        )
    if config.experts and config.experts_per_token and config.experts < config.experts_per_token:
        raise DataError(
            f"model {file}: num_experts_per_tok: is {config.experts_per_token} of {config.experts} experts"
        )
    if config.head_dim is None and config.hidden_size % heads and config.kv_lora_rank is None:
        raise DataError(
            f"model {file}: num_attention_heads: {heads} do not divide hidden_size {config.hidden_size}"
        )
    return _shape(config, name, _precision(config, file))


def _shape(config: _Config, name: str, precision: Precision) -> Model:
    layers, hidden = config.num_hidden_layers, config.hidden_size
    sparse = _expert_layers(config)
    matrices = 2 if config.model_type in _UNGATED else 3
    expert_width = config.moe_intermediate_size or config.intermediate_size
    shared = config.shared_expert_intermediate_size or (config.n_shared_experts or 0) * expert_width
    dense_width = (layers - sparse) * config.intermediate_size + sparse * shared
    routers = sparse * hidden * (config.experts or 0)
    attention, kv_elements, head_dim = _attention(config)
    windowed = _windowed_layers(config)
    active = (config.experts_per_token or 0) * sparse * expert_width
    return Model(
        name=name,
        layers=layers,
        hidden=hidden,
        heads=config.num_attention_heads,
        kv_heads=1 if config.kv_lora_rank else config.num_key_value_heads or config.num_attention_heads,
        head_dim=head_dim,
        vocabulary=config.vocab_size,
        tied=config.tie_word_embeddings,
        linear_params=layers * attention + matrices * hidden * dense_width + routers,
        width=dense_width + active,
        kv_elements=kv_elements,
        latent_rank=config.kv_lora_rank or 0,
        experts=config.experts if config.experts and sparse else 0,
        experts_per_token=config.experts_per_token or 0 if sparse else 0,
        expert_layers=sparse,
        expert_params=matrices * hidden * expert_width if sparse else 0,
        windowed_layers=windowed,
        window=config.sliding_window or 0 if windowed else 0,
        context=config.max_position_embeddings,
        precision=precision,
    )  # fmt: skip


def _attention(config: _Config) -> tuple[float, int, int]:
    """Parameters and cached values per token of one layer's attention, and the dimension of a head."""
    hidden, heads = config.hidden_size, config.num_attention_heads
    if config.kv_lora_rank is None:
        head = config.head_dim or hidden // heads
        kv = 2 * (config.num_key_value_heads or heads) * head
        return hidden * (2 * heads * head + kv), kv, head
    rope, latent = config.qk_rope_head_dim, config.kv_lora_rank
    key, value = config.qk_nope_head_dim + rope, config.v_head_dim or config.qk_nope_head_dim
    query = hidden * heads * key
    if config.q_lora_rank:
        query = config.q_lora_rank * (hidden + heads * key)
    expand = latent * heads * (config.qk_nope_head_dim + value)
    return query + hidden * (latent + rope) + expand + heads * value * hidden, latent + rope, key


def _expert_layers(config: _Config) -> int:
    if not config.experts:
        return 0
    return sum(
        layer >= config.first_k_dense_replace
        and layer not in config.mlp_only_layers
        and (layer + 1) % config.decoder_sparse_step == 0
        for layer in range(config.num_hidden_layers)
    )


def _windowed_layers(config: _Config) -> int:
    if not config.sliding_window or not config.use_sliding_window:
        return 0
    if config.layer_types is None:
        return config.num_hidden_layers
    return config.layer_types.count("sliding_attention")


def _precision(config: _Config, file: str) -> Precision:
    quantized = config.quantization_config
    if quantized is None:
        return PRECISIONS["fp16" if config.dtype == "float16" else "bf16"]
    method = str(quantized.get("quant_method", "")).lower()
    bits = quantized.get("bits") or quantized.get("w_bit") or _compressed_bits(quantized)
    if method in PRECISIONS:
        return PRECISIONS[method]
    if method in _FOUR_BIT and bits in (None, 4):
        return PRECISIONS["int4"]
    if method == "bitsandbytes":
        return PRECISIONS["int4" if quantized.get("load_in_4bit") else "int8"]
    kind = {4: "int4", 8: "fp8" if _is_float(quantized) else "int8"}.get(bits)
    if kind is None:
        raise DataError(
            f"model {file}: quantization_config: {method or 'no quant_method'} with {bits or 'unknown'} bits is not "
            f"known; known: {', '.join(PRECISIONS)}, awq, gptq, bitsandbytes, compressed-tensors of 4 or 8 bits"
        )
    return PRECISIONS[kind]


def _weights_of(quantized: dict[str, Any]) -> dict[str, Any]:
    """What compressed-tensors says of the weights in its first group."""
    groups = quantized.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    weights = first.get("weights") if isinstance(first, dict) else None
    return weights if isinstance(weights, dict) else {}


def _compressed_bits(quantized: dict[str, Any]) -> Any:
    return _weights_of(quantized).get("num_bits")


def _is_float(quantized: dict[str, Any]) -> bool:
    return _weights_of(quantized).get("type") == "float"
