"""What a node runs: valid cloud-init, the right flags, the same text for the same pool."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from allocator.plan import Engine
from infra.replica import cloud_init, user_data
from tests.infra import plans

ENGINE = Engine("meta-llama/Llama-3.1-8B-Instruct", "vllm/vllm-openai:v0.15.0")


def command(**changes: Any) -> list[str]:
    """The engine's command line on a pool's nodes."""
    document = yaml.safe_load(cloud_init(ENGINE, plans.pool(plans.AWS, **changes)))
    run: list[str] = document["runcmd"][-1]
    return run


def flag(run: list[str], name: str) -> str:
    return run[run.index(name) + 1]


def test_the_document_is_cloud_config_with_commands_of_strings() -> None:
    text = cloud_init(ENGINE, plans.pool(plans.AWS))
    assert text.splitlines()[0] == "#cloud-config"
    document = yaml.safe_load(text)
    assert set(document) == {"runcmd"}
    assert all(isinstance(word, str) for line in document["runcmd"] for word in line)


def test_the_engine_serves_the_model_on_every_gpu_of_the_node() -> None:
    run = command(gpus_per_node=8, tensor_parallel=2, replicas_per_node=4)
    assert run[:3] == ["docker", "run", "--detach"]
    assert "--gpus=all" in run
    assert flag(run, "--model") == "meta-llama/Llama-3.1-8B-Instruct"
    assert flag(run, "--tensor-parallel-size") == "2"
    assert flag(run, "--data-parallel-size") == "4"


def test_the_engine_answers_on_the_service_port() -> None:
    run = command()
    assert flag(run, "--port") == "8000"
    assert flag(run, "--publish") == "8000:8000"


def test_odd_characters_in_a_name_stay_one_word() -> None:
    engine = Engine('a: "b" # $c', "registry/engine:1")
    document = yaml.safe_load(cloud_init(engine, plans.pool(plans.AWS)))
    assert flag(document["runcmd"][-1], "--model") == 'a: "b" # $c'


def test_the_text_does_not_depend_on_sizes() -> None:
    small, large = (plans.pool(plans.AWS, nodes=n, max_nodes=n) for n in (1, 50))
    assert cloud_init(ENGINE, small) == cloud_init(ENGINE, large)


def test_user_data_is_the_same_text_in_base64() -> None:
    pool = plans.pool(plans.AZURE)
    assert base64.b64decode(user_data(ENGINE, pool)).decode() == cloud_init(ENGINE, pool)
