"""A stack's model and precision, as the performance model and the engine take them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.errors import InfeasibleError
from allocator.inputs import read_inputs
from allocator.planner import plan_for
from allocator.profile.model_config import named_models
from allocator.profile.service import served
from allocator.spec import Spec
from tests.allocator.builders import config, project
from tests.allocator.profile.test_model_config import LLAMA

EIGHT_BITS = {"quantization_config": {"quant_method": "fp8"}}


def service(**changes):
    return Spec.read(config(**{f"service__{key}": value for key, value in changes.items()})).service


@pytest.mark.parametrize(
    ("asked", "precision", "kv_bytes", "options"),
    [
        ({}, "bf16", 2, ()),
        ({"precision": "fp8"}, "fp8", 2, ("--quantization", "fp8")),
        ({"precision": "fp16"}, "fp16", 2, ("--dtype", "float16")),
        ({"precision": "int4"}, "int4", 2, ()),
        ({"kv_cache": "fp8"}, "bf16", 1, ("--kv-cache-dtype", "fp8")),
        ({"model": "gpt-oss-20b"}, "mxfp4", 2, ()),
    ],
)
def test_what_is_planned_for_is_what_the_engine_is_told(
    tmp_path: Path, asked, precision, kv_bytes, options
):
    serve = served(service(**asked), tmp_path)
    assert (serve.precision.name, serve.kv_bytes) == (precision, kv_bytes)
    assert serve.engine.options == options


def test_weights_that_are_quantized_already_tell_the_engine_themselves(tmp_path: Path):
    (tmp_path / "mine.json").write_text(json.dumps(LLAMA | EIGHT_BITS))
    serve = served(service(model="mine.json"), tmp_path)
    assert (serve.model.name, serve.precision.name, serve.engine.options) == ("mine", "fp8", ())


def test_a_plan_of_a_config_json_is_that_of_the_same_shape_by_name(tmp_path: Path):
    root = project(tmp_path)
    (root / "models/mine").mkdir(parents=True)
    (root / "models/mine/config.json").write_text(json.dumps(LLAMA))
    named, own = (
        read_inputs(config(service__model=model), root)
        for model in ("llama-3.1-8b", "models/mine/config.json")
    )
    for one, other in zip(named.candidates, own.candidates, strict=True):
        if "measured" not in "".join(one.shape.origins):
            assert one.shape == other.shape


def test_every_number_of_a_plan_has_an_origin_and_a_fit_is_named_as_its_source(tmp_path: Path):
    root = project(tmp_path)
    fitted = {"fitted_to": ["mine"], "as_of": "2026-11-22", "coefficients": {"clock_fall": 0.2}}
    (root / "stacks/coefficients.json").write_text(json.dumps(fitted))
    plan = plan_for(config(), root)
    for shape in plan.decisions.shapes:
        assert set(shape.origins) == {"model, fitted to mine"}
    assert [source.name for source in plan.provenance.profiles] == ["coefficients"]


def test_requests_beyond_the_models_context_are_an_error_that_says_so(tmp_path: Path):
    assert named_models()["llama-2-7b"].context == 4096
    with pytest.raises(InfeasibleError, match="longer than the model's context"):
        plan_for(config(service__model="llama-2-7b"), project(tmp_path))
