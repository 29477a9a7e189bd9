"""Model shapes from config.json: the published sizes, and one clear line where the file is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allocator.errors import DataError, SpecError
from allocator.profile.model_config import find_model, model_of, named_models, read_model

LLAMA = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072, "torch_dtype": "bfloat16",
}  # fmt: skip
QWEN3_30B = LLAMA | {
    "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 48, "num_key_value_heads": 4,
    "head_dim": 128, "vocab_size": 151936, "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768,
}  # fmt: skip
DEEPSEEK_V3 = {
    "hidden_size": 7168, "intermediate_size": 18432, "num_hidden_layers": 61, "num_attention_heads": 128,
    "num_key_value_heads": 128, "vocab_size": 129280, "n_routed_experts": 256, "num_experts_per_tok": 8,
    "moe_intermediate_size": 2048, "n_shared_experts": 1, "first_k_dense_replace": 3, "kv_lora_rank": 512,
    "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "quantization_config": {"quant_method": "fp8"},
}  # fmt: skip
GEMMA3_27B = {"model_type": "gemma3", "text_config": {
    "hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 62, "num_attention_heads": 32,
    "num_key_value_heads": 16, "head_dim": 128, "vocab_size": 262208, "tie_word_embeddings": True, "sliding_window": 1024,
    "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 10 + ["sliding_attention"] * 2,
}}  # fmt: skip


def shape(content: Any, **changes: Any):
    return model_of(content | changes, "made", "config.json")


@pytest.mark.parametrize(
    ("model", "params", "active"),
    [
        ("llama-2-7b", 6.738e9, 6.6e9), ("llama-2-70b", 68.98e9, 68.7e9), ("llama-3.1-8b", 8.030e9, 7.5e9),
        ("llama-3.1-70b", 70.55e9, 69.5e9), ("qwen3-8b", 8.191e9, 7.57e9), ("qwen3-32b", 32.76e9, 31.98e9),
        ("mistral-7b", 7.248e9, 7.11e9), ("mixtral-8x7b", 46.70e9, 12.75e9), ("gpt-oss-20b", 20.91e9, 3.61e9),
        ("gpt-oss-120b", 116.83e9, 5.13e9),
    ],
)  # fmt: skip
def test_shipped_shapes_have_the_published_parameters(model, params, active):
    assert named_models()[model].params == pytest.approx(params, rel=1e-3)
    assert named_models()[model].active_params == pytest.approx(active, rel=3e-3)


@pytest.mark.parametrize(
    ("content", "params"),
    [(LLAMA, 8.03e9), (QWEN3_30B, 30.53e9), (DEEPSEEK_V3, 671e9), (GEMMA3_27B, 27.0e9)],
)
def test_other_files_tell_their_published_parameters(content, params):
    assert shape(content).params == pytest.approx(params, rel=3e-3)


def test_latent_attention_caches_the_latent_alone():
    """70 kB per token in 2 bytes, as DeepSeek publishes."""
    made = shape(DEEPSEEK_V3)
    assert (made.kv_elements, made.kv_heads) == (512 + 64, 1)
    assert made.layers * made.kv_elements * 2 == pytest.approx(70e3, rel=0.01)


def test_windows_are_those_of_the_layers_that_have_one():
    assert (shape(GEMMA3_27B).windowed_layers, shape(GEMMA3_27B).window) == (52, 1024)
    assert shape(LLAMA, sliding_window=4096).windowed_layers == 32
    assert shape(LLAMA, sliding_window=4096, use_sliding_window=False).windowed_layers == 0
    assert named_models()["gpt-oss-20b"].windowed_layers == 12


@pytest.mark.parametrize(
    ("quantization", "precision"),
    [
        (None, "bf16"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "awq", "bits": 4}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}}}, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}}}, "int4"),
    ],
)  # fmt: skip
def test_the_precision_is_read_from_the_quantization(quantization, precision):
    assert shape(LLAMA, quantization_config=quantization).precision.name == precision


def test_half_precision_is_16_bits_of_the_other_kind():
    assert shape(LLAMA, torch_dtype="float16").precision.name == "fp16"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_size": -1}, "hidden_size: should be greater than 0, is -1"),
        ({"num_hidden_layers": "many"}, "num_hidden_layers: should be a valid integer"),
        ({"num_experts": 8}, "num_experts_per_tok: missing beside 8 experts"),
        ({"num_experts": 4, "num_experts_per_tok": 8}, "num_experts_per_tok: is 8 of 4 experts"),
        ({"num_attention_heads": 33}, "num_attention_heads: 33 do not divide hidden_size 4096"),
        ({"quantization_config": {"quant_method": "magic"}}, "quantization_config: magic with unknown bits"),
    ],
)  # fmt: skip
def test_a_broken_field_is_told_with_its_file(tmp_path: Path, change, said):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(LLAMA | change))
    with pytest.raises(DataError, match=said) as caught:
        read_model(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "{}", "[" * 100_000])
def test_what_is_no_config_is_refused_in_one_line(tmp_path: Path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(DataError) as caught:
        find_model("config.json", tmp_path, "here")
    assert "\n" not in str(caught.value)


def test_a_file_is_named_after_itself_or_its_folder(tmp_path: Path):
    for place in ("tiny/config.json", "mine.json"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(json.dumps(LLAMA))
    assert find_model("tiny/config.json", tmp_path, "here").name == "tiny"
    assert find_model("mine.json", tmp_path, "here").name == "mine"


def test_an_unknown_name_gets_the_nearest(tmp_path: Path):
    with pytest.raises(SpecError, match=r"^here: unknown model 'llama-3.1-8'; did you mean llama-3.1-8b"):  # fmt: skip
        find_model("llama-3.1-8", tmp_path, "here")
